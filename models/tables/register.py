"""The county's accounts (一卡通账号), their history, and the locks on them (S2 1.3)."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import CardType
from models.words.stages import AccountStatus


class RegisterAccount(SQLModel, table=True):
    """一卡通账号: one row per person and county, never deleted."""

    __tablename__ = "register_account"
    __table_args__ = (
        UniqueConstraint("person_index", "county_code"),
        # whether somebody else has the account is told by the entry alone
        Index("ix_register_account_account", "account_index", "county_code", "id", postgresql_include=["person_index"]),
        Index("ix_register_account_name", "county_code", "name_index"),
        Index("ix_register_account_county", "county_code", "id", "status", "bank_code"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    person_index: str
    name_sealed: str
    name_index: str
    id_number_sealed: str
    bank_code: str | None = None
    account_sealed: str | None = None
    account_index: str | None = None
    card_type: CardType | None = Field(default=None, sa_type=enum_column(CardType))
    status: AccountStatus = Field(sa_type=enum_column(AccountStatus))
    source: str
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class RegisterChange(SQLModel, table=True):
    """The history of a register row: when, by whom, from what to what.

    `as_of` is the moment that the word is true of, when it came later: a list's hand-over, a question to the bank;
    `reason_code` why an account became unusable.
    """

    __tablename__ = "register_change"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    register_account_id: int = Field(foreign_key="register_account.id", index=True, sa_type=BigInteger)
    source: str
    actor: str
    old_bank_code: str | None = None
    old_account_sealed: str | None = None
    new_bank_code: str | None = None
    new_account_sealed: str | None = None
    old_status: str | None = None
    new_status: str
    at: datetime = Field(default_factory=now, sa_type=INSTANT)
    as_of: datetime | None = Field(default=None, sa_type=INSTANT)
    reason_code: str | None = None


class AccountLock(SQLModel, table=True):
    """While a person's account in a county is being changed, lines of that person are held."""

    __tablename__ = "account_lock"
    __table_args__ = (
        Index(
            "uq_account_lock_open",
            "county_code",
            "person_index",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    person_index: str
    request_no: str
    since: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)

"""What a county begins with: loads of the accounts that exist already (初始导入), and trials of the platform."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.answers import PAGE_LIMIT
from models.wire.words import CardType
from models.words.card_stages import LoadOutcome, LoadStage
from models.words.stages import ImportVerdict


class RegisterLoad(SQLModel, table=True):
    """One file: checked, asked at the bank page by page, confirmed by a second person, taken as a whole.

    `as_of` is the day of what it says; `decided_by` said that what had stopped it is meant, `confirmed_by` is the
    reviewer. `cursor` is the last row that the bank has judged.
    """

    __tablename__ = "register_load"
    __table_args__ = (
        Index("ix_register_load_county", "county_code", "id"),
        Index("uq_register_load_open", "county_code", unique=True, postgresql_where=text("finished_at IS NULL")),
        CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name="decided_by"),
        CheckConstraint(
            "confirmed_by IS NULL OR (confirmed_by <> entered_by AND confirmed_by IS DISTINCT FROM decided_by)",
            name="two_persons",
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    load_no: str = Field(unique=True)
    county_code: str
    as_of: date
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigInteger)
    stage: LoadStage = Field(default=LoadStage.CHECKING, sa_type=enum_column(LoadStage))
    rows_total: int = 0
    rows_checked: int = 0
    rows_refused: int = 0
    rows_asked: int = 0
    refused_file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigInteger)
    problem: str | None = None
    faults_sealed: str | None = Field(default=None, sa_type=Text)
    findings_sealed: str | None = Field(default=None, sa_type=Text)
    to_confirm_count: int = 0
    rows_to_confirm: int = 0
    decision: ImportVerdict | None = Field(default=None, sa_type=enum_column(ImportVerdict))
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    decision_reason_sealed: str | None = None
    pages: int = 0
    page_size: int = PAGE_LIMIT
    cursor: int = Field(default=0, sa_type=BigInteger)
    asked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    compared_at: datetime | None = Field(default=None, sa_type=INSTANT)
    figures: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    # the refused one that this file is the correction of
    corrects_id: int | None = Field(default=None, foreign_key="register_load.id", sa_type=BigInteger)
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)
    entered_by: str
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    remark_sealed: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class RegisterLoadRow(SQLModel, table=True):
    """A person's account in a load, sealed as the register will have it; what the bank and the register say of it.

    `code` is why the bank or the register is against it, the `old_` columns what the register had when it was compared.
    """

    __tablename__ = "register_load_row"
    __table_args__ = (
        UniqueConstraint("load_id", "person_index"),
        Index("ix_register_load_row_load", "load_id", "id"),
        Index("ix_register_load_row_outcome", "load_id", "outcome", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    load_id: int = Field(foreign_key="register_load.id", sa_type=BigInteger)
    file_row: int
    person_index: str
    name_sealed: str
    name_index: str
    id_number_sealed: str
    bank_code: str
    account_sealed: str
    account_index: str
    card_type: CardType = Field(sa_type=enum_column(CardType))
    valid: bool | None = None
    outcome: LoadOutcome | None = Field(default=None, sa_type=enum_column(LoadOutcome))
    code: str | None = None
    old_bank_code: str | None = None
    old_account_sealed: str | None = None
    old_status: str | None = None


class PlatformTrial(SQLModel, table=True):
    """The last time that somebody tried whether the platform answers, and whether its clock is ours.

    `code` is the trouble there was; `ahead_seconds` by how much the platform's clock is ahead, where it says its time.
    """

    __tablename__ = "platform_trial"

    county_code: str = Field(primary_key=True)
    asked_by: str
    tried_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    code: str | None = None
    took_ms: int
    ahead_seconds: float | None = None

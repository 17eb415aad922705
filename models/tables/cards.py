"""Sign-ins, card changes with a part per county, village entries, account checks and notices (S2)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import CardType, FaceChannel
from models.words.card_stages import (
    EntryStage,
    LoginStage,
    NoticeKind,
    PartStage,
    RequestResult,
    RequestStage,
    RoundStage,
)
from models.words.staff import SessionEnd


class FaceLogin(SQLModel, table=True):
    """One attempt to sign in; browser and session secrets are kept as hashes only, the person sealed."""

    __tablename__ = "face_login"
    __table_args__ = (
        Index("ix_face_login_person", "person_index", "created_at"),
        Index("ix_face_login_address", "address_index", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    login_no: str = Field(unique=True)
    province_code: str
    channel: FaceChannel = Field(sa_type=enum_column(FaceChannel))
    browser_hash: str = Field(index=True)
    address_index: str
    stage: LoginStage = Field(default=LoginStage.OPENING, sa_type=enum_column(LoginStage))
    face_session_id: str | None = Field(default=None, index=True)
    url_sealed: str | None = None
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reason_code: str | None = None
    person_index: str | None = None
    name_sealed: str | None = None
    id_number_sealed: str | None = None
    session_hash: str | None = Field(default=None, unique=True)
    session_opened_at: datetime | None = Field(default=None, sa_type=INSTANT)
    last_seen_at: datetime | None = Field(default=None, sa_type=INSTANT)
    session_ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    over_by: SessionEnd | None = Field(default=None, sa_type=enum_column(SessionEnd))
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CardChange(SQLModel, table=True):
    """账号变更: one open request per person, held by a unique index whatever the number of devices."""

    __tablename__ = "card_change"
    __table_args__ = (
        Index(
            "uq_card_change_open",
            "province_code",
            "person_index",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_card_change_person", "province_code", "person_index", "id"),
        Index("ix_card_change_name", "name_index"),
        CheckConstraint("authorised", name="authorised"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    request_no: str = Field(unique=True)
    province_code: str
    person_index: str
    name_sealed: str
    name_index: str
    id_number_sealed: str
    card_type: CardType = Field(sa_type=enum_column(CardType))
    bank_code: str
    account_sealed: str
    account_index: str
    reason_sealed: str | None = None
    authorised: bool
    channel: FaceChannel = Field(sa_type=enum_column(FaceChannel))
    stage: RequestStage = Field(default=RequestStage.VALIDATING, sa_type=enum_column(RequestStage))
    result: RequestResult | None = Field(default=None, sa_type=enum_column(RequestResult))
    failure_code: str | None = None
    failure: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CardChangePart(SQLModel, table=True):
    """What a request means in one county: decision, lock, 上卡, clearing and notice belong to it."""

    __tablename__ = "card_change_part"
    __table_args__ = (
        UniqueConstraint("request_id", "county_code"),
        Index("ix_card_change_part_county", "county_code", "id"),
        Index("ix_card_change_part_stage", "county_code", "stage", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    request_id: int = Field(foreign_key="card_change.id", sa_type=BigInteger)
    part_no: str = Field(unique=True)
    county_code: str
    stage: PartStage = Field(default=PartStage.VALIDATING, sa_type=enum_column(PartStage))
    old_bank_code: str | None = None
    old_account_sealed: str | None = None
    old_account_index: str | None = None
    attempt: int = 0
    submission_id: str | None = None
    error_code: str | None = None
    error_sealed: str | None = None
    old_account_usable: bool | None = None
    reviewed_by: str | None = None
    remark_sealed: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    retry_asked_by: str | None = None
    retry_asked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class MatterStep(SQLModel, table=True):
    """A step of a matter with its time, as the citizen sees it under 事项办理; `words` are ours, nobody's free text."""

    __tablename__ = "matter_step"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    request_id: int = Field(foreign_key="card_change.id", index=True, sa_type=BigInteger)
    county_code: str | None = None
    step: str
    words: str
    at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Notice(SQLModel, table=True):
    """系统通知: bank, account, county, explanation and time, for one person; added once per cause."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("county_code", "person_index", "cause"),
        Index("ix_notice_person", "person_index", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    person_index: str
    kind: NoticeKind = Field(sa_type=enum_column(NoticeKind))
    cause: str
    bank_code: str | None = None
    account_sealed: str | None = None
    explanation_sealed: str
    error_code: str | None = None
    request_no: str | None = None
    applied_at: datetime | None = Field(default=None, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)
    result: str | None = None
    operated_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    read_at: datetime | None = Field(default=None, sa_type=INSTANT)


class VillageEntry(SQLModel, table=True):
    """村社申报 for a person without a usable account: photo, bank validation, confirmed by a reviewer."""

    __tablename__ = "village_entry"
    __table_args__ = (
        Index("ix_village_entry_county", "county_code", "id"),
        Index(
            "uq_village_entry_open",
            "county_code",
            "person_index",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> entered_by", name="two_persons"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    entry_no: str = Field(unique=True)
    county_code: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    card_type: CardType = Field(sa_type=enum_column(CardType))
    bank_code: str
    account_sealed: str
    account_index: str
    photo_file_id: int = Field(foreign_key="stored_file.id", sa_type=BigInteger)
    reason_sealed: str | None = None
    stage: EntryStage = Field(default=EntryStage.VALIDATING, sa_type=enum_column(EntryStage))
    attempt: int = 0
    submission_id: str | None = None
    failure_code: str | None = None
    failure: str | None = None
    entered_by: str
    confirmed_by: str | None = None
    remark_sealed: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CheckRound(SQLModel, table=True):
    """One round of account checks; `cursor` is the last account of the last page that was judged."""

    __tablename__ = "check_round"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    round_no: str = Field(unique=True)
    province_code: str
    county_code: str | None = None
    trigger: str
    account_id: int | None = Field(default=None, sa_type=BigInteger)
    stage: RoundStage = Field(default=RoundStage.CHECKING, sa_type=enum_column(RoundStage))
    cursor: int = Field(default=0, sa_type=BigInteger)
    pages: int = 0
    checked: int = 0
    figures: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    asked_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class AccountCheck(SQLModel, table=True):
    """The bank's verdict on one account in one round: no account is checked twice in a round."""

    __tablename__ = "account_check"

    round_id: int = Field(primary_key=True, foreign_key="check_round.id", sa_type=BigInteger)
    register_account_id: int = Field(primary_key=True, foreign_key="register_account.id", sa_type=BigInteger)
    valid: bool
    reason_code: str | None = None
    at: datetime = Field(default_factory=now, sa_type=INSTANT)


class InvalidationCursor(SQLModel, table=True):
    """Up to where a province's list of invalidations has been fetched; the safety net behind their events."""

    __tablename__ = "invalidation_cursor"

    province_code: str = Field(primary_key=True)
    since: datetime = Field(sa_type=INSTANT)

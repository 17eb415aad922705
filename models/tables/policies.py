"""Policy unit, policies and indicators (S1 1.1, 2.3)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.file_owners import FileOf
from models.tables.base import INSTANT, enum_column, now
from models.words.stages import ReviewStage


class StoredFile(SQLModel, table=True):
    """An object in S3, written there before this row; sha-256 is checked on every read."""

    __tablename__ = "stored_file"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str = Field(index=True)
    object_key: str = Field(unique=True)
    sha256: str
    content_type: str
    size: int
    platform_file_id: str | None = None
    stored_by: str
    stored_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class FileUse(SQLModel, table=True):
    """What a stored file belongs to, by number; of one that belongs to nothing yet, who brought it."""

    __tablename__ = "file_use"

    file_id: int = Field(primary_key=True, foreign_key="stored_file.id", sa_type=BigInteger)
    thing: FileOf = Field(primary_key=True, sa_type=enum_column(FileOf))
    number: str = Field(primary_key=True)


class PolicyUnit(SQLModel, table=True):
    """The county's policy unit; another may be chosen while nothing is open (S1 1.1.1)."""

    __tablename__ = "policy_unit"

    county_code: str = Field(primary_key=True)
    code: str
    name: str
    chosen_by: str
    chosen_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class BudgetChoice(SQLModel, table=True):
    """What was set by 设置预算单位, 设置预算项目 and 设置指标文号 before indicators are registered (S1 2.3.1)."""

    __tablename__ = "budget_choice"

    county_code: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    fund_year: int = Field(primary_key=True)
    code: str = Field(primary_key=True)
    name: str
    chosen_by: str
    chosen_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Policy(SQLModel, table=True):
    """A subsidy policy of one fund year; `round` grows with each upload after a refusal.

    It keeps the policy unit that it was first handed in for.
    """

    __tablename__ = "policy"
    __table_args__ = (
        Index("ix_policy_county", "county_code", "fund_year", "id"),
        UniqueConstraint("id", "policy_unit_code"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    policy_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    policy_unit_code: str
    policy_unit_name: str
    title_sealed: str
    item_codes: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigInteger)
    stage: ReviewStage = Field(sa_type=enum_column(ReviewStage))
    round: int = 1
    submission_id: str | None = None
    refused_submission_id: str | None = None
    opinion_sealed: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    entered_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Indicator(SQLModel, table=True):
    """A budget indicator; reserved and paid are kept by a trigger on flow_line, so they can't drift from the lines."""

    __tablename__ = "indicator"
    __table_args__ = (
        Index("ix_indicator_county", "county_code", "fund_year", "id"),
        CheckConstraint("total_fen > 0", name="total_positive"),
        CheckConstraint(
            "central_fen >= 0 AND provincial_fen >= 0 AND municipal_fen >= 0 AND county_fen >= 0", name="parts"
        ),
        CheckConstraint("central_fen + provincial_fen + municipal_fen + county_fen = total_fen", name="parts_add_up"),
        CheckConstraint("reserved_fen >= 0 AND paid_fen >= 0 AND reserved_fen + paid_fen <= total_fen", name="balance"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    indicator_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    budget_unit_code: str
    budget_unit_name: str
    budget_project_code: str
    budget_project_name: str
    document_no: str
    fund_nature: str | None = None
    total_fen: int = Field(sa_type=BigInteger)
    central_fen: int = Field(sa_type=BigInteger)
    provincial_fen: int = Field(sa_type=BigInteger)
    municipal_fen: int = Field(sa_type=BigInteger)
    county_fen: int = Field(sa_type=BigInteger)
    reserved_fen: int = Field(default=0, sa_type=BigInteger)
    paid_fen: int = Field(default=0, sa_type=BigInteger)
    stage: ReviewStage = Field(sa_type=enum_column(ReviewStage))
    round: int = 0
    submission_id: str | None = None
    refused_submission_id: str | None = None
    opinion_sealed: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    entered_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)

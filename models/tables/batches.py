"""Settlement batches, initialisation lists, the province's slot, and the lists pushed to the platform (S1 2.4-2.6)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import DatasetKind, Outcome, RoundMode
from models.words.flow_words import Foreseen
from models.words.stages import BatchStage, DatasetStage, ObjectionState


class Batch(SQLModel, table=True):
    """申请结算批次; publicity is set on it (S1 2.6)."""

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_county", "county_code", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    batch_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    title_sealed: str
    stage: BatchStage = Field(default=BatchStage.OPEN, sa_type=enum_column(BatchStage))
    verification_round: int = 0
    publicity_start: date | None = None
    publicity_address: str | None = None
    publicity_by: str | None = None
    created_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class BatchImage(SQLModel, table=True):
    """公示信息图片 of a batch, in the order in which they were chosen."""

    __tablename__ = "batch_image"

    batch_id: int = Field(primary_key=True, foreign_key="batch.id", sa_type=BigInteger)
    file_id: int = Field(primary_key=True, foreign_key="stored_file.id", sa_type=BigInteger)
    position: int = 0


class Objection(SQLModel, table=True):
    """公示异议 against one application, entered until its flow starts; while it is open the line is held.

    Reason and opinion may name anybody.
    """

    __tablename__ = "objection"
    __table_args__ = (
        Index("ix_objection_county", "county_code", "id"),
        Index("ix_objection_application", "application_id"),
        Index("ix_objection_flow", "flow_id", postgresql_where=text("flow_id IS NOT NULL")),
        # each look at a flow asks which of its lines have one
        Index("ix_objection_open", "application_no", postgresql_where=text("state = 'open'")),
        CheckConstraint(
            "(state = 'open') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("decided_by IS NULL OR decided_by <> entered_by", name="two_persons"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    objection_no: str = Field(unique=True)
    county_code: str
    application_id: int = Field(foreign_key="application.id", sa_type=BigInteger)
    application_no: str
    reason_sealed: str
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigInteger)
    state: ObjectionState = Field(default=ObjectionState.OPEN, sa_type=enum_column(ObjectionState))
    opinion_sealed: str | None = None
    entered_by: str
    entered_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    # in which it held its line when it was decided
    flow_id: int | None = Field(default=None, foreign_key="flow.id", sa_type=BigInteger)


class PublicListSwitch(SQLModel, table=True):
    """公示网页 of a county: off until its administrator switches it on, and says where to object."""

    __tablename__ = "public_list_switch"

    county_code: str = Field(primary_key=True)
    shown: bool
    contact_sealed: str | None = None
    set_by: str
    set_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class ForeseenLine(SQLModel, table=True):
    """What 预检 had foreseen of a line as its list went out, to be held against the platform's answer."""

    __tablename__ = "foreseen_line"
    __table_args__ = (Index("ix_foreseen_line_application", "application_id"),)

    dataset_id: int = Field(primary_key=True, foreign_key="dataset.id", sa_type=BigInteger)
    application_id: int = Field(primary_key=True, foreign_key="application.id", sa_type=BigInteger)
    kind: Foreseen = Field(primary_key=True, sa_type=enum_column(Foreseen))


class BeneficiaryList(SQLModel, table=True):
    """数据初始化 of a number of publicised applications (S1 2.4.1)."""

    __tablename__ = "beneficiary_list"
    __table_args__ = (Index("ix_beneficiary_list_county", "county_code", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    list_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    line_count: int
    total_fen: int = Field(sa_type=BigInteger)
    held_count: int = 0
    entered_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class ProvinceSlot(SQLModel, table=True):
    """The queue for a province's one initialisation under review; holder and place are visible to all counties."""

    __tablename__ = "province_slot"
    __table_args__ = (
        Index(
            "uq_province_slot_held",
            "province_code",
            unique=True,
            postgresql_where=text("granted_at IS NOT NULL AND released_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    province_code: str = Field(index=True)
    county_code: str
    list_no: str = Field(unique=True)
    asked_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    granted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    released_at: datetime | None = Field(default=None, sa_type=INSTANT)
    outside_holder: str | None = None


class Dataset(SQLModel, table=True):
    """A list pushed page by page: an initialisation, a verification or one round of a flow."""

    __tablename__ = "dataset"
    __table_args__ = (
        Index(
            "uq_dataset_open_round",
            "flow_id",
            unique=True,
            postgresql_where=text("flow_id IS NOT NULL AND stage NOT IN ('reviewed', 'refused')"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    reference: str = Field(unique=True)
    kind: DatasetKind = Field(sa_type=enum_column(DatasetKind))
    county_code: str
    batch_id: int | None = Field(default=None, foreign_key="batch.id", sa_type=BigInteger)
    flow_id: int | None = Field(default=None, foreign_key="flow.id", sa_type=BigInteger, index=True)
    mode: RoundMode | None = Field(default=None, sa_type=enum_column(RoundMode))
    order_no: str | None = None
    stage: DatasetStage = Field(default=DatasetStage.PREPARED, sa_type=enum_column(DatasetStage))
    generation: int = 1
    platform_id: str | None = None
    record_count: int = 0
    total_fen: int = Field(default=0, sa_type=BigInteger)
    result_pages: int | None = None
    refusal_code: str | None = None
    refusal_detail: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    committed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)


class DatasetLine(SQLModel, table=True):
    """One line of a pushed list and the platform's result for it."""

    __tablename__ = "dataset_line"
    __table_args__ = (
        Index("ix_dataset_line_application", "application_id"),
        Index("ix_dataset_line_number", "application_no"),
    )

    dataset_id: int = Field(primary_key=True, foreign_key="dataset.id", sa_type=BigInteger)
    position: int = Field(primary_key=True)
    application_id: int = Field(foreign_key="application.id", sa_type=BigInteger)
    application_no: str
    amount_fen: int = Field(sa_type=BigInteger)
    outcome: Outcome | None = Field(default=None, sa_type=enum_column(Outcome))
    reason_code: str | None = None
    reason_sealed: str | None = None


class ResultPage(SQLModel, table=True):
    """A page of results that was taken in; the same page with another content is a contradiction."""

    __tablename__ = "result_page"
    __table_args__ = (UniqueConstraint("dataset_id", "page"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    dataset_id: int = Field(foreign_key="dataset.id", sa_type=BigInteger)
    page: int
    content_sha256: str
    inbox_id: int = Field(sa_type=BigInteger)
    taken_at: datetime = Field(default_factory=now, sa_type=INSTANT)

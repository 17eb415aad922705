"""The flow, its lines, orders, summaries and contradictions (S1 2.7, 2.8)."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import ApplicantKind, HouseholdRegistration, RoundMode
from models.words.stages import (
    ContradictionState,
    FlowOutcome,
    FlowStage,
    LineState,
    Money,
    OrderKind,
    OrderState,
    PaymentState,
    SummaryStage,
    Verification,
)


class Flow(SQLModel, table=True):
    """补贴流程: one per county at a time, held by a unique index."""

    __tablename__ = "flow"
    __table_args__ = (
        Index("uq_flow_open_county", "county_code", unique=True, postgresql_where=text("stage <> 'ended'")),
        Index("ix_flow_county", "county_code", "id"),
        UniqueConstraint("id", "policy_unit_code"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    flow_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    batch_id: int = Field(foreign_key="batch.id", sa_type=BigInteger)
    batch_no: str
    policy_unit_code: str
    stage: FlowStage = Field(default=FlowStage.STARTING, sa_type=enum_column(FlowStage))
    outcome: FlowOutcome | None = Field(default=None, sa_type=enum_column(FlowOutcome))
    balanced: bool | None = None
    holder: str | None = None
    platform_id: str | None = None
    round_no: int = 0
    summary_no: int = 0
    called_off: bool = False
    refusal_code: str | None = None
    published_pages: int | None = None
    end_claim: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    end_figures: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    started_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    started_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class FlowPolicy(SQLModel, table=True):
    """A policy version that a flow uses; both are of the one unit that the platform is told."""

    __tablename__ = "flow_policy"
    __table_args__ = (
        ForeignKeyConstraint(["flow_id", "policy_unit_code"], ["flow.id", "flow.policy_unit_code"]),
        ForeignKeyConstraint(["policy_id", "policy_unit_code"], ["policy.id", "policy.policy_unit_code"]),
    )

    flow_id: int = Field(primary_key=True, sa_type=BigInteger)
    policy_id: int = Field(primary_key=True, sa_type=BigInteger)
    policy_unit_code: str


class FlowIndicator(SQLModel, table=True):
    """An indicator that a flow draws on, in order."""

    __tablename__ = "flow_indicator"

    flow_id: int = Field(primary_key=True, foreign_key="flow.id", sa_type=BigInteger)
    position: int = Field(primary_key=True)
    indicator_id: int = Field(foreign_key="indicator.id", sa_type=BigInteger)


class FlowLine(SQLModel, table=True):
    """The copy of an application that a flow pays; sealed values keep the application as their row key."""

    __tablename__ = "flow_line"
    __table_args__ = (
        Index("ix_flow_line_application", "application_id"),
        Index("ix_flow_line_number", "application_no"),
        # in the order of a list, of which the few lines that wait are found by their entries
        Index("ix_flow_line_flow", "flow_id", "id", "state"),
        Index("ix_flow_line_indicator", "indicator_id"),
        Index("ix_flow_line_account", "account_index"),
        Index("ix_flow_line_again", "county_code", postgresql_where=text("attempt > 1")),
        Index("ix_flow_line_county", "county_code", "id", "town_code", "bank_code"),
        Index("ix_flow_line_name", "county_code", "name_index"),
        UniqueConstraint("flow_id", "application_id", "attempt"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(state = 'accepted') = (payment IS NOT NULL)", name="payment_of_accepted"),
        CheckConstraint("(money = 'paid') = (payment IS NOT DISTINCT FROM 'paid')", name="money_paid"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    flow_id: int = Field(foreign_key="flow.id", sa_type=BigInteger)
    application_id: int = Field(foreign_key="application.id", sa_type=BigInteger)
    application_no: str
    attempt: int = 1
    repays_flow_id: int | None = Field(default=None, foreign_key="flow.id", sa_type=BigInteger)
    county_code: str
    applicant_kind: ApplicantKind = Field(sa_type=enum_column(ApplicantKind))
    name_sealed: str
    name_index: str
    id_number_sealed: str
    person_index: str
    phone_sealed: str | None = None
    town_code: str
    village_code: str
    group_name: str | None = None
    bank_code: str
    account_sealed: str
    account_index: str
    household_registration: HouseholdRegistration | None = Field(
        default=None, sa_type=enum_column(HouseholdRegistration)
    )
    family_size: int | None = None
    item_code: str
    amount_fen: int = Field(sa_type=BigInteger)
    indicator_id: int = Field(foreign_key="indicator.id", sa_type=BigInteger)
    verification: Verification = Field(sa_type=enum_column(Verification))
    state: LineState = Field(sa_type=enum_column(LineState))
    sent: bool = False
    mode: RoundMode | None = Field(default=None, sa_type=enum_column(RoundMode))
    reason_code: str | None = None
    reason_sealed: str | None = None
    money: Money = Field(default=Money.RESERVED, sa_type=enum_column(Money))
    payment: PaymentState | None = Field(default=None, sa_type=enum_column(PaymentState))
    payment_sequence: int = 0
    payment_reason_code: str | None = None
    payment_at: datetime | None = Field(default=None, sa_type=INSTANT)
    evidence_sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Order(SQLModel, table=True):
    """One act of an operator on one or many lines, with a reason, confirmed by another person."""

    __tablename__ = "operator_order"
    __table_args__ = (
        Index("ix_operator_order_county", "county_code", "id"),
        Index("ix_operator_order_flow", "flow_id", "state"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> entered_by", name="two_persons"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    order_no: str = Field(unique=True)
    county_code: str
    kind: OrderKind = Field(sa_type=enum_column(OrderKind))
    flow_id: int | None = Field(default=None, foreign_key="flow.id", sa_type=BigInteger)
    batch_id: int | None = Field(default=None, foreign_key="batch.id", sa_type=BigInteger)
    state: OrderState = Field(default=OrderState.ENTERED, sa_type=enum_column(OrderState))
    reason_sealed: str
    line_count: int
    total_fen: int = Field(sa_type=BigInteger)
    done_count: int = 0
    done_fen: int = Field(default=0, sa_type=BigInteger)
    entered_by: str
    entered_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    remark_sealed: str | None = None
    outcome_code: str | None = None
    outcome: str | None = None
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class OrderLine(SQLModel, table=True):
    """A line that an order names; `correction_sealed`: a rejected line's corrected fields, or the platform's name."""

    __tablename__ = "order_line"
    __table_args__ = (
        Index("ix_order_line_application", "application_id"),
        # for whoever deletes a line of a flow, which is looked for here
        Index("ix_order_line_flow_line", "flow_line_id", postgresql_where=text("flow_line_id IS NOT NULL")),
    )

    order_id: int = Field(primary_key=True, foreign_key="operator_order.id", sa_type=BigInteger)
    application_id: int = Field(primary_key=True, foreign_key="application.id", sa_type=BigInteger)
    application_no: str
    flow_line_id: int | None = Field(default=None, foreign_key="flow_line.id", sa_type=BigInteger)
    amount_fen: int = Field(sa_type=BigInteger)
    correction_sealed: str | None = Field(default=None, sa_type=Text)
    done: bool | None = None
    fault_code: str | None = None
    fault: str | None = None


class Summary(SQLModel, table=True):
    """发放汇总 of a flow: frozen when the reviewer passes it (S1 2.7)."""

    __tablename__ = "summary"
    __table_args__ = (
        UniqueConstraint("flow_id", "number"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> reviewed_by", name="two_reviewers"),
        CheckConstraint("confirmed_by IS NULL OR confirmed_by <> submitted_by", name="confirmer_not_submitter"),
        CheckConstraint("submitted_by IS NULL OR submitted_by <> reviewed_by", name="submitter_not_reviewer"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    flow_id: int = Field(foreign_key="flow.id", sa_type=BigInteger)
    number: int
    stage: SummaryStage = Field(default=SummaryStage.OPEN, sa_type=enum_column(SummaryStage))
    opened_at: datetime = Field(
        default_factory=now, sa_type=INSTANT, sa_column_kwargs={"server_default": text("now()")}
    )
    figures: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    form_file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigInteger)
    opinion_sealed: str | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    submitted_by: str | None = None
    submitted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    submission_id: str | None = None
    platform_opinion_sealed: str | None = None
    platform_reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmation_sent_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Contradiction(SQLModel, table=True):
    """Two answers of the platform that can't both be true, side by side, until a reviewer takes one."""

    __tablename__ = "contradiction"
    __table_args__ = (
        Index("ix_contradiction_county", "county_code", "id"),
        Index("ix_contradiction_number", "number", "state"),
        UniqueConstraint("number", "kind", "line_key", "claim_sha256"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    number: str
    kind: str
    line_key: str = ""
    applied_sealed: str = Field(sa_type=Text)
    claimed_sealed: str = Field(sa_type=Text)
    claim_sha256: str
    inbox_id: int | None = Field(default=None, sa_type=BigInteger)
    asked_sealed: str | None = Field(default=None, sa_type=Text)
    asked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    state: ContradictionState = Field(default=ContradictionState.OPEN, sa_type=enum_column(ContradictionState))
    taken: str | None = None
    hindrance: str | None = None
    reason_sealed: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)

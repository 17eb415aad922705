"""What keeps acknowledged things from getting lost: runs, outbox, inbox, instructions, answers, numbers, trail."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.contracts import RunKind
from models.tables.base import INSTANT, enum_column, now
from models.words.stages import DisclosedThing, DisclosurePurpose, InboxState


class Run(SQLModel, table=True):
    """One long-lived workflow: the row is the truth, the execution in Temporal can be started again from it."""

    __tablename__ = "run"
    __table_args__ = (
        Index("ix_run_open", "id", postgresql_where=text("closed_at IS NULL")),
        Index("ix_run_county", "county_code", "id"),
        Index("ix_run_county_open", "county_code", postgresql_where=text("closed_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    workflow_id: str = Field(unique=True)
    kind: RunKind = Field(sa_type=enum_column(RunKind))
    number: str = Field(index=True)
    county_code: str
    fund_year: int | None = None
    batch_no: str | None = None
    stage: str = ""
    waiting_for: str = ""
    since: datetime = Field(default_factory=now, sa_type=INSTANT)
    opened_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    restarts: int = 0
    # the first of its chain of executions in Temporal, since it was opened or is to be started again
    execution: str | None = None
    missing_since: datetime | None = Field(default=None, sa_type=INSTANT)
    asked: int = 1
    # when the platform was asked about it last
    platform_asked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Outbox(SQLModel, table=True):
    """A start or a signal of ours that the relay carries to Temporal."""

    __tablename__ = "outbox"
    # in the order in which they are carried: by the key all that was ever delivered would be passed over
    __table_args__ = (Index("ix_outbox_due", "id", postgresql_where=text("delivered_at IS NULL")),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    workflow_id: str
    signal: str | None = None
    ids: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    next_try_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    tries: int = 0
    last_error: str | None = None


ASIDE = "('parked', 'unknown', 'quarantined')"


class Inbox(SQLModel, table=True):
    """A callback as it came; stored before it is acknowledged, applied once by the workflow that it belongs to."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("province_code", "event_id"),
        Index("ix_inbox_due", "next_try_at", postgresql_where=text("state IN ('received', 'parked')")),
        Index("ix_inbox_pending", "number", postgresql_where=text("applied_at IS NULL AND number IS NOT NULL")),
        # not yet when a callback is taken in: that stays as cheap as it was
        Index("ix_inbox_county", "county_code", "id", postgresql_where=text("county_code IS NOT NULL")),
        Index(
            "ix_inbox_aside", "province_code", postgresql_where=text("state IN ('parked', 'unknown', 'quarantined')")
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    province_code: str
    event_id: str
    source: str = "callback"
    event_type: str = ""
    county_code: str | None = None
    reference: str | None = None
    number: str | None = None
    body_sha256: str
    body: str = Field(sa_type=Text)
    state: InboxState = Field(default=InboxState.RECEIVED, sa_type=enum_column(InboxState))
    received_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    next_try_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    tries: int = 0
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    applied_at: datetime | None = Field(default=None, sa_type=INSTANT)
    effect: str | None = None


class InboxConflict(SQLModel, table=True):
    """The same event id with another body: kept beside the first, nothing applied, a reviewer looks."""

    __tablename__ = "inbox_conflict"
    __table_args__ = (UniqueConstraint("inbox_id", "body_sha256"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    inbox_id: int = Field(foreign_key="inbox.id", sa_type=BigInteger)
    body_sha256: str
    body: str = Field(sa_type=Text)
    received_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Instruction(SQLModel, table=True):
    """One instruction to the platform: its key and bytes are written before the call and never change."""

    __tablename__ = "instruction"

    key: str = Field(primary_key=True)
    county_code: str = Field(index=True)
    operation: str
    body: str = Field(sa_type=Text)
    body_sha256: str
    answer: str | None = Field(default=None, sa_type=Text)
    refusal_code: str | None = None
    intended_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT)


class OddAnswer(SQLModel, table=True):
    """An answer of the platform outside the contract: kept for a person to look at, never taken for success."""

    __tablename__ = "odd_answer"
    __table_args__ = (
        UniqueConstraint("county_code", "operation", "key", "body_sha256"),
        Index("ix_odd_answer_county", "county_code", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    operation: str
    key: str = ""
    status: int
    body_sha256: str
    body: str = Field(sa_type=Text)
    times: int = 1
    came_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class PlatformPause(SQLModel, table=True):
    """Until when a province's platform wants to be left alone (429, Retry-After)."""

    __tablename__ = "platform_pause"

    province_code: str = Field(primary_key=True)
    until: datetime = Field(sa_type=INSTANT)


class PlatformReference(SQLModel, table=True):
    """The platform's own ids of our things, for events that come without our reference."""

    __tablename__ = "platform_reference"

    province_code: str = Field(primary_key=True)
    platform_id: str = Field(primary_key=True)
    number: str


class IdempotentAnswer(SQLModel, table=True):
    """What a POST with this key was answered; the key belongs to its caller and request."""

    __tablename__ = "idempotent_answer"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_sha256: str
    status: int
    body: str = Field(sa_type=Text)
    location: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class SearchTally(SQLModel, table=True):
    """How often somebody has searched by a number since the hour began."""

    __tablename__ = "search_tally"

    caller: str = Field(primary_key=True)
    since: datetime = Field(sa_type=INSTANT)
    searches: int


class NumberSeries(SQLModel, table=True):
    """The last number given out of one series, e.g. `500001-S2026`."""

    __tablename__ = "number_series"

    series: str = Field(primary_key=True)
    last: int = Field(sa_type=BigInteger)


class TrailHead(SQLModel, table=True):
    """The end of a county's trail; its lock puts the entries in order."""

    __tablename__ = "trail_head"

    county_code: str = Field(primary_key=True)
    sequence: int = Field(default=0, sa_type=BigInteger)
    chain: str = ""


class Restoration(SQLModel, table=True):
    """This database came back as it was at an earlier moment; for a while the platform is asked before it is silent."""

    __tablename__ = "restoration"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    restored_to: datetime = Field(sa_type=INSTANT)
    lost_until: datetime = Field(unique=True, sa_type=INSTANT)
    at: datetime = Field(default_factory=now, sa_type=INSTANT)


class TrailEntry(SQLModel, table=True):
    """Who did what when, before and after, chained to the entry before it."""

    __tablename__ = "trail_entry"
    __table_args__ = (
        UniqueConstraint("county_code", "sequence"),
        Index("ix_trail_entry_subject", "county_code", "subject", "sequence"),
        # in the order of the list, with what it is narrowed by: rare entries are found without the rows of years
        Index("ix_trail_entry_county", "county_code", "sequence", "act", "actor", "role", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    sequence: int = Field(sa_type=BigInteger)
    actor: str
    role: str
    act: str
    subject: str
    line_count: int | None = None
    total_fen: int | None = Field(default=None, sa_type=BigInteger)
    detail: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
    chain: str


class TrailLine(SQLModel, table=True):
    """An application that an entry on many is about: its own history finds the entry by it."""

    __tablename__ = "trail_line"

    application_id: int = Field(primary_key=True, sa_type=BigInteger)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)


class Disclosure(SQLModel, table=True):
    """Who was given which person's data in clear, when and what for; added to, never changed."""

    __tablename__ = "disclosure"
    __table_args__ = (
        Index("ix_disclosure_thing_number", "county_code", "thing", "number"),
        Index("ix_disclosure_county", "county_code", "id", "actor", "purpose", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    at: datetime = Field(sa_type=INSTANT)
    actor: str
    role: str
    purpose: DisclosurePurpose = Field(sa_type=enum_column(DisclosurePurpose))
    thing: DisclosedThing = Field(sa_type=enum_column(DisclosedThing))
    number: str
    # the list, order or import within which it was shown
    within: str | None = None

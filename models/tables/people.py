"""The people of a county's staff, and the sessions that they work in; secrets are kept as hashes or sealed."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Index, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.words.staff import PersonChangeKind, PersonState, Role, SessionEnd, SignInStep


class Person(SQLModel, table=True):
    """Somebody who acts in a county under one login. A citizen's id has one row a county, whatever its roles.

    So maker and checker are two people where their logins are two. `is_local`: written by the local stack's mint, which
    alone lets one login stand in several counties.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("county_code", "subject"),
        Index("uq_person_index", "county_code", "person_index", unique=True),
        Index("uq_person_login", "subject", unique=True, postgresql_where=text("NOT is_local")),
        CheckConstraint("cardinality(roles) > 0", name="roles"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    subject: str
    name_sealed: str
    person_index: str | None = None
    roles: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    state: PersonState = Field(default=PersonState.INVITED, sa_type=enum_column(PersonState))
    is_local: bool = False
    password_hash: str | None = None
    totp_sealed: str | None = None
    # of the last code that was taken: each is good once
    totp_step: int | None = Field(default=None, sa_type=BigInteger)
    # of the province's provider and its name for the person
    oidc_index: str | None = Field(default=None, unique=True)
    invitation_hash: str | None = None
    invitation_ends_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class PersonChange(SQLModel, table=True):
    """What one administrator has asked for and a second one confirms or refuses; one a person at a time."""

    __tablename__ = "person_change"
    __table_args__ = (
        Index("uq_person_change_open", "person_id", unique=True, postgresql_where=text("decided_at IS NULL")),
        Index("ix_person_change_person", "person_id", "id"),
        CheckConstraint("decided_by <> asked_by", name="two_people"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    person_id: int = Field(foreign_key="person.id", sa_type=BigInteger)
    kind: PersonChangeKind = Field(sa_type=enum_column(PersonChangeKind))
    roles: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    asked_by: str
    asked_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    is_confirmed: bool | None = None


class SignInTicket(SQLModel, table=True):
    """Between two steps of a sign-in: who has got how far."""

    __tablename__ = "sign_in_ticket"

    secret_hash: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", sa_type=BigInteger)
    step: SignInStep = Field(sa_type=enum_column(SignInStep))
    # of the authenticator that is being bound
    totp_sealed: str | None = None
    code_at: datetime | None = Field(default=None, sa_type=INSTANT)
    made_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class OidcAttempt(SQLModel, table=True):
    """A sign-in at the province's provider: begun, or proven and waiting for the one-time code of its person."""

    __tablename__ = "oidc_attempt"

    secret_hash: str = Field(primary_key=True)
    oidc_index: str | None = None
    made_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class SignInTally(SQLModel, table=True):
    """Failures under one name, anybody's or nobody's, since the last that was right."""

    __tablename__ = "sign_in_tally"

    name_index: str = Field(primary_key=True)
    tries: int
    locked_until: datetime | None = Field(default=None, sa_type=INSTANT)
    last_at: datetime = Field(sa_type=INSTANT)


class StaffSession(SQLModel, table=True):
    """One person's work in one role; a person has one that is open."""

    __tablename__ = "staff_session"
    __table_args__ = (
        Index("uq_staff_session_open", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_staff_session_person", "person_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    person_id: int = Field(foreign_key="person.id", sa_type=BigInteger)
    role: Role = Field(sa_type=enum_column(Role))
    secret_hash: str = Field(unique=True)
    opened_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    last_seen_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    code_at: datetime | None = Field(default=None, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    over_by: SessionEnd | None = Field(default=None, sa_type=enum_column(SessionEnd))

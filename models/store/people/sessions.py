"""Sessions of staff: opened with a secret that is kept as a hash, one a person, over by time, act or state."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.secrets import digest, fresh_secret
from models.store.people.persons import person_name
from models.store.sql import execute, fetch, fetch_one
from models.store.vault import Vault
from models.tables.base import now
from models.tables.people import Person
from models.words.staff import Role, SessionEnd

LONGEST_COOKIE = 200
# The last use is written again only after this part of the idle time: pages ask often.
_TOUCHES_PER_IDLE = 180
_FIND = """
SELECT s.id, p.subject, p.name_sealed, s.role::text AS role, p.county_code, p.person_index, s.code_at, s.opened_at,
       s.last_seen_at, now() AS at, s.over_by::text AS over_by,
       p.state IN ('locked', 'stopped') AS barred, p.state = 'active' AND s.role::text = ANY(p.roles) AS may_act
FROM staff_session s JOIN person p ON p.id = s.person_id
WHERE s.secret_hash = :hash
"""
_OF_PERSON = """
SELECT s.opened_at, s.last_seen_at, s.ended_at, s.role::text AS role, s.over_by::text AS over_by
FROM staff_session s JOIN person p ON p.id = s.person_id
WHERE p.county_code = :county AND p.subject = :subject ORDER BY s.id DESC LIMIT :most
"""
_END = "UPDATE staff_session SET ended_at = now(), over_by = :end WHERE ended_at IS NULL AND "


@dataclass(frozen=True)
class StaffLives:
    """How long a session lives without an act, and however much is done in it."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True)
class FoundSession:
    """A live session with its person; `name` lives in this process only."""

    session_id: int
    subject: str
    role: Role
    county_code: str
    person_index: str | None
    code_at: datetime | None
    ends_at: datetime
    name: str = field(repr=False)


class _Row(NamedTuple):
    id: int
    subject: str
    name_sealed: str
    role: str
    county_code: str
    person_index: str | None
    code_at: datetime | None
    opened_at: datetime
    last_seen_at: datetime
    at: datetime
    over_by: str | None
    barred: bool
    may_act: bool

    def ends_at(self, lives: StaffLives) -> datetime:
        return min(self.last_seen_at + lives.idle, self.opened_at + lives.longest)

    def end(self, lives: StaffLives) -> SessionEnd | None:
        """Why the session is over; None for a live one."""
        if self.over_by is not None:
            return SessionEnd(self.over_by)
        if not self.may_act:
            return SessionEnd.LOCKED if self.barred else SessionEnd.CHANGED
        if self.opened_at + lives.longest <= self.at:
            return SessionEnd.LONGEST
        return SessionEnd.IDLE if self.last_seen_at + lives.idle <= self.at else None


async def open_session(session: AsyncSession, person: Person, role: Role, code_at: datetime | None) -> str:
    """The secret of a fresh session; the one that the person had elsewhere is over."""
    assert person.id is not None
    await end_all(session, person.id, SessionEnd.ELSEWHERE)
    secret = fresh_secret()
    await execute(
        session,
        "INSERT INTO staff_session (person_id, role, secret_hash, opened_at, last_seen_at, code_at)"
        " VALUES (:person, :role, :hash, now(), now(), :code)",
        person=person.id,
        role=role.value,
        hash=digest(secret),
        code=code_at,
    )
    return secret


async def session_of(
    session: AsyncSession, vault: Vault, secret: str, lives: StaffLives, *, prolong: bool
) -> FoundSession | None:
    """The person of a live session, whose idle time begins anew where `prolong`."""
    row = await fetch_one(session, _Row, _FIND, hash=digest(secret))
    if row is None or row.end(lives) is not None:
        return None
    if prolong and row.at - row.last_seen_at > lives.idle / _TOUCHES_PER_IDLE:
        await execute(
            session, "UPDATE staff_session SET last_seen_at = now() WHERE id = :id AND ended_at IS NULL", id=row.id
        )
        row = row._replace(last_seen_at=row.at)
    return FoundSession(
        session_id=row.id,
        subject=row.subject,
        role=Role(row.role),
        county_code=row.county_code,
        person_index=row.person_index,
        code_at=row.code_at,
        ends_at=row.ends_at(lives),
        name=person_name(vault, row.county_code, row.subject, row.name_sealed),
    )


async def why_over(session: AsyncSession, secret: str, lives: StaffLives) -> SessionEnd | None:
    """Why a session is over; None where it isn't, or never was."""
    row = await fetch_one(session, _Row, _FIND, hash=digest(secret))
    return row.end(lives) if row else None


async def note_code(session: AsyncSession, person_id: int) -> datetime:
    """The person has just typed a code: in the session that is open, if one is."""
    await execute(
        session,
        "UPDATE staff_session SET code_at = now() WHERE person_id = :person AND ended_at IS NULL",
        person=person_id,
    )
    return now()


async def end_one(session: AsyncSession, secret: str, end: SessionEnd) -> bool:
    """False where there is none, or it has ended already."""
    return await execute(session, _END + "secret_hash = :hash", end=end.value, hash=digest(secret)) == 1


async def end_all(session: AsyncSession, person_id: int, end: SessionEnd) -> None:
    await execute(session, _END + "person_id = :person", end=end.value, person=person_id)


async def end_all_of_staff(session: AsyncSession) -> int:
    """All sessions, and whatever of signing in was under way; gives how many sessions ended."""
    await execute(session, "DELETE FROM sign_in_ticket")
    await execute(session, "DELETE FROM oidc_attempt")
    return await execute(session, _END + "TRUE", end=SessionEnd.SIGNED_OUT.value)


class OwnSession(NamedTuple):
    """One of a person's sign-ins, as the person sees it."""

    opened_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    role: str
    over_by: str | None


async def sessions_of(session: AsyncSession, county_code: str, subject: str, most: int) -> list[OwnSession]:
    """The newest first."""
    return await fetch(session, OwnSession, _OF_PERSON, county=county_code, subject=subject, most=most)

"""Sessions that come of attempts to sign in: opened once, ended for a reason; the secret is kept as a hash."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.store.citizens.logins import HOUR, TOO_MANY
from models.store.lock_order import Rank
from models.store.locking import hold, lock_rows
from models.store.sql import execute, fetch_int, fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.words.card_stages import LoginStage
from models.words.staff import SessionEnd

# A session's last use is written again only after this part of its idle time: pages ask often.
_TOUCHES_PER_IDLE = 180


@dataclass(frozen=True)
class SignedIn:
    """The person behind a session, opened from the vault; lives in this process only."""

    login_no: str
    province_code: str
    channel: str
    person_index: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)


def may_open(login: FaceLogin, idle_seconds: float) -> bool:
    """Whether a session may still be fetched for it, once and not for long."""
    if login.stage is not LoginStage.PASSED or login.session_hash is not None or login.ended_at is None:
        return False
    return now() - login.ended_at < timedelta(seconds=idle_seconds)


@dataclass(frozen=True)
class Opening:
    """The session that is to be opened, by its hash, and the one that its browser had before."""

    session_hash: str
    before: str | None
    idle_seconds: float


async def take_session(session: AsyncSession, login_no: str, opening: Opening, limit: int) -> bool:
    """Open the session of a passed attempt, once; an attempt beyond the person's `limit` of the hour fails instead.

    What was open in this browser, or for this person by the same channel, ends: who is signed in on a phone and on a
    PC stays so, a second phone ends the first.
    """
    passed = (await session.exec(select(FaceLogin).where(FaceLogin.login_no == login_no))).one()
    if not may_open(passed, opening.idle_seconds):
        return False
    # of a person's attempts one opens at a time, each counted by the next
    await hold(session, Rank.DOOR, f"logins/{passed.person_index}")
    # in one statement and in order: two who change places at each other's browsers never wait crosswise
    rows = await lock_rows(session, Rank.RUN, _concerned(passed, opening).order_by(col(FaceLogin.id)))
    login = next(row for row in rows if row.login_no == login_no)
    if not may_open(login, opening.idle_seconds):
        return False
    if await _sessions_of_person(session, login) >= limit:
        login.stage, login.reason_code = LoginStage.FAILED, TOO_MANY
        return False
    at = await _database_now(session)
    for row in rows:
        if row.session_hash is not None:
            row.session_ended_at, row.over_by = at, SessionEnd.ELSEWHERE
    login.session_hash = opening.session_hash
    login.session_opened_at = login.last_seen_at = at
    return True


def _concerned(passed: FaceLogin, opening: Opening) -> SelectOfScalar[FaceLogin]:
    """The attempt, and the open sessions that end with it."""
    is_open = col(FaceLogin.session_hash).is_not(None) & col(FaceLogin.session_ended_at).is_(None)
    same_person = (col(FaceLogin.person_index) == passed.person_index) & (
        col(FaceLogin.province_code) == passed.province_code
    )
    same_browser = col(FaceLogin.session_hash) == opening.before
    others = is_open & (same_browser | (same_person & (col(FaceLogin.channel) == passed.channel)))
    return select(FaceLogin).where((col(FaceLogin.login_no) == passed.login_no) | others)


async def _sessions_of_person(session: AsyncSession, login: FaceLogin) -> int:
    """Only what opened a session counts: an attempt that passed and was never fetched costs nobody anything."""
    assert login.person_index is not None
    return await fetch_int(
        session,
        "SELECT count(*) FROM face_login WHERE person_index = :person AND created_at > :since"
        " AND session_hash IS NOT NULL",
        person=login.person_index,
        since=login.created_at - HOUR,
    )


async def _database_now(session: AsyncSession) -> datetime:
    return (await session.exec(select(func.now()))).one()


@dataclass(frozen=True)
class Lives:
    """How long a session lives without an act, and however much is done in it; in seconds of the database's clock."""

    idle: float
    longest: float


class SessionRow(NamedTuple):
    login_no: str
    province_code: str
    channel: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    opened_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    over_by: str | None
    at: datetime


# Its words stay codes: one that only a newer version knows ends nobody's session.
SESSION = """
SELECT login_no, province_code, channel, person_index, name_sealed, id_number_sealed, session_opened_at AS opened_at,
  last_seen_at AS seen_at, session_ended_at AS ended_at, over_by, now() AS at
FROM face_login WHERE session_hash = :hash AND province_code = :province AND session_opened_at IS NOT NULL
"""


@dataclass(frozen=True)
class Living:
    """A session that is not over, and when it will be if nothing more is done in it."""

    login: SessionRow
    ends_at: datetime
    # since the last act, as far as it was written down
    idle: float


async def find_session(
    session: AsyncSession,
    vault: Vault,
    session_hash: str,
    province_code: str,
    lives: Lives,
    *,
    prolong: bool = True,
) -> SignedIn | SessionEnd | None:
    """The person of a live session, whose idle time begins anew; one that is over is ended for good."""
    found = await look_at_session(session, session_hash, province_code, lives)
    if isinstance(found, Living):
        if prolong and found.idle > lives.idle / _TOUCHES_PER_IDLE:
            await _touch(session, session_hash)
        return person_behind(vault, found.login)
    if found is not None:
        await end_session(session, session_hash, found)
    return found


async def look_at_session(
    session: AsyncSession, session_hash: str, province_code: str, lives: Lives
) -> Living | SessionEnd | None:
    """Whether the session lives, or why it doesn't; to look at it prolongs nothing."""
    found = await fetch_one(session, SessionRow, SESSION, hash=session_hash, province=province_code)
    if found is None:
        return None
    if found.ended_at is not None:
        return SessionEnd(found.over_by) if found.over_by in set(SessionEnd) else SessionEnd.SIGNED_OUT
    idle_ends = found.seen_at + timedelta(seconds=lives.idle)
    longest_ends = found.opened_at + timedelta(seconds=lives.longest)
    if found.at > longest_ends:
        return SessionEnd.LONGEST
    if found.at > idle_ends:
        return SessionEnd.IDLE
    return Living(found, min(idle_ends, longest_ends), (found.at - found.seen_at).total_seconds())


async def end_session(session: AsyncSession, session_hash: str, why: SessionEnd) -> bool:
    """False when there is none, or it has ended already."""
    ended = await execute(
        session,
        "UPDATE face_login SET session_ended_at = now(), over_by = :why"
        " WHERE session_hash = :hash AND session_ended_at IS NULL",
        hash=session_hash,
        why=why.value,
    )
    return ended == 1


async def end_all_of_citizens(session: AsyncSession) -> int:
    """All sessions of citizens, and the attempts that have opened none yet; gives how many sessions ended."""
    await execute(
        session,
        "UPDATE face_login SET stage = 'expired', url_sealed = NULL, ended_at = coalesce(ended_at, now())"
        " WHERE session_hash IS NULL AND stage IN ('opening', 'waiting', 'scanned', 'passed')",
    )
    return await execute(
        session,
        "UPDATE face_login SET session_ended_at = now(), over_by = :why"
        " WHERE session_hash IS NOT NULL AND session_ended_at IS NULL",
        why=SessionEnd.SIGNED_OUT.value,
    )


async def _touch(session: AsyncSession, session_hash: str) -> None:
    await execute(
        session,
        "UPDATE face_login SET last_seen_at = now() WHERE session_hash = :hash AND session_ended_at IS NULL",
        hash=session_hash,
    )


def person_behind(vault: Vault, login: SessionRow) -> SignedIn:
    return SignedIn(
        login_no=login.login_no,
        province_code=login.province_code,
        channel=login.channel,
        person_index=login.person_index,
        name=vault.open(Field.NAME, login.login_no, login.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, login.login_no, login.id_number_sealed),
    )

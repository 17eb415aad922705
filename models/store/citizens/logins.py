"""Attempts to sign in and the sessions that come of them; secrets are kept as hashes, the person sealed."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.lock_order import Rank
from models.store.locking import hold, lock_rows
from models.store.numbers import Series, take_one
from models.store.runs.runs import open_run
from models.store.sql import execute, fetch_int, fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.words.calendar import china_today
from models.words.card_stages import LoginStage

OPEN_STAGES = frozenset({LoginStage.OPENING, LoginStage.WAITING, LoginStage.SCANNED})
TOO_MANY = "too_many_attempts"
HOUR = timedelta(hours=1)
# S2 1.2: a code is good for 300 seconds; nobody waits longer than that for one to appear either.
VALID = timedelta(seconds=300)
# A session's last use is written again only after this part of its idle time: pages ask often.
_TOUCHES_PER_IDLE = 180


class TooManyAttempts(Exception):
    """An address or a person has used up its attempts; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many attempts to sign in")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Asking:
    """Who asks to sign in, as far as it is known: a browser and where it is."""

    province_code: str
    channel: str
    browser_hash: str
    address_index: str


@dataclass(frozen=True)
class SignedIn:
    """The person behind a session, opened from the vault; lives in this process only."""

    login_no: str
    province_code: str
    channel: str
    person_index: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)


async def open_login(session: AsyncSession, asking: Asking, limit: int) -> FaceLogin:
    """A new attempt with its run; raises TooManyAttempts when the address has had `limit` within the hour."""
    await hold(session, Rank.DOOR, f"logins/{asking.address_index}")
    await _check_rate(session, asking.address_index, limit)
    login = FaceLogin(
        login_no=await take_one(session, Series.LOGIN, asking.province_code, china_today().year),
        province_code=asking.province_code,
        channel=asking.channel,
        browser_hash=asking.browser_hash,
        address_index=asking.address_index,
    )
    session.add(login)
    await session.flush()
    subject = Subject(kind=RunKind.FACE_LOGIN, number=login.login_no, county_code=asking.province_code)
    await open_run(session, subject, LoginStage.OPENING.value)
    return login


async def _check_rate(session: AsyncSession, address_index: str, limit: int) -> None:
    """The attempt `limit` places back must have left the hour."""
    begun = await fetch_one(
        session,
        datetime,
        "SELECT created_at FROM face_login WHERE address_index = :address ORDER BY created_at DESC"
        " OFFSET :skipped LIMIT 1",
        address=address_index,
        skipped=limit - 1,
    )
    if begun is not None and begun > now() - HOUR:
        raise TooManyAttempts((begun + HOUR - now()).total_seconds())


async def logins_of_browser(session: AsyncSession, browser_hashes: Mapping[str, str]) -> list[FaceLogin]:
    """The attempts, by their number, that this browser asked for: each has a secret of its own, which it shows."""
    statement = select(FaceLogin).where(col(FaceLogin.login_no).in_(list(browser_hashes)))
    statement = statement.order_by(col(FaceLogin.id)).execution_options(populate_existing=True)
    found = (await session.exec(statement)).all()
    return [login for login in found if hmac.compare_digest(login.browser_hash, browser_hashes[login.login_no])]


def beside(login: FaceLogin, others: Sequence[FaceLogin]) -> list[FaceLogin]:
    """Attempts of the same browser of which one was asked for while the other was open: two tabs, a refreshed code.

    No others: whoever used the browser before, and what was planted in it from elsewhere, is no part of this.
    """
    return [
        other
        for other in others
        if other.login_no != login.login_no
        and other.address_index == login.address_index
        and other.created_at < _over_at(login)
        and login.created_at < _over_at(other)
    ]


def _over_at(login: FaceLogin) -> datetime:
    return login.ended_at or ends_at(login)


def is_past(login: FaceLogin) -> bool:
    """Over for so long that no page asks about it any more."""
    return login.ended_at is not None and now() - login.ended_at > VALID


def may_open(login: FaceLogin, idle_seconds: float) -> bool:
    """Whether a session may still be fetched for it, once and not for long."""
    if login.stage is not LoginStage.PASSED or login.session_hash is not None or login.ended_at is None:
        return False
    return now() - login.ended_at < timedelta(seconds=idle_seconds)


def stage_now(login: FaceLogin, at: datetime) -> LoginStage:
    """A code that nobody has scanned in time is over the moment its time is, whoever notices later."""
    unused = login.stage in (LoginStage.OPENING, LoginStage.WAITING)
    return LoginStage.EXPIRED if unused and ends_at(login) <= at else login.stage


def ends_at(login: FaceLogin) -> datetime:
    return login.expires_at or login.created_at + VALID


async def take_session(
    session: AsyncSession, login_no: str, session_hash: str, idle_seconds: float, limit: int
) -> bool:
    """Open the session of a passed attempt, once; an attempt beyond the person's `limit` of the hour fails instead."""
    statement = select(FaceLogin).where(FaceLogin.login_no == login_no)
    passed = (await session.exec(statement)).one()
    if not may_open(passed, idle_seconds):
        return False
    # of a person's attempts one opens at a time, each counted by the next
    await hold(session, Rank.DOOR, f"logins/{passed.person_index}")
    (login,) = await lock_rows(session, Rank.RUN, statement)
    if not may_open(login, idle_seconds):
        return False
    if await _sessions_of_person(session, login) >= limit:
        login.stage, login.reason_code = LoginStage.FAILED, TOO_MANY
        return False
    login.session_hash = session_hash
    login.session_opened_at = login.last_seen_at = await _database_now(session)
    return True


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


async def find_session(
    session: AsyncSession, vault: Vault, session_hash: str, province_code: str, lives: Lives
) -> SignedIn | None:
    """The person of a live session, whose idle time begins anew; one that is over is ended for good."""
    statement = select(FaceLogin, func.now()).where(
        FaceLogin.session_hash == session_hash, FaceLogin.province_code == province_code
    )
    found = (await session.exec(statement)).first()
    if found is None:
        return None
    login, at = found
    if login.session_ended_at is not None or login.last_seen_at is None or login.session_opened_at is None:
        return None
    idle = (at - login.last_seen_at).total_seconds()
    if idle > lives.idle or (at - login.session_opened_at).total_seconds() > lives.longest:
        await end_session(session, session_hash)
        return None
    if idle > lives.idle / _TOUCHES_PER_IDLE:
        await _touch(session, session_hash)
    return _person_of(vault, login)


async def end_session(session: AsyncSession, session_hash: str) -> bool:
    """False when there is none, or it has ended already."""
    ended = await execute(
        session,
        "UPDATE face_login SET session_ended_at = now() WHERE session_hash = :hash AND session_ended_at IS NULL",
        hash=session_hash,
    )
    return ended == 1


async def _touch(session: AsyncSession, session_hash: str) -> None:
    await execute(
        session,
        "UPDATE face_login SET last_seen_at = now() WHERE session_hash = :hash AND session_ended_at IS NULL",
        hash=session_hash,
    )


def _person_of(vault: Vault, login: FaceLogin) -> SignedIn:
    assert login.person_index is not None
    assert login.name_sealed is not None
    assert login.id_number_sealed is not None
    return SignedIn(
        login_no=login.login_no,
        province_code=login.province_code,
        channel=login.channel,
        person_index=login.person_index,
        name=vault.open(Field.NAME, login.login_no, login.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, login.login_no, login.id_number_sealed),
    )

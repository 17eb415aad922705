"""Attempts to sign in; their browser's secret is kept as a hash."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.numbers import Series, take_one
from models.store.runs.runs import open_run
from models.store.sql import fetch_one
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.wire.words import FaceChannel
from models.words.calendar import china_today
from models.words.card_stages import LoginStage

OPEN_STAGES = frozenset({LoginStage.OPENING, LoginStage.WAITING, LoginStage.SCANNED})
TOO_MANY = "too_many_attempts"
HOUR = timedelta(hours=1)
# S2 1.2: a code is good for 300 seconds; nobody waits longer than that for one to appear either.
VALID = timedelta(seconds=300)


class TooManyAttempts(Exception):
    """An address or a person has used up its attempts; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many attempts to sign in")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Asking:
    """Who asks to sign in, as far as it is known: a browser and where it is."""

    province_code: str
    channel: FaceChannel
    browser_hash: str
    address_index: str


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


def stage_now(login: FaceLogin, at: datetime) -> LoginStage:
    """A code that nobody has scanned in time is over the moment its time is, whoever notices later."""
    unused = login.stage in (LoginStage.OPENING, LoginStage.WAITING)
    return LoginStage.EXPIRED if unused and ends_at(login) <= at else login.stage


def ends_at(login: FaceLogin) -> datetime:
    return login.expires_at or login.created_at + VALID

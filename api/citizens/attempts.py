"""What one browser has asked for: an attempt to sign in and those beside it, in other tabs or before a refresh."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request, Response

from api.citizens.session import (
    BROWSER_COOKIE,
    CITIZENS,
    SESSION_COOKIE,
    browser_hashes,
    cookie,
    idle_seconds,
    take_cookie,
)
from api.counter.parts import Parts
from models.secrets import digest
from models.store.citizens.logins import OPEN_STAGES, beside, logins_of_browser, stage_now
from models.store.citizens.sessions import may_open
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.words.card_stages import LoginStage


@dataclass(frozen=True)
class Attempts:
    """The attempt that is asked about, and those beside it: whichever passes signs the browser in."""

    own: FaceLogin
    beside: list[FaceLogin]
    idle_seconds: float
    session_hash: str | None

    @property
    def stage(self) -> LoginStage:
        return stage_now(self.own, now())

    @property
    def passed(self) -> FaceLogin | None:
        """One whose session is to be fetched."""
        return next((login for login in (self.own, *self.beside) if may_open(login, self.idle_seconds)), None)

    @property
    def signed_in(self) -> bool:
        """Whether the browser's session came of one of them, in this tab or in another."""
        opened = {login.session_hash for login in (self.own, *self.beside) if login.session_ended_at is None}
        return self.session_hash is not None and self.session_hash in opened

    def waits_as(self, known: LoginStage) -> bool:
        """Nothing to tell somebody who knows this stage."""
        waits = self.stage is known and known in OPEN_STAGES
        return waits and self.passed is None and not self.signed_in


async def attempts_of(parts: Parts, request: Request, login_no: str) -> Attempts | None:
    """None where this browser didn't ask for the attempt."""
    async with parts.database.share_of(CITIZENS).reading() as session:
        found = await logins_of_browser(session, browser_hashes(request))
    own = next((login for login in found if login.login_no == login_no), None)
    if own is None:
        return None
    secret = cookie(request, SESSION_COOKIE)
    return Attempts(own, beside(own, found), idle_seconds(parts.settings), digest(secret) if secret else None)


def forget(response: Response, parts: Parts, login_nos: Iterable[str]) -> None:
    """The browser needs their secrets no more."""
    for login_no in login_nos:
        take_cookie(response, parts.settings, f"{BROWSER_COOKIE}{login_no}")

"""What api/main hands to the pages, and where each of them finds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fastapi import Request
from starlette.types import ASGIApp

from api.pages.asking import Ask
from api.pages.drawn import DrawnPages
from api.pages.form_keys import FormKeys, idempotency_key
from api.pages.kept import Kept
from api.pages.quiet import Quiet
from models.words.staff import Role

STAFF_COOKIE, STAFF_PATH = "onecard_staff", "/console"
# A session's idle time is told no more often either; a sign-out is told at once, wherever it was.
SEEN_SECONDS = 10.0
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost"})


class Signed(Protocol):
    """The person of a session, as long as it lasts; `code_at` is when the last six-digit code was typed."""

    @property
    def subject(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> Role: ...
    @property
    def county_code(self) -> str: ...
    @property
    def county_name(self) -> str: ...
    @property
    def code_at(self) -> datetime | None: ...
    @property
    def ends_at(self) -> datetime: ...


class Who(Protocol):
    async def __call__(self, cookie: str, *, prolong: bool = True) -> Signed | None: ...


@dataclass(frozen=True)
class Door:
    """`app` is asked in process; `who` and `token` know sessions, the pages don't."""

    app: ASGIApp
    who: Who
    # of what `who` has found
    token: Callable[[Any], str]
    form_keys: FormKeys
    cookies_secure: bool
    quiet: Quiet
    # of the local stack, whose pages lead back to it; elsewhere there is none
    start_page: str = ""
    kept: Kept = field(default_factory=Kept)
    drawn: DrawnPages = field(default_factory=DrawnPages)

    def ask(self, request: Request, headers: Mapping[str, str], form_key: str = "") -> Ask:
        """The API, asked for whoever sent this request."""
        caller = (request.client.host, request.client.port) if request.client else ("", 0)
        return Ask(self.app, caller, headers, idempotency_key(form_key))

    def way_back(self, request: Request) -> str:
        """The local stack's start page, for whoever sits at that machine; "" everywhere else."""
        host = request.headers.get("host", "").partition(":")[0]
        return self.start_page if host in _THIS_MACHINE else ""

    async def who_looks(self, cookie: str) -> Signed | None:
        """Of a page that only shows: of one page after another the session is read once, while nothing is told."""

        async def who() -> Signed | None:
            return await self.who(cookie)

        return await self.quiet.get(("look", cookie), who, _county_of, SEEN_SECONDS)

    async def who_asks_again(self, cookie: str) -> Signed | None:
        """Of a poll, which prolongs nothing: read anew when something of the county was told, as a sign-out is."""

        async def who() -> Signed | None:
            return await self.who(cookie, prolong=False)

        return await self.quiet.get(("session", cookie), who, _county_of)

    async def knows(self, cookie: str) -> bool:
        """Whether somebody's long body is worth reading."""
        return bool(cookie) and await self.who(cookie, prolong=False) is not None


def _county_of(signed: Signed | None) -> str:
    return signed.county_code if signed else ""


def door_of(request: Request) -> Door:
    door = request.app.state.door
    assert isinstance(door, Door)
    return door

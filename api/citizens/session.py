"""The citizen at the counter: two cookies, a session behind one of them, and whose requests are taken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import Depends, Header, Request, Response
from fastapi.security import APIKeyCookie
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.idempotency import Work, answer_once, idempotency_key
from api.counter.parts import Parts, only_looks, parts_of
from api.server.problems import Problem
from models.secrets import digest
from models.settings import Settings
from models.store.cards.requests import Citizen
from models.store.citizens.sessions import Lives, SignedIn, find_session
from models.words.refusals import Refusal
from models.words.staff import SessionEnd

# One an attempt, named by its number: two tabs of a browser don't take each other's away.
BROWSER_COOKIE = "onecard_browser_"
SESSION_COOKIE = "onecard_session"
# Named for the documentation; what it holds is read below.
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="人脸识别通过后由 /citizen/logins 给出")
PATH = "/citizen"
WATCHING = "Onecard-Watching"
# As a county: all citizens together never have every connection.
CITIZENS = "citizens"
_LONGEST_COOKIE = 200
_MOST_ATTEMPTS = 40
_OWN_PAGES = frozenset({"same-origin", "none"})
_OVER = {
    SessionEnd.SIGNED_OUT: Refusal.SESSION_SIGNED_OUT,
    SessionEnd.IDLE: Refusal.SESSION_IDLE,
    SessionEnd.LONGEST: Refusal.SESSION_LONGEST,
    SessionEnd.ELSEWHERE: Refusal.SESSION_ELSEWHERE,
    SessionEnd.LOCKED: Refusal.SESSION_LOCKED,
    SessionEnd.CHANGED: Refusal.SESSION_CHANGED,
}


class CitizenDesk:
    """Everything a citizen's route needs; rows are always looked up by `person`, so nobody else's are there."""

    def __init__(self, request: Request, parts: Parts, person: SignedIn) -> None:
        self.request = request
        database = parts.database.share_of(CITIZENS)
        self.database = database.to_show() if only_looks(request) else database
        self.vault = parts.vault
        self.shown = parts.shown
        self.settings = parts.settings
        self.person = person
        self.province = person.province_code

    @property
    def citizen(self) -> Citizen:
        person = self.person
        return Citizen(person.province_code, person.person_index, person.name, person.id_number)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """What is read belongs together: a request and its parts as of one moment."""
        async with self.database.snapshot() as session:
            yield session

    async def once(self, work: Work) -> Response:
        """A repeat with the same key gets the same answer, on whichever of the person's devices."""
        idempotency_key(self.request)
        caller = f"citizen/{self.province}/{self.person.person_index}"
        return await self.database.run(lambda session: answer_once(session, self.vault, caller, self.request, work))


async def own_pages_only(request: Request) -> None:
    """A second wall behind SameSite: browsers say themselves when another site's page asks."""
    if request.headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
        raise Problem(403, Refusal.OTHER_SITE, "来源页面不对", "请从“惠民惠农一卡通账户自助变更”页面进入后办理")


async def signed_in(
    request: Request,
    _: Annotated[str | None, Depends(_COOKIE)],
    watching: Annotated[
        Literal["1"] | None,
        Header(alias=WATCHING, description="1：打开着的页面自己在问，不算本人的操作，不延长登录"),
    ] = None,
) -> AsyncIterator[CitizenDesk]:
    parts, found = parts_of(request), None
    secret = cookie(request, SESSION_COOKIE)
    if secret is not None:
        async with parts.database.share_of(CITIZENS).transaction() as session:
            province = parts.settings.citizen_province_code
            vault = parts.shown if only_looks(request) else parts.vault
            found = await find_session(
                session, vault, digest(secret), province, lives(parts.settings), prolong=watching is None
            )
    if not isinstance(found, SignedIn):
        raise not_signed_in(parts.settings, found)
    with parts.open_requests.one(request, found.person_index, ""):
        yield CitizenDesk(request, parts, found)


def not_signed_in(settings: Settings, end: SessionEnd | None) -> Problem:
    """401; where the browser had a session, its first error says why that one is over."""
    minutes, hours = settings.citizen_idle_minutes, settings.citizen_session_hours
    detail = f"请重新进行人脸识别；登录后 {minutes:g} 分钟未操作，或登录满 {hours:g} 小时，会自动退出"
    errors = [{"code": _OVER[end], "detail": end.label}] if end else None
    return Problem(401, Refusal.NOT_SIGNED_IN, "尚未登录或登录已失效", detail, errors)


Citizens = Annotated[CitizenDesk, Depends(signed_in)]


def lives(settings: Settings) -> Lives:
    return Lives(idle_seconds(settings), settings.citizen_session_hours * 3600)


def idle_seconds(settings: Settings) -> float:
    return settings.citizen_idle_minutes * 60


def cookie(request: Request, name: str) -> str | None:
    value = request.cookies.get(name, "")
    return value if 0 < len(value) <= _LONGEST_COOKIE else None


def browser_hashes(request: Request) -> dict[str, str]:
    """The attempts that this browser asked for, by number, with the hash of each one's secret."""
    shown = {
        name.removeprefix(BROWSER_COOKIE): digest(value)
        for name, value in request.cookies.items()
        if name.startswith(BROWSER_COOKIE) and 0 < len(value) <= _LONGEST_COOKIE
    }
    return dict(list(shown.items())[-_MOST_ATTEMPTS:])


def give_cookie(response: Response, settings: Settings, name: str, secret: str) -> None:
    """Until the browser is closed; no script and no other site's page can use it."""
    response.set_cookie(
        name, secret, path=PATH, httponly=True, samesite="strict", secure=settings.citizen_cookies_secure
    )


def take_cookie(response: Response, settings: Settings, name: str) -> None:
    response.delete_cookie(name, path=PATH, httponly=True, samesite="strict", secure=settings.citizen_cookies_secure)

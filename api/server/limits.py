"""How much a request may bring and how long it may take to; held before a body is read and while it is read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from joserfc.jwk import OctKey
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.server.bearer import principal_in
from api.server.problems import Problem
from models.wire.answers import BODY_LIMIT
from models.words.refusals import Refusal

MIB = 1024 * 1024
JSON_LIMIT = MIB
# What a form says around its file.
FORM_EXTRA = 64 * 1024
# The largest request of a citizen names 100 counties.
CITIZEN_LIMIT = 64 * 1024
CALLBACKS = "/callbacks/"
CITIZEN_PATHS = "/citizen/"
# Forms of pages prove themselves by a cookie; who has none may send as much as a sign-in takes.
PAGE_PATHS = "/console/"
PAGE_COOKIE = "onecard_staff"
# Of staff, before there is a token.
STAFF_SIGN_INS = "/staff/sign-ins"
# A body has its time, and longer while it keeps coming: a county's line may be slow, but it is no drip.
BYTES_PER_SECOND = 32 * 1024
# What callbacks that are still being read may hold together; nobody knows yet who sent them.
CALLBACK_ROOM = 64 * MIB


class BodyLimit:
    """ASGI middleware: 401 before the body of somebody unknown is read, 413 for one over the limit of its kind.

    Callbacks, citizens and who signs in have no token: the first prove themselves by their body, the others' are small.
    Pages have a session (`knows` the value of its cookie): without one, a long body is left unread.
    """

    def __init__(
        self,
        app: ASGIApp,
        upload_max_mib: int,
        token_key: OctKey,
        seconds: float,
        knows: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._app = app
        self._knows = knows
        self._seconds = seconds
        self._upload_limit = upload_max_mib * MIB + FORM_EXTRA
        self._token_key = token_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"], headers)
        try:
            self._check(scope["path"], headers, limit)
        except Problem as refused:
            # the server throws the rest of the body away as it comes; hung up on, a client might never see the answer
            await refused.response()(scope, receive, send)
            return
        if brings_body(headers):
            unread = await self._is_left_unread(scope, headers)
            receive = _nothing if unread else _bounded(receive, limit, self._seconds)
        await self._app(scope, receive, send)

    async def _is_left_unread(self, scope: Scope, headers: Headers) -> bool:
        """A long form of nobody known: its page says that the session has ended."""
        if not scope["path"].startswith(PAGE_PATHS):
            return False
        is_long = _declared(headers) > CITIZEN_LIMIT or "transfer-encoding" in headers
        is_form = headers.get("content-type", "").startswith("multipart/")
        return (is_long or is_form) and not await self._knows(cookies_in(headers).get(PAGE_COOKIE, ""))

    def _limit(self, path: str, headers: Mapping[str, str]) -> int:
        if path.startswith(CALLBACKS):
            return BODY_LIMIT
        if path.startswith((CITIZEN_PATHS, STAFF_SIGN_INS)):
            return CITIZEN_LIMIT
        is_form = headers.get("content-type", "").startswith("multipart/")
        return self._upload_limit if is_form else JSON_LIMIT

    def _check(self, path: str, headers: Headers, limit: int) -> None:
        if _declared(headers) > limit:
            most = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // 1024} KiB"
            raise Problem(413, Refusal.PAYLOAD_TOO_LARGE, "内容太大", f"最多 {most}，请缩小文件或分几次提交")
        if brings_body(headers) and not path.startswith((CALLBACKS, CITIZEN_PATHS, PAGE_PATHS, STAFF_SIGN_INS)):
            principal_in(self._token_key, headers.get("authorization", ""))


def cookies_in(headers: Headers) -> Mapping[str, str]:
    return cookie_parser(headers.get("cookie", ""))


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _bounded(receive: Receive, limit: int, seconds: float) -> Receive:
    """Counts and times the body; an HTTPException is the one error that FastAPI's body reading lets through."""
    seen, begun, whole = 0, monotonic(), False

    async def bounded() -> Message:
        nonlocal seen, whole
        if whole:  # what comes now is only that the client has gone
            return await receive()
        left = begun + seconds + seen / BYTES_PER_SECOND - monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > limit:
                raise HTTPException(413)
        return message

    return bounded


class Room:
    """Bytes that are held at one time by those who have not proved yet who they are.

    Where it is full, whoever has been bringing a body for longest gives way: four strangers who send much and then
    nothing would keep every callback out, while an honest one is here and gone.
    """

    def __init__(self, size: int = CALLBACK_ROOM) -> None:
        self.left = size
        # what they hold whose body isn't whole yet, the first to come first
        self._bringing: dict[asyncio.Timeout, int] = {}

    @asynccontextmanager
    async def holding(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The whole body, in its room until the block ends; 503 when it had to give way."""
        held: list[bytes] = []
        size = 0
        try:
            try:
                async with asyncio.timeout(None) as bringing:
                    self._bringing[bringing] = 0
                    async for piece in pieces:
                        self._take(bringing, len(piece))
                        held.append(piece)
            except TimeoutError:
                raise _no_room() from None
            finally:
                size = self._bringing.pop(bringing, 0)
            yield b"".join(held)
        finally:
            self.left += size

    def _take(self, bringing: asyncio.Timeout, size: int) -> None:
        while size > self.left and (first := next(iter(self._bringing), bringing)) is not bringing:
            self.left += self._bringing.pop(first)
            first.reschedule(0)
        if size > self.left or bringing not in self._bringing:
            raise _no_room()
        self.left -= size
        self._bringing[bringing] += size


def _no_room() -> Problem:
    detail = "正在接收的回调太多，请稍后重发"
    return Problem(503, Refusal.BUSY, "暂时无法接收", detail, headers={"Retry-After": "2"}).hanging_up()


def brings_body(headers: Mapping[str, str]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _declared(headers: Mapping[str, str]) -> int:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0

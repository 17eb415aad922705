"""How many requests are open, of a process, a county and a person, so that everybody else is served meanwhile."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.server.limits import CALLBACKS, brings_body
from api.server.problems import Problem, busy
from models.places import AT_WORK, AtWork, Busy, Places
from models.words.refusals import Refusal

PER_PERSON, PER_COUNTY = 40, 200
# Those that only wait for a change hold nothing, and are counted by themselves.
WAITING_PER_PERSON, WAITING_PER_COUNTY = 40, 400


class OpenRequests:
    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, request: Request, county: str, person: str) -> Iterator[None]:
        """From its first moment to its last; raises 429 for one too many."""
        waits = "wait" in request.query_params
        kind = "waiting" if waits else "open"
        of_person, of_county = (WAITING_PER_PERSON, WAITING_PER_COUNTY) if waits else (PER_PERSON, PER_COUNTY)
        with ExitStack() as counted:
            counted.enter_context(self._counted(f"{kind}/{county}", of_county, "本县"))
            counted.enter_context(self._counted(f"{kind}/{county}/{person}", of_person, "您"))
            yield

    @contextmanager
    def _counted(self, whose: str, most: int, word: str) -> Iterator[None]:
        if self._open[whose] >= most:
            detail = f"{word}同时打开的请求已有 {most} 个，没有作任何改动，请等前面的请求办完再试"
            raise Problem(429, Refusal.TOO_MANY_REQUESTS, "同时办理的请求太多", detail, headers={"Retry-After": "1"})
        self._open[whose] += 1
        try:
            yield
        finally:
            self._open[whose] -= 1
            if not self._open[whose]:
                del self._open[whose]


# A few more than have a connection at once: others would only wait for one, and each step of each stands before the
# next step of a callback on the event loop. What waits for a store, a process or a change isn't counted.
PLACES = 12
# Whoever waits here has brought a whole request, and holds no more than that. A page is worked on for some 0.05 s.
WAITING, WAIT_SECONDS = 200, 5.0
# A callback is stored within milliseconds; so many at once are a platform that sends all of a night again.
CALLBACKS_AT_ONCE = 256
HEALTH = "/health"
_RETRY = {"Retry-After": "2"}
_PAGE = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>系统繁忙</title>'
    "<h1>系统繁忙 · Busy</h1><p>同时办理的人较多，没有作任何改动，请几秒后重试。"
    "Too many people at once; nothing was changed, please try again in a few seconds.</p></html>"
)


class Admission:
    """ASGI middleware, around all that works: a bounded number is worked for, a bounded number waits for that.

    A request takes its place when it is whole and leaves it with its answer's first byte: a slow line holds none.
    """

    def __init__(
        self,
        app: ASGIApp,
        places: int = PLACES,
        waiting: int = WAITING,
        wait_seconds: float = WAIT_SECONDS,
        callbacks: int = CALLBACKS_AT_ONCE,
    ) -> None:
        self._app = app
        self._places = Places(places, wait_seconds, waiting)
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # a page asks within its own request
        if scope["type"] != "http" or AT_WORK.get() is not None or scope["path"] == HEALTH:
            await self._app(scope, receive, send)
        elif scope["path"].startswith(CALLBACKS):
            await self._take_callback(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _take_callback(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._callbacks:
            await _refusal(scope)(scope, receive, send)
            return
        self._callbacks -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._callbacks += 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        with _work(self._places) as work:
            has_body = brings_body(Headers(scope=scope))
            try:
                if not has_body:
                    await work.begin()
            except Busy:
                await _refusal(scope)(scope, receive, send)
                return
            await self._app(scope, _whole_first(receive, work) if has_body else receive, _left_behind(send, work))


@contextmanager
def _work(places: Places) -> Iterator[AtWork]:
    work = AtWork(places)
    token = AT_WORK.set(work)
    try:
        yield work
    finally:
        AT_WORK.reset(token)
        work.end()


def _whole_first(receive: Receive, work: AtWork) -> Receive:
    async def whole_first() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            try:
                await work.begin()
            except Busy:
                # the one error that reading a body lets through
                raise HTTPException(503, headers=_RETRY) from None
        return message

    return whole_first


def _left_behind(send: Send, work: AtWork) -> Send:
    async def left_behind(message: Message) -> None:
        if message["type"] == "http.response.start":
            work.end()
        await send(message)

    return left_behind


def _refusal(scope: Scope) -> Response:
    """Made of nothing: who is refused must cost less than who is served."""
    if "text/html" in Headers(scope=scope).get("accept", ""):
        return HTMLResponse(_PAGE, 503, headers=_RETRY)
    return busy().response()

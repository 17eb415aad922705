"""The API asked in process, as the person who stands at the window: its refusals are the page's refusals."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any, NamedTuple

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.pages.in_process import Answer, Body, Caller, as_form, as_json, ask, query_of, scope_of
from api.pages.quiet import Quiet
from models.words.refusals import Refusal

Document = dict[str, Any]
_UNCHANGED = 304
_LONGEST_PAGE = 500
_UNREADABLE: Document = {
    "code": Refusal.INTERNAL,
    "title": "系统内部出错",
    "detail": "没有作任何改动，请稍后重试；反复出现请联系运维",
}


class _Remembered(NamedTuple):
    quiet: Quiet
    who: str
    county: str


class Refused(Exception):
    """The API said no: its status and its problem document, word for word."""

    def __init__(self, status: int, document: Document) -> None:
        super().__init__(f"{status} {document.get('code')}")
        self.status = status
        self.document = document


class Ask:
    """One person's questions and acts. Paths are the API's own, as they read; `key` is the form's, one for each act.

    `address` is the browser's: limits count by it.
    """

    def __init__(self, app: ASGIApp, address: tuple[str, int], headers: Mapping[str, str], key: str = "") -> None:
        self._app = app
        self._address = address
        self._headers = {name: value for name, value in headers.items() if value}
        self._key = key
        # what the API gives a citizen's browser
        self.cookies: list[str] = []
        self._remembered: _Remembered | None = None

    def remember(self, quiet: Quiet, who: str, county: str) -> None:
        """What `who` has been answered is asked again only when something of the county has been told."""
        self._remembered = _Remembered(quiet, who, county)

    def speak_as(self, token: str) -> None:
        """The same person with a fresher token."""
        self._headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, **query: object) -> Any:
        """The answer's JSON; raises Refused. `query` without what is None or empty."""
        if self._remembered is None:
            return await self._send("GET", path, query)
        quiet, who, county = self._remembered
        asked = query_of(query)

        async def read() -> bytes:
            return _good(await ask(self._app, self._caller(), "GET", path, asked))

        # as bytes: a page may do with its answer what it likes
        return _json(await quiet.get((who, path, asked), read, lambda _: county))

    async def every(self, path: str, **query: object) -> list[Any]:
        """All that a list has, page after page; for a list of which somebody chooses."""
        items: list[Any] = []
        after = ""
        while True:
            page = await self.get(path, **query, limit=_LONGEST_PAGE, after=after)
            items += page["items"]
            if page["next"] is None:
                return items
            after = page["next"]

    async def get_unless(self, tag: str, path: str, **query: object) -> tuple[Any, str] | None:
        """The answer's JSON and its tag (ETag); None where it still has this one."""
        headers = {**self._headers, "If-None-Match": tag} if tag else self._headers
        answer = await ask(self._app, Caller(self._address, headers), "GET", path, query_of(query))
        return None if answer.status == _UNCHANGED else (_json(_good(answer)), answer.all(b"etag")[0])

    async def search(self, path: str, body: Mapping[str, object], **query: object) -> Any:
        """A question whose conditions never stand in an address."""
        return await self._send("POST", path, query, as_json(body))

    async def post(self, path: str, body: Mapping[str, object] | None = None, *, part: str = "") -> Any:
        """An act; a form that does several things names each `part`, so that each has a key of its own."""
        return await self._send("POST", path, {}, as_json(body or {}), self._once(part))

    async def mark(self, path: str, body: Mapping[str, object]) -> Any:
        """What comes of looking and is the same however often it is said: no form, so a key of its own."""
        return await self._send("POST", path, {}, as_json(body), f"seen-{token_hex(12)}")

    async def put(self, path: str, body: Mapping[str, object]) -> Any:
        return await self._send("PUT", path, {}, as_json(body))

    async def upload(
        self, method: str, path: str, fields: Mapping[str, str], files: list[tuple[str, Any]], *, part: str = ""
    ) -> Any:
        """A form with files: `files` are (field, (name, file, media type))."""
        return await self._send(method, path, {}, as_form(fields, files), self._once(part))

    def file(self, path: str, **query: object) -> Response:
        """What the API streams (a photo, an export, a PDF), handed through piece by piece."""
        return _HandedThrough(self._app, self._caller(), path, query_of(query))

    def _once(self, part: str) -> str:
        return f"{self._key}/{part}" if part else self._key

    def _caller(self, key: str = "") -> Caller:
        return Caller(self._address, {**self._headers, "Idempotency-Key": key} if key else self._headers)

    async def _send(
        self, method: str, path: str, query: Mapping[str, object], body: Body | None = None, key: str = ""
    ) -> Any:
        answer = await ask(self._app, self._caller(key), method, path, query_of(query), body)
        self.cookies += answer.all(b"set-cookie")
        return _json(_good(answer))


def _good(answer: Answer) -> bytes:
    """The answer's content; raises Refused."""
    if answer.status < 400:
        return answer.content
    said = _json(answer.content)
    waits = next(iter(answer.all(b"retry-after")), None)
    raise Refused(answer.status, {**said, "retry_after": waits} if isinstance(said, dict) else _UNREADABLE)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return _UNREADABLE


class _HandedThrough(Response):
    """The same app asked at another address, its answer sent to the browser as it comes."""

    def __init__(self, app: ASGIApp, caller: Caller, path: str, query: str) -> None:
        super().__init__()
        self._asked = app
        self._inner = scope_of(caller, "GET", path, query)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._asked(self._inner, receive, send)

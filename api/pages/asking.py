"""The API asked in process, as the person who stands at the window: its refusals are the page's refusals."""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

import httpx
import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from models.words.refusals import Refusal

Document = dict[str, Any]
# Answers an address (host, port) with a client of this very app: in-process calls would all come from one address
# otherwise, and limits count by the caller's.
Asker = Callable[[tuple[str, int]], httpx.AsyncClient]
# Inner requests are answered by the app itself; the name goes nowhere.
_BASE = "http://api"
_UNREADABLE: Document = {
    "code": Refusal.INTERNAL,
    "title": "系统内部出错",
    "detail": "没有作任何改动，请稍后重试；反复出现请联系运维",
}


class Refused(Exception):
    """The API said no: its status and its problem document, word for word."""

    def __init__(self, status: int, document: Document) -> None:
        super().__init__(f"{status} {document.get('code')}")
        self.status = status
        self.document = document


class Ask:
    """One person's questions and acts. Paths are the API's own; `key` is the form's, one for each act."""

    def __init__(self, app: ASGIApp, client: httpx.AsyncClient, headers: Mapping[str, str], key: str = "") -> None:
        self._app = app
        self._client = client
        self._headers = {name: value for name, value in headers.items() if value}
        self._key = key
        # what the API gives a citizen's browser
        self.cookies: list[str] = []

    def speak_as(self, token: str) -> None:
        """The same person with a fresher token."""
        self._headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, **query: object) -> Any:
        """The answer's JSON; raises Refused. `query` without what is None or empty."""
        return _read(await self._send("GET", path, params=_plain(query)))

    async def search(self, path: str, body: Mapping[str, object], **query: object) -> Any:
        """A question whose conditions never stand in an address."""
        return _read(await self._send("POST", path, json=body, params=_plain(query)))

    async def post(self, path: str, body: Mapping[str, object] | None = None, *, part: str = "") -> Any:
        """An act; a form that does several things names each `part`, so that each has a key of its own."""
        return _read(await self._send("POST", path, json=body or {}, headers=self._once(part)))

    async def mark(self, path: str, body: Mapping[str, object]) -> Any:
        """What comes of looking and is the same however often it is said: no form, so a key of its own."""
        return _read(await self._send("POST", path, json=body, headers={"Idempotency-Key": f"seen-{token_hex(12)}"}))

    async def put(self, path: str, body: Mapping[str, object]) -> Any:
        return _read(await self._send("PUT", path, json=body))

    async def upload(
        self, method: str, path: str, fields: Mapping[str, str], files: list[tuple[str, Any]], *, part: str = ""
    ) -> Any:
        """A form with files: `files` are (field, (name, file, media type))."""
        answer = await self._send(method, path, data=dict(fields), files=files, headers=self._once(part))
        return _read(answer)

    def file(self, path: str, **query: object) -> Response:
        """What the API streams (a photo, an export, a PDF), handed through piece by piece."""
        address = httpx.URL(_BASE + path, params=_plain(query))
        return _HandedThrough(self._app, address, self._headers)

    def _once(self, part: str) -> dict[str, str]:
        return {"Idempotency-Key": f"{self._key}/{part}" if part else self._key}

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self._headers, **more.pop("headers", {})}
        answer = await self._client.request(method, path, headers=headers, timeout=None, **more)
        self.cookies += answer.headers.get_list("set-cookie")
        return answer


def _read(answer: httpx.Response) -> Any:
    try:
        said = orjson.loads(answer.content) if answer.content else None
    except orjson.JSONDecodeError:
        said = _UNREADABLE
    if answer.status_code < 400:
        return said
    document = {**said, "retry_after": answer.headers.get("retry-after")} if isinstance(said, dict) else _UNREADABLE
    raise Refused(answer.status_code, document)


def _plain(query: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in (None, "", [])}


class _HandedThrough(Response):
    """The same app asked at another address, its answer sent to the browser as it comes."""

    def __init__(self, app: ASGIApp, address: httpx.URL, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._asked = app
        self._address = address
        self._inner_headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = {
            **{name: scope[name] for name in ("type", "asgi", "http_version", "scheme", "server", "client")},
            "method": "GET",
            "path": self._address.path,
            "raw_path": self._address.raw_path.partition(b"?")[0],
            "query_string": self._address.query,
            "root_path": "",
            "headers": self._inner_headers,
            "state": {},
        }
        await self._asked(inner, receive, send)

"""The app asked in process, as a browser beside it would ask over a socket: a request handed in, its answer gathered.

By hand and not by a client: a client made for one question costs more than the question.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope

# Inner requests are answered by the app itself; the name goes nowhere.
_HOST = "api"
RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Caller:
    """Whoever asks: the address (host, port) that limits count by, and the headers that prove who it is."""

    address: tuple[str, int]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Body:
    """What a request brings: its headers and its pieces."""

    headers: RawHeaders
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: RawHeaders
    content: bytes

    def all(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for given, value in self.headers if given.lower() == name]


async def ask(
    app: ASGIApp, caller: Caller, method: str, path: str, query: str = "", body: Body | None = None
) -> Answer:
    """The whole answer. An error that the app could not answer is a 500, as a server would make it."""
    gathered = _Gathered()
    scope = scope_of(caller, method, path, query, body.headers if body else ())
    try:
        await app(scope, _receiving(body, gathered), gathered.send)
    except Exception:
        # it has been logged by whoever raised it further in
        if gathered.status is None:
            return Answer(500, (), b"")
    return Answer(gathered.status or 500, gathered.headers, b"".join(gathered.pieces))


def scope_of(caller: Caller, method: str, path: str, query: str, more: RawHeaders = ()) -> Scope:
    own = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in caller.headers.items() if value]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [(b"host", _HOST.encode()), *own, *more],
        "server": (_HOST, 80),
        "client": caller.address,
        "state": {},
    }


def query_of(asked: Mapping[str, object]) -> str:
    """Without what is None or empty."""
    given = {name: value for name, value in asked.items() if value not in (None, "", [])}
    return str(httpx.QueryParams(cast("dict[str, str]", given))) if given else ""


def as_json(body: Mapping[str, object]) -> Body:
    return _whole("application/json", json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def as_form(fields: Mapping[str, str], files: Sequence[tuple[str, Any]]) -> Body:
    """A form with files, read piece by piece; `files` are (field, (name, file, media type))."""
    made = httpx.Request("POST", f"http://{_HOST}/", data=dict(fields), files=list(files))
    kept = [(name.lower(), value) for name, value in made.headers.raw if name.lower() != b"host"]
    return Body(kept, aiter(cast("httpx.AsyncByteStream", made.stream)))


def _whole(media_type: str, content: bytes) -> Body:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    headers = ((b"content-type", media_type.encode()), (b"content-length", str(len(content)).encode()))
    return Body(headers, pieces())


def _receiving(body: Body | None, answer: "_Gathered") -> Receive:
    """The body's pieces, and then nothing more until the answer is whole."""
    is_read = False

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            await answer.whole.wait()
            return {"type": "http.disconnect"}
        piece = await anext(body.pieces, None) if body else None
        is_read = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": not is_read}

    return receive


class _Gathered:
    """An answer as it is sent."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: RawHeaders = ()
        self.pieces: list[bytes] = []
        self.whole = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", ())
        elif message["type"] == "http.response.body":
            self.pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.whole.set()

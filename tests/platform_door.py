"""A door in front of the simulator: refuses, holds back or counts what a province's worker asks of the platform."""

import asyncio
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import orjson
from starlette.types import Receive, Scope, Send

from tests.loopback import NO_TLS


@dataclass(frozen=True)
class Refusal:
    """A problem document as the platform would send it, to the next `times` requests, or to all."""

    status: int
    code: str
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None


class Door:
    """Rules are set from the test's thread and read by the server's loop; `seen` are the requests, in order."""

    def __init__(self, behind: str) -> None:
        self.url = ""
        self.seen: list[tuple[float, str]] = []
        self._behind = behind
        self._refusals: dict[str, Refusal] = {}
        self._held: str | None = None
        self._open = threading.Event()
        self._came = threading.Event()
        self._http = httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=30)

    def refuse(self, requests: str, status: int, code: str, times: int | None = None, **headers: str) -> None:
        """What matches `METHOD /path` gets this problem and doesn't reach the platform."""
        self._refusals[requests] = Refusal(status, code, headers, times)

    def let_through(self) -> None:
        self._refusals = {}

    @contextmanager
    def holding(self, requests: str) -> Iterator[threading.Event]:
        """Meanwhile what matches waits before the door; the event says that one does."""
        self._open.clear()
        self._came.clear()
        self._held = requests
        try:
            yield self._came
        finally:
            self._held = None
            self._open.set()

    def times(self, requests: str) -> list[float]:
        """When what matches came."""
        return [at for at, request in self.seen if re.search(requests, request)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        request = f"{scope['method']} {scope['path']}"
        self.seen.append((asyncio.get_running_loop().time(), request))
        refusal = self._refusal(request)
        if refusal is not None:
            await _answer(send, refusal.status, _problem(refusal), "application/problem+json", refusal.headers)
            return
        if self._held is not None and re.search(self._held, request):
            self._came.set()
            await asyncio.to_thread(self._open.wait, 30)
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"content-length")]
        url = self._behind + target.decode("ascii")
        answer = await self._http.request(scope["method"], url, content=body or None, headers=headers)
        kind = answer.headers.get("content-type", "application/json")
        after = answer.headers.get("retry-after")
        await _answer(send, answer.status_code, answer.content, kind, {"retry-after": after} if after else {})

    def _refusal(self, request: str) -> Refusal | None:
        for pattern, refusal in self._refusals.items():
            if re.search(pattern, request):
                if refusal.times is None:
                    return refusal
                left = refusal.times - 1
                if left >= 0:
                    self._refusals[pattern] = Refusal(refusal.status, refusal.code, refusal.headers, left)
                    return refusal
        return None

    async def close(self) -> None:
        self._open.set()
        await self._http.aclose()


def _problem(refusal: Refusal) -> bytes:
    return orjson.dumps(
        {"type": "about:blank", "title": refusal.code, "status": refusal.status, "code": refusal.code, "holder": None}
    )


async def _answer(send: Send, status: int, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
    told = {"content-type": kind, "content-length": str(len(body))} if status != 204 else {}
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in {**told, **headers}.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)

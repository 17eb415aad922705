"""The HTTP connection, with bounds that the server itself doesn't have: who sends no whole head is hung up on."""

from asyncio import BaseTransport, TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.server.security_headers import IN_BYTES

MAX_HEAD_BYTES = 64 * 1024
_REFUSAL = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n" + IN_BYTES + b"\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """A request's head comes within its time and its size: 408 and 431 else. A body is bounded further in."""

    def __init__(self, *uvicorns: Any, head_seconds: float, **more: Any) -> None:
        super().__init__(*uvicorns, **more)
        self._head_seconds = head_seconds
        self._head_timer: TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._begun = self._ended = 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._ended
        super().data_received(data)
        if before == self._begun and not self._in_head:
            # blank lines begin no request, but have ended the server's own timer
            self._expect_head()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._hang_up(b"431 Request Header Fields Too Large")

    def send_400_response(self, msg: str) -> None:
        self._hang_up(b"400 Bad Request")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun += 1
        if not self._in_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        self._stop_timer()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        # what comes behind a body in pieces would only lie there
        if self._in_head:
            super().on_header(name, value)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._ended += 1

    def _expect_head(self) -> None:
        self._in_head = True
        self._stop_timer()
        self._head_timer = self.loop.call_later(self._head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        """What was asked before on this line is answered first."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_head()
        else:
            self._hang_up(b"408 Request Timeout")

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _hang_up(self, status: bytes) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(_REFUSAL % status)
            self.transport.close()


def bounded(head_seconds: float) -> type[BoundedProtocol]:
    """The protocol as uvicorn wants it named: a class that makes connections by itself."""

    class Bounded(BoundedProtocol):
        def __init__(self, *uvicorns: Any, **more: Any) -> None:
            super().__init__(*uvicorns, head_seconds=head_seconds, **more)

    return Bounded

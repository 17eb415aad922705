"""One address before all frontends: each connection goes to one that answers, and leaves one that no longer does.

What passes is not looked at, so the certificates are between client and node. In production a load balancer or a name
with several addresses stands here.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

from deploy.stack.ports import LOOPBACK

Backend = tuple[str, int]
_CONNECT_WITHIN_S, _LOOK_EVERY_S, _AWAITED_EVERY_S, _CHUNK = 1.0, 1.0, 0.2, 65_536
# One slow answer is no death; a second one is.
_SILENT_LOOKS = 2


class Door:
    """Listens in a thread of its own; `answers` says whether a backend does, within a second or so."""

    def __init__(self, port: int, backends: list[Backend], answers: Callable[[Backend], Awaitable[bool]]) -> None:
        self._port, self._backends, self._answers = port, backends, answers
        # Looks since its last answer; None is not there: one that listens may not be serving yet, until it answers.
        self._silent: dict[Backend, int | None] = dict.fromkeys(backends)
        self._through: dict[Backend, set[asyncio.StreamWriter]] = {backend: set() for backend in backends}
        self._turns = count()
        self._loop, self._closed = asyncio.new_event_loop(), asyncio.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """OSError where somebody else has the port."""
        listener = socket.create_server((LOOPBACK, self._port))
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True, name="door")
        self._thread.start()

    def close(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._closed.set)
            self._thread.join(5)

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        """The runner ends whatever still passes and looks."""
        looks = [asyncio.create_task(self._look(backend)) for backend in self._backends]
        server = await asyncio.start_server(self._pass, sock=listener)
        await self._closed.wait()
        server.close()
        for look in looks:
            look.cancel()

    async def _look(self, backend: Backend) -> None:
        while True:
            answers, silent = await self._answers(backend), self._silent[backend]
            self._silent[backend] = 0 if answers else None if silent is None else silent + 1
            if self._is_silent(backend):
                for writer in list(self._through[backend]):
                    writer.transport.abort()
            await asyncio.sleep(_AWAITED_EVERY_S if self._silent[backend] is None else _LOOK_EVERY_S)

    def _is_silent(self, backend: Backend) -> bool:
        silent = self._silent[backend]
        return silent is None or silent >= _SILENT_LOOKS

    def _in_turn(self) -> Iterator[Backend]:
        """Those that answer, each in its turn; after them the silent, in case all seem so; none that isn't there."""
        turn = next(self._turns) % len(self._backends)
        ordered = self._backends[turn:] + self._backends[:turn]
        there = [backend for backend in ordered if self._silent[backend] is not None]
        return iter(sorted(there, key=self._is_silent))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for backend in self._in_turn():
            try:
                there, here = await asyncio.wait_for(asyncio.open_connection(*backend), _CONNECT_WITHIN_S)
                break
            except (OSError, TimeoutError):
                self._silent[backend] = None
        else:
            writer.transport.abort()
            return
        self._through[backend].add(here)
        try:
            await asyncio.gather(_pump(reader, here), _pump(there, writer))
        finally:
            self._through[backend].discard(here)
            for one in (here, writer):
                one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whoever only listens learns of an end however it came, and after all that was said before."""
    with contextlib.suppress(OSError):
        try:
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
        finally:
            writer.write_eof()

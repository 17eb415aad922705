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
from typing import cast

from deploy.stack.ports import LOOPBACK

Backend = tuple[str, int]
_CONNECT_WITHIN_S, _LOOK_EVERY_S, _AWAITED_EVERY_S = 1.0, 1.0, 0.2
# One slow answer is no death; a second one is.
_SILENT_LOOKS = 2


class _Side(asyncio.Protocol):
    """One end of what passes. What it hears it says to the other end, also that there will be no more: however that
    came, and after all that was said before.
    """

    transport: asyncio.Transport
    other: "_Side"

    def __init__(self) -> None:
        self.made, self.lost = asyncio.Event(), asyncio.Event()
        self.is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is heard before there is somebody to say it to."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.pause_reading()
        self.made.set()

    def joins(self, other: "_Side") -> None:
        self.other, other.other = other, self
        for side in (self, other):
            side.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self._no_more()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        if hasattr(self, "other"):
            # what this one could not take is gone with it, and nobody says that there is room again
            self.other.transport.resume_reading()
            self._no_more()

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def _no_more(self) -> None:
        self.is_over = True
        # the other may have broken, and not be told so yet
        with contextlib.suppress(OSError):
            self.other.transport.write_eof()
        if self.other.is_over:
            for side in (self, self.other):
                side.transport.close()


class Door:
    """Listens in a thread of its own; `answers` says whether a backend does, within a second or so."""

    def __init__(self, port: int, backends: list[Backend], answers: Callable[[Backend], Awaitable[bool]]) -> None:
        self._port, self._backends, self._answers = port, backends, answers
        # Looks since its last answer; None is not there: one that listens may not be serving yet, until it answers.
        self._silent: dict[Backend, int | None] = dict.fromkeys(backends)
        self._through: dict[Backend, set[_Side]] = {backend: set() for backend in backends}
        self._entered: set[asyncio.Task[None]] = set()
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
        server = await asyncio.get_running_loop().create_server(self._enter, sock=listener)
        await self._closed.wait()
        server.close()
        for look in looks:
            look.cancel()

    async def _look(self, backend: Backend) -> None:
        while True:
            self._silent[backend] = await self._silent_now(backend)
            self._through[backend] = {there for there in self._through[backend] if not there.lost.is_set()}
            if self._is_silent(backend):
                for there in self._through[backend]:
                    there.transport.abort()
            await asyncio.sleep(_AWAITED_EVERY_S if self._silent[backend] is None else _LOOK_EVERY_S)

    async def _silent_now(self, backend: Backend) -> int | None:
        """One that takes no more connections has ended, or is about to and still answers what it was asked before: a
        task that it had given away and couldn't hand over would wait until its worker counts as dead.
        """
        if await self._answers(backend):
            return 0
        silent = self._silent[backend]
        return None if silent is None or await _refuses(backend) else silent + 1

    def _is_silent(self, backend: Backend) -> bool:
        silent = self._silent[backend]
        return silent is not None and silent >= _SILENT_LOOKS

    def _in_turn(self) -> Iterator[Backend]:
        """Those that answer, each in its turn; after them the silent, in case all seem so; none that isn't there."""
        turn = next(self._turns) % len(self._backends)
        ordered = self._backends[turn:] + self._backends[:turn]
        there = [backend for backend in ordered if self._silent[backend] is not None]
        return iter(sorted(there, key=self._is_silent))

    def _enter(self) -> _Side:
        here = _Side()
        entered = asyncio.create_task(self._pass(here))
        self._entered.add(entered)
        entered.add_done_callback(self._entered.discard)
        return here

    async def _pass(self, here: _Side) -> None:
        """Over when both ends are, or the door closes."""
        there = None
        try:
            await here.made.wait()
            if there := await self._let_in(here):
                await there.lost.wait()
                await here.lost.wait()
        finally:
            for side in (here, there):
                if side is not None:
                    side.transport.abort()

    async def _let_in(self, here: _Side) -> _Side | None:
        """To whom; None where nobody is there."""
        for backend in self._in_turn():
            try:
                there = await _connect(backend)
            except ConnectionRefusedError:
                self._silent[backend] = None
            except (OSError, TimeoutError):
                continue
            else:
                here.joins(there)
                self._through[backend].add(there)
                return there
        return None


async def _connect(backend: Backend) -> _Side:
    connecting = asyncio.get_running_loop().create_connection(_Side, *backend)
    return (await asyncio.wait_for(connecting, _CONNECT_WITHIN_S))[1]


async def _refuses(backend: Backend) -> bool:
    try:
        (await _connect(backend)).transport.abort()
    except ConnectionRefusedError:
        return True
    except (OSError, TimeoutError):
        pass
    return False

"""Places for one kind of work: a few of its own, so that what hangs there holds up nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Busy(Exception):
    """Every place for this kind of work was taken for as long as one may wait."""


class Places:
    """`size` at once; who finds none free within `wait_seconds` is told so, None waits without end.

    Who finds so many waiting already is told at once.
    """

    def __init__(self, size: int, wait_seconds: float | None = None, most_waiting: int | None = None) -> None:
        self._wait_seconds = wait_seconds
        self._most_waiting = most_waiting
        self._waiting = 0
        self._free = asyncio.Semaphore(size)

    async def take(self) -> None:
        """Raises Busy."""
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting == self._most_waiting:
            raise Busy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None
        finally:
            self._waiting -= 1

    async def take_again(self) -> None:
        """However long it takes, by whoever has had one."""
        await self._free.acquire()

    def give_back(self) -> None:
        self._free.release()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self.take()
        try:
            yield
        finally:
            self.give_back()


class AtWork:
    """Somebody's place among those that are worked for; left to others while it only waits."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._holds = self._over = False
        # its parts that rest: it may do several things at once
        self._resting = 0

    async def begin(self) -> None:
        """Raises Busy."""
        await self._places.take()
        self._holds = True

    def end(self) -> None:
        self._over = True
        self._leave()

    def rest(self) -> None:
        self._resting += 1
        self._leave()

    async def go_on(self) -> None:
        self._resting -= 1
        if self._resting or self._over:
            return
        await self._places.take_again()
        if self._holds or self._over:
            self._places.give_back()
        self._holds = not self._over

    def _leave(self) -> None:
        if self._holds:
            self._holds = False
            self._places.give_back()


AT_WORK: ContextVar[AtWork | None] = ContextVar("at_work", default=None)


@asynccontextmanager
async def resting() -> AsyncIterator[None]:
    """Around what waits for somebody else: a process, a store, a change."""
    mine = AT_WORK.get()
    if mine is None:
        yield
        return
    mine.rest()
    try:
        yield
    finally:
        await mine.go_on()


class Threads:
    """As many threads as places."""

    def __init__(self, name: str, size: int, wait_seconds: float | None = None) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._places = Places(size, wait_seconds)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The work's result; raises Busy."""
        async with resting():
            await self._places.take()
            loop = asyncio.get_running_loop()
            doing = self._pool.submit(work, *args, **kwargs)
            # Its place is free when the thread is, not when whoever asked has gone away.
            doing.add_done_callback(lambda _: loop.call_soon_threadsafe(self._places.give_back))
            return await asyncio.wrap_future(doing)

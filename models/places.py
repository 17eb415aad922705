"""Places for one kind of work: a few of its own, so that what hangs there holds up nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Busy(Exception):
    """Every place for this kind of work was taken for as long as one may wait."""


class Places:
    """`size` at once; who finds none free within `wait_seconds` is told so, None waits without end."""

    def __init__(self, size: int, wait_seconds: float | None = None) -> None:
        self._wait_seconds = wait_seconds
        self._free = asyncio.Semaphore(size)

    async def take(self) -> None:
        """Raises Busy."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Busy from None

    def give_back(self) -> None:
        self._free.release()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self.take()
        try:
            yield
        finally:
            self.give_back()


class Threads:
    """As many threads as places."""

    def __init__(self, name: str, size: int, wait_seconds: float | None = None) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._places = Places(size, wait_seconds)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The work's result; raises Busy."""
        await self._places.take()
        loop = asyncio.get_running_loop()
        doing = self._pool.submit(work, *args, **kwargs)
        # Its place is free when the thread is, not when whoever asked has gone away.
        doing.add_done_callback(lambda _: loop.call_soon_threadsafe(self._places.give_back))
        return await asyncio.wrap_future(doing)

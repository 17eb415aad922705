"""Who waits for what has this number: woken when its stage is told, and nobody else."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Listener:
    """One that waits. `told` stays true: a stage that was another one for a moment only was another one."""

    def __init__(self) -> None:
        self.told = False
        self._woken = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Until it is woken, or has been since the last wait; False after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def wake(self) -> None:
        self._woken.set()


class Broadcast:
    """Listen first, then read the row: what is told in between is not lost."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self.hears = False

    def now_hears(self, hears: bool) -> None:
        """Whether what the database tells comes here. Everybody reads once more: something may have been missed."""
        self.hears = hears
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake()

    @contextmanager
    def listen(self, *numbers: str) -> Iterator[Listener]:
        listener = Listener()
        for number in numbers:
            self._listeners[number].add(listener)
        try:
            yield listener
        finally:
            for number in numbers:
                self._leave(number, listener)

    def tell(self, number: str) -> None:
        for listener in self._listeners.get(number, ()):
            listener.told = True
            listener.wake()

    def _leave(self, number: str, listener: Listener) -> None:
        self._listeners[number].discard(listener)
        if not self._listeners[number]:
            del self._listeners[number]

"""Who waits for what has this number: woken when its stage is told, and nobody else. What else is told of a county."""

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
        # how much has been told so far, and how much had been when something of a county was told last
        self.told = 0
        self._last: dict[str, int] = {}
        self._deaf = 0

    def now_hears(self, hears: bool) -> None:
        """Whether what the database tells comes here. Everybody reads once more: something may have been missed."""
        self.hears = hears
        self.told = self._deaf = self.told + 1
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
        """Of the number, and of the county that it begins with; of a county alone, where it is its code."""
        self.told += 1
        self._last[number.partition("-")[0]] = self.told
        for listener in self._listeners.get(number, ()):
            listener.told = True
            listener.wake()

    def is_quiet(self, county: str, since: int) -> bool:
        """Whether nothing of the county can have changed since so much was told; False while nothing is heard."""
        return self.hears and max(self._deaf, self._last.get(county, 0)) <= since

    def _leave(self, number: str, listener: Listener) -> None:
        self._listeners[number].discard(listener)
        if not self._listeners[number]:
            del self._listeners[number]

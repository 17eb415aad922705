"""What every list asks for and hardly ever changes, kept for a minute: nothing of a beneficiary."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")
_SECONDS = 60.0
_MOST = 2_000


class Kept:
    """Lists by name; one that is older than a minute is asked for again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, list[Any]]] = {}

    async def get(self, name: str, ask: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """An empty one is asked for each time: it may just be on its way."""
        now = time.monotonic()
        at, kept = self._kept.get(name, (-_SECONDS, []))
        if now - at < _SECONDS:
            return kept
        found = await ask()
        if len(self._kept) >= _MOST:
            self._kept.clear()
        if found:
            self._kept[name] = (now, found)
        return found

"""What anybody may look at, kept ready: read once for many, good while nothing of its county was told; and who looks
too often."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from hashlib import sha256

from fastapi import Request

from api.relay.broadcast import Broadcast
from api.server.problems import Problem
from models.settings import Settings
from models.words.refusals import Refusal

# What is told by time alone, a day's beginning, is seen so late at most.
LONGEST_SECONDS = 60.0
MOST_BYTES = 32 * 1024 * 1024
MOST_ADDRESSES = 100_000
Read = Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class KeptPage:
    """`tag` says what is in it: the same as long as nothing of it has changed (ETag)."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class _Kept:
    page: KeptPage | None
    county: str
    since: int
    at: float


class KeptPages:
    """`seconds` old a page is shown whatever was told meanwhile: so a busy county isn't read for each who looks."""

    def __init__(self, news: Broadcast, seconds: float) -> None:
        self._news = news
        self._seconds = seconds
        self._kept: dict[Hashable, _Kept] = {}
        self._bytes = 0
        self._reading: dict[Hashable, asyncio.Task[KeptPage | None]] = {}

    async def get(self, name: Hashable, county: str, read: Read) -> KeptPage | None:
        """None is kept too: who guesses addresses asks no database each time. Many at once wait for one reading."""
        kept = self._kept.get(name)
        if kept is not None and self._is_good(kept):
            return kept.page
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = asyncio.create_task(self._read(name, county, read))
        return await asyncio.shield(reading)

    def _is_good(self, kept: _Kept) -> bool:
        age = time.monotonic() - kept.at
        return age < self._seconds or (age < LONGEST_SECONDS and self._news.is_quiet(kept.county, kept.since))

    async def _read(self, name: Hashable, county: str, read: Read) -> KeptPage | None:
        # before it is read: what is told meanwhile may not be in it
        since, at = self._news.told, time.monotonic()
        try:
            content = await read()
        finally:
            del self._reading[name]
        page = None if content is None else KeptPage(content, f'"{sha256(content).hexdigest()[:32]}"')
        self._keep(name, _Kept(page, county, since, at))
        return page

    def _keep(self, name: Hashable, kept: _Kept) -> None:
        self._drop(name)
        self._kept[name] = kept
        self._bytes += _size(kept)
        # the oldest first; a name alone takes room as well
        while self._bytes + 256 * len(self._kept) > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: Hashable) -> None:
        dropped = self._kept.pop(name, None)
        self._bytes -= _size(dropped) if dropped else 0


def _size(kept: _Kept) -> int:
    return len(kept.page.content) if kept.page else 0


class Looks:
    """How often an address has looked: so many a minute, and as many at once. In memory, each process by itself."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._left: dict[str, tuple[float, float]] = {}

    def note(self, address: str) -> None:
        """429 for who looks too often."""
        at = time.monotonic()
        left, before = self._left.pop(address, (self._most, at))
        left = min(self._most, left + (at - before) * self._most / 60)
        if len(self._left) >= MOST_ADDRESSES:
            # who has been quiet for longest has the most left
            del self._left[next(iter(self._left))]
        self._left[address] = (max(0.0, left - 1), at)
        if left < 1:
            seconds = max(1, round(60 / self._most))
            detail = "同一网络查看公示过于频繁，请过一会儿再看"
            raise Problem(
                429, Refusal.TOO_MANY_LOOKS, "查看过于频繁", detail, headers={"Retry-After": str(max(seconds, 5))}
            )


@dataclass(frozen=True)
class OpenDoor:
    """What the pages without a sign-in share, one for a process."""

    pages: KeptPages
    looks: Looks


def open_door(news: Broadcast, settings: Settings) -> OpenDoor:
    return OpenDoor(KeptPages(news, settings.public_list_kept_seconds), Looks(settings.public_looks_per_address_minute))


def open_door_of(request: Request) -> OpenDoor:
    door = request.app.state.open_door
    assert isinstance(door, OpenDoor)
    return door

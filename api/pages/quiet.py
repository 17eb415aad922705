"""What open pages ask again and again: answered from memory while nothing of their county has been told."""

import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")
# What is told by time alone (days that are over, an idle session's end) is seen so late at most; and so is everything
# where a line to the database has died without a word.
LONGEST_SECONDS = 60.0
_MOST = 2_000


class News(Protocol):
    """What the database tells of counties: how much so far, and whether anything of one since then."""

    @property
    def told(self) -> int: ...
    def is_quiet(self, county: str, since: int) -> bool: ...
    def tell(self, number: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    county: str
    since: int
    until: float


class Quiet:
    """Answers by name, each good until something of its county is told; nothing is kept while nothing is heard."""

    def __init__(self, news: News) -> None:
        self._news = news
        self._kept: dict[Hashable, _Kept] = {}

    async def get(
        self,
        name: Hashable,
        read: Callable[[], Awaitable[T]],
        county_of: Callable[[T], str],
        longest: float = LONGEST_SECONDS,
    ) -> T:
        """What `read` gave last time, or gives now; `name` says who asks what. Nothing is kept of no county."""
        kept = self._kept.get(name)
        if kept is not None and time.monotonic() < kept.until and self._news.is_quiet(kept.county, kept.since):
            return cast("T", kept.value)
        # before it is read: what is told meanwhile may not be in it
        since = self._news.told
        found = await read()
        self._keep(name, _Kept(found, county_of(found), since, time.monotonic() + longest))
        return found

    def _keep(self, name: Hashable, kept: _Kept) -> None:
        if len(self._kept) >= _MOST:
            self._drop()
        if kept.county and self._news.is_quiet(kept.county, kept.since):
            self._kept[name] = kept
        else:
            self._kept.pop(name, None)

    def _drop(self) -> None:
        """Those that are no good any more; all, where so many are asked for within a minute."""
        at = time.monotonic()
        good = {name: kept for name, kept in self._kept.items() if at < kept.until}
        self._kept = good if len(good) < _MOST else {}

    def tell(self, county: str) -> None:
        """Something was done here: who looks at once sees it, though the database hasn't told yet."""
        self._news.tell(county)

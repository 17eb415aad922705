"""Business time: runs faster than the wall by the time scale, or jumps from one due moment to the next."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

from .store import Store

DAY = 86_400.0
HOUR = 3_600.0

CHINA = timezone(timedelta(hours=8))


def stamp(at: float | None = None) -> str:
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return moment.astimezone(CHINA).isoformat(timespec="milliseconds")


class Clock:
    """`scale` 1 is real time, 86400 a day a second, 0 no delay at all. Kept in the state, so a restart goes on."""

    def __init__(self, store: Store, scale: float | None) -> None:
        self._store = store
        kept = store.setting("clock")
        if kept is None:
            self.scale, self._real, self._business = 1.0, time.time(), 0.0
        else:
            self.scale, self._real, self._business = json.loads(kept)
        if scale is not None and (kept is None or scale != self.scale):
            self.set_scale(scale)

    def now(self) -> float:
        return self._business + (time.time() - self._real) * self.scale

    def set_scale(self, scale: float) -> None:
        self._business, self._real, self.scale = self.now(), time.time(), scale
        self._keep()

    def reach(self, due: float) -> None:
        """Without delays the clock stands still until something due pulls it forward."""
        if self.scale == 0 and due > self._business:
            self._business, self._real = due, time.time()
            self._keep()

    def seconds_until(self, due: float) -> float:
        """Wall seconds; zero when there are no delays."""
        return max(0.0, (due - self.now()) / self.scale) if self.scale else 0.0

    def wall(self, business_seconds: float, at_least: float, at_most: float) -> float:
        """A span of business time in wall seconds within bounds that suit a machine."""
        span = business_seconds / self.scale if self.scale else 0.0
        return min(max(span, at_least), at_most)

    def _keep(self) -> None:
        self._store.set_setting("clock", json.dumps([self.scale, self._real, self._business]))

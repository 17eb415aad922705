"""Days and times as China has them; what is kept for a day goes by its calendar."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# China has one zone and no summer time, so a fixed offset needs no zone data.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
# The State Council's notices as they were when this version was made; `CALENDAR_FILE` takes its place.
NOTICES = Path(__file__).with_name("calendar.json")
_SATURDAY = 5


def china_today() -> date:
    """The date it is in China now."""
    return china_date(datetime.now(UTC))


def china_date(instant: datetime) -> date:
    return instant.astimezone(CHINA).date()


class HolidayNotice(BaseModel):
    """One year's 节假日安排: spans of days off, first and last, and weekend days that are worked instead (调休)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    year: int
    title: str
    dated: date
    off: tuple[tuple[date, date], ...]
    on: tuple[date, ...]

    @property
    def days_off(self) -> set[date]:
        spans = (range((last - first).days + 1) for first, last in self.off)
        return {first + timedelta(days=n) for (first, _), span in zip(self.off, spans, strict=True) for n in span}


class WorkingCalendar(BaseModel):
    """Monday to Friday, but for what the notices say; of a year without one nothing else is known yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notices: tuple[HolidayNotice, ...]

    def model_post_init(self, _: object) -> None:
        self._off = frozenset[date]().union(*(notice.days_off for notice in self.notices))
        self._on = frozenset(day for notice in self.notices for day in notice.on)
        self._years = frozenset(notice.year for notice in self.notices)

    _off: frozenset[date]
    _on: frozenset[date]
    _years: frozenset[int]

    def knows(self, day: date) -> bool:
        return day.year in self._years

    def works(self, day: date) -> bool:
        return day in self._on or (day.weekday() < _SATURDAY and day not in self._off)

    def after(self, day: date, count: int) -> date:
        """The so-manieth working day after a day."""
        while count > 0:
            day += timedelta(days=1)
            count -= self.works(day)
        return day

    def between(self, day: date, until: date) -> int:
        """Working days after a day, up to another one and with it."""
        return sum(self.works(day + timedelta(days=n)) for n in range(1, (until - day).days + 1))

    def overdue_since(self, today: date, count: int) -> date:
        """The last day of which the so-manieth working day after it is past."""
        day = today - timedelta(days=1)
        while count > 0:
            count -= self.works(day)
            day -= timedelta(days=1)
        return day


def read_calendar(file: Path | None) -> WorkingCalendar:
    return WorkingCalendar.model_validate_json((file or NOTICES).read_bytes())

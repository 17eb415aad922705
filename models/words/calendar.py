"""Days and times as China has them; what is kept for a day goes by its calendar."""

from datetime import UTC, date, datetime, timedelta, timezone

# China has one zone and no summer time, so a fixed offset needs no zone data.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def china_today() -> date:
    """The date it is in China now."""
    return datetime.now(UTC).astimezone(CHINA).date()

"""Working days: as the notices have them, with holidays within the week and weekends that are worked (调休)."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.words.calendar import NOTICES, WorkingCalendar, china_date, read_calendar
from models.words.waiting import PARTIES, WAIT_DAYS, Wait

SHIPPED = read_calendar(None)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("09-18", True),
        ("09-19", False),
        ("09-20", True),  # a Sunday, worked for 国庆节
        ("09-25", False),  # a Friday, 中秋节
        ("10-01", False),
        ("10-08", True),
        ("10-10", True),  # a Saturday
        ("10-11", False),
    ],
)
def test_a_day_is_worked_as_the_notice_says(text: str, works: bool) -> None:
    assert SHIPPED.works(day(text)) is works


def test_the_notices_are_of_weekdays_and_of_weekends_respectively() -> None:
    """What is worked instead is a weekend's day, and each year gives back as many days as it takes."""
    for notice in SHIPPED.notices:
        assert all(each.weekday() >= 5 for each in notice.on), notice.title
        assert notice.days_off.isdisjoint(notice.on)
        assert {each.year for each in notice.days_off | set(notice.on)} == {notice.year}
        assert notice.dated < min(notice.days_off)
        # 2025 on: thirteen holidays by law, the days worked instead come on top of them
        weekdays = {each for each in notice.days_off if each.weekday() < 5}
        assert len(weekdays) - len(notice.on) <= 13


def test_days_are_counted_from_the_day_after() -> None:
    """Tuesday before the long week: Wednesday, then the 8th, the 9th and Saturday the 10th."""
    tuesday = day("09-29")
    assert [SHIPPED.after(tuesday, count) for count in range(5)] == [
        *(tuesday, day("09-30"), day("10-08"), day("10-09"), day("10-10")),
    ]
    assert SHIPPED.between(tuesday, tuesday) == 0
    assert SHIPPED.between(tuesday, day("10-07")) == 1
    assert SHIPPED.between(tuesday, day("10-11")) == 4


@pytest.mark.parametrize("count", [0, 1, 2, 5, 10])
def test_what_is_overdue_is_what_is_past_its_last_day(count: int) -> None:
    """The two ways to say it agree on every day about a holiday."""
    for today in (date.fromordinal(day("09-14").toordinal() + n) for n in range(40)):
        last = SHIPPED.overdue_since(today, count)
        for began in (date.fromordinal(today.toordinal() - n) for n in range(25)):
            assert (began <= last) == (today > SHIPPED.after(began, count)), (today, began)


def test_an_instant_is_of_the_day_that_it_is_in_china() -> None:
    assert china_date(datetime(2026, 9, 30, 17, tzinfo=UTC)) == day("10-01")


def test_another_file_takes_its_place_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "calendar.json"
    whole = json.loads(NOTICES.read_text())
    whole["notices"] = [whole["notices"][0] | {"year": 2027, "off": [["2027-02-05", "2027-02-05"]], "on": []}]
    file.write_text(json.dumps(whole))
    own = read_calendar(file)
    assert (own.knows(date(2027, 1, 1)), own.knows(day("01-01"))) == (True, False)
    assert (own.works(date(2027, 2, 5)), own.works(day("10-01"))) == (False, True)
    file.write_text('{"notices": [{"year": 2027}]}')
    with pytest.raises(ValidationError):
        read_calendar(file)


def test_every_wait_has_its_party_and_its_days() -> None:
    assert set(PARTIES) == set(WAIT_DAYS) == set(Wait)
    assert WorkingCalendar(notices=()).works(day("10-01"))

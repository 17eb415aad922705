"""A platform that is busy for long, or says the same no again and again: the run rests in between and stays small."""

from functools import partial
from itertools import pairwise

import pytest

from deploy.demo.people import Json
from models.contracts import Signal
from models.wire.words import ProblemCode
from models.words.waiting import PLATFORM_BUSY
from tests.county_office import Office, lines
from tests.platform_door import Door
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
REST = 0.4
ALONE = {"watch_seconds": 3_600, "platform_busy_retry_seconds": REST}
OPEN, PAGE, COMMIT = "POST /v1/datasets$", "PUT /v1/datasets/.*/pages/", "POST /v1/datasets/.*/commit"
# What may be asked at once after a no: the list was dropped and goes out anew.
AT_ONCE = 1
ENOUGH = 5
# An attempt is an activity, a look, a timer, and the tasks between them.
EVENTS_AN_ATTEMPT = 16
BUSY = ("PROVINCE_BUSY", "COUNTY_FLOW_ACTIVE", "ROUND_UNDER_REVIEW", "SUMMARY_UNDER_REVIEW", "ACCOUNT_CHANGE_PENDING")
BY_ITSELF = {"IN_PROGRESS", "RATE_LIMITED", "UNAUTHORIZED", "FORBIDDEN_COUNTY", "INTERNAL", "UNAVAILABLE"}


def events_of(province: Province, run: str) -> int:
    handle = province.temporal.get_workflow_handle(run)
    return len(province.portal.call(handle.fetch_history).events)


def rested(times: list[float]) -> bool:
    """Between any two requests but the first ones there was a rest; clocks are a little coarse."""
    return all(later - earlier > REST * 0.9 for earlier, later in list(pairwise(times))[AT_ONCE:])


def is_closed(province: Province, run: str) -> bool:
    return bool(province.rows("SELECT closed_at IS NOT NULL FROM run WHERE workflow_id = :id", id=run)[0][0])


def seen_enough(province: Province, door: Door, run: str, request: str) -> int:
    """Asked so often that a run which doesn't rest is found out, or over; gives how often."""

    def look() -> Json:
        return {"times": len(door.times(request)), "over": is_closed(province, run)}

    seen = province.wait("asked again", look, lambda found: found["over"] or found["times"] >= ENOUGH, 60)
    return int(seen["times"])


@pytest.mark.parametrize(
    ("request_", "codes"),
    [
        (OPEN, ["PROVINCE_BUSY", "NOT_FOUND"]),
        (PAGE, ["PROVINCE_BUSY", "NOT_FOUND"]),
        (COMMIT, sorted(set(ProblemCode) - BY_ITSELF)),
    ],
)
@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_a_verification_rests_after_every_no_that_the_contract_knows(
    door: Door, province: Province, request_: str, codes: list[str]
) -> None:
    office = Office(province)
    for code in codes:
        batch_no, _ = office.batched(lines(1))
        door.seen.clear()
        door.refuse(request_, 409, code)
        asked = office.operator.post(f"/batches/{batch_no}/verifications", {})
        run = str(asked["run"]["workflow_id"])
        times = seen_enough(province, door, run, request_)
        assert rested(door.times(request_)), code
        assert events_of(province, run) < EVENTS_AN_ATTEMPT * (times + 1), code
        assert is_closed(province, run) is not (code in BUSY or times > 1), code
        door.let_through()
        province.until(code, "SELECT closed_at IS NOT NULL FROM run WHERE workflow_id = :id", True, id=run)
        wanted = "verified" if times > 1 else "open"
        assert office.operator.get(f"/batches/{batch_no}")["stage"] == wanted, code


@pytest.mark.parametrize("request_", [OPEN, COMMIT])
@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_a_round_waits_for_a_platform_that_is_busy_with_something_else(
    door: Door, province: Province, request_: str
) -> None:
    office = Office(province)
    batch_no, _ = office.verified(lines(2))
    door.seen.clear()
    door.refuse(request_, 409, "PROVINCE_BUSY")
    flow_no = office.begin(batch_no)
    run = f"subsidy-flow/{flow_no}"
    times = seen_enough(province, door, run, request_)
    assert rested(door.times(request_))
    assert events_of(province, run) < EVENTS_AN_ATTEMPT * (times + 2)
    told = province.portal.call(partial(province.temporal.get_workflow_handle(run).query, "situation"))
    assert PLATFORM_BUSY in told
    door.let_through()
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2}


@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_news_doesnt_make_a_busy_platform_be_asked_earlier(door: Door, province: Province) -> None:
    office = Office(province)
    batch_no, _ = office.verified(lines(2))
    door.seen.clear()
    door.refuse(COMMIT, 409, "PROVINCE_BUSY")
    flow_no = office.begin(batch_no)
    while len(door.times(COMMIT)) < ENOUGH:
        province.wake(f"subsidy-flow/{flow_no}", Signal.LINES_CHANGED, ["K1"])
    assert rested(door.times(COMMIT))
    door.let_through()
    office.at(flow_no, "county_review")

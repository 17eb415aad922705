"""What fails alone is tried again alone, and a platform that wants to be left alone is: Retry-After everywhere."""

import asyncio
import re
import time
from collections import Counter
from itertools import pairwise

import pytest

from activities.platform.errors import PlatformRefusal, PlatformUnavailable
from activities.platform.tries import LONGEST_RETRY_SECONDS, for_each, with_retries
from deploy.demo.people import Json
from models.contracts import Signal
from models.wire.answers import EVIDENCE_LIMIT
from models.wire.words import Operation, ProblemCode
from tests.card_office import CardOffice
from tests.county_office import Office, lines
from tests.platform_door import Door
from tests.province import Province
from tests.test_flow_evidence import sent, with_photos

pytest_plugins = ["tests.province_fixtures"]
UPLOAD = "PUT /v1/files/"
PHOTOS_A_LINE = 3
WANTED = 2.0
ASKING = {"platform_first_ask_seconds": 0.2, "platform_ask_seconds": 0.2}


def attempts(province: Province, run: str) -> Counter[str]:
    """Of each kind of activity in a run, how often it was tried at most."""
    handle = province.temporal.get_workflow_handle(run)
    events = province.portal.call(handle.fetch_history).events
    names = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    }
    tried: Counter[str] = Counter()
    for event in events:
        if event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            name = names[started.scheduled_event_id]
            tried[name] = max(tried[name], started.attempt)
    return tried


def uploads(door: Door) -> Counter[str]:
    return Counter(request for _, request in door.seen if re.search(UPLOAD, request))


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


# --- the loop itself


def trouble(retry_after: float | None = None) -> PlatformUnavailable:
    return PlatformUnavailable(Operation.UPLOAD_FILE, "HTTP 503", retry_after=retry_after)


@pytest.mark.parametrize("at_once", [1, 3])
async def test_the_others_go_on_and_what_is_left_is_raised_at_the_end(at_once: int) -> None:
    done: list[int] = []

    async def do(item: int) -> None:
        if item % 5 == 0:
            raise trouble(float(item))
        done.append(item)

    with pytest.raises(PlatformUnavailable) as raised:
        await for_each(range(20), do, at_once)
    assert sorted(done) == [item for item in range(20) if item % 5]
    assert raised.value.retry_after == 15


@pytest.mark.parametrize("at_once", [1, 3])
async def test_where_nobody_gets_through_the_rest_isnt_tried(at_once: int) -> None:
    tried: list[int] = []

    async def do(item: int) -> None:
        tried.append(item)
        raise trouble()

    with pytest.raises(PlatformUnavailable):
        await for_each(range(1_000), do, at_once)
    assert len(tried) <= 2 * at_once


async def test_a_refusal_ends_all_of_it_at_once() -> None:
    begun, ended = asyncio.Event(), list[int]()

    async def do(item: int) -> None:
        if item == 1:
            await begun.wait()
            raise PlatformRefusal(Operation.UPLOAD_FILE, ProblemCode.FILE_REFUSED, 422)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    with pytest.raises(PlatformRefusal):
        await for_each(range(10), do, 2)
    assert ended == [0]


async def test_what_wants_to_wait_longer_than_the_retries_is_given_to_temporal_at_once() -> None:
    tried: list[float] = []

    async def call() -> None:
        tried.append(time.monotonic())
        raise trouble(LONGEST_RETRY_SECONDS + 1)

    with pytest.raises(PlatformUnavailable):
        await with_retries(call)
    assert len(tried) == 1


# --- on the way to the platform


def test_uploads_that_fail_are_tried_again_alone(door: Door, province: Province) -> None:
    """One in thirty calls fails: the order is one attempt, and what went well isn't sent again."""
    office = Office(province)
    flow_no, numbers = office.ended(lines(40))
    with_photos(office, *numbers)
    province.platform.ask("PUT", "/faults", {"rates": {"5xx": 0.03}})
    door.seen.clear()
    before = province.platform.ask("GET", "/faults")["counts"].get("5xx", 0)
    order_no = office.enter_order("evidence", flow_no)
    done = office.order_done(order_no)
    failed = province.platform.ask("GET", "/faults")["counts"].get("5xx", 0) - before
    province.platform.ask("PUT", "/faults", {"rates": {}})
    assert done["done_count"] == len(sent(province, flow_no)) == 40
    assert failed > 0
    assert sum(uploads(door).values()) <= 40 * PHOTOS_A_LINE + failed
    assert attempts(province, f"evidence/{order_no}")["send_evidence"] == 1


def test_a_photo_in_lasting_trouble_holds_up_nobody_but_its_line(door: Door, province: Province) -> None:
    office = Office(province)
    flow_no, numbers = office.ended(lines(EVIDENCE_LIMIT + 2))
    with_photos(office, *numbers)
    [(digest,)] = province.rows(
        "SELECT f.sha256 FROM application_photo p JOIN stored_file f ON f.id = p.file_id JOIN application a"
        " ON a.id = p.application_id WHERE a.application_no = :no AND p.kind = 'portrait'",
        no=numbers[0],
    )
    door.seen.clear()
    door.refuse(f"{UPLOAD}{digest}", 503, "UNAVAILABLE")
    order_no = office.enter_order("evidence", flow_no)
    missing = "SELECT count(*) FROM application_photo p JOIN stored_file f ON f.id = p.file_id WHERE platform_file_id"
    province.until("every other photo", f"{missing} IS NULL", 1, 60)
    done = "SELECT count(*) FROM order_line WHERE done"
    province.until("every other line", done, EVIDENCE_LIMIT + 1, 60)
    assert len(sent(province, flow_no)) == EVIDENCE_LIMIT + 1
    door.let_through()
    assert office.order_done(order_no)["done_count"] == EVIDENCE_LIMIT + 2
    assert len(sent(province, flow_no)) == EVIDENCE_LIMIT + 2
    assert Counter(uploads(door).values())[1] == len(uploads(door)) - 1


def test_a_list_that_fails_is_fetched_again_alone(door: Door, province: Province) -> None:
    office = Office(province)
    door.refuse("GET /v1/counties/.*/towns", 500, "INTERNAL", times=2)
    run = f"catalog-refresh/{office.operator.post('/catalog-refreshes', {'fund_year': 2026})['number']}"
    province.until("fetched", "SELECT closed_at IS NOT NULL FROM run WHERE workflow_id = :id", True, id=run)
    asked = Counter(request.rpartition("/")[2] for _, request in door.seen)
    assert asked.pop("towns") == 3
    assert set(asked.values()) == {1}
    assert len(asked) == 6
    assert attempts(province, run)["refresh_catalogs"] == 1


@pytest.mark.helped  # its run is ended by hand, and started again by the watch
@pytest.mark.parametrize("province", [{"watch_seconds": 0.5}], indirect=True)
def test_a_refresh_that_begins_again_fetches_only_what_is_missing(door: Door, province: Province) -> None:
    office = Office(province)
    door.refuse("GET /v1/counties/.*/towns", 500, "INTERNAL")
    run = f"catalog-refresh/{office.operator.post('/catalog-refreshes', {'fund_year': 2026})['number']}"
    province.until("the others here", "SELECT count(*) FROM catalog_fetched", 6)
    province.portal.call(province.temporal.get_workflow_handle(run).terminate)
    province.until("restarted", "SELECT restarts FROM run WHERE workflow_id = :id", 1, id=run)
    door.let_through()
    province.until("fetched", "SELECT closed_at IS NOT NULL FROM run WHERE workflow_id = :id", True, id=run)
    asked = Counter(request.rpartition("/")[2] for _, request in door.seen)
    assert asked.pop("towns") > 1
    assert (set(asked.values()), len(asked)) == ({1}, 6)
    kinds = "SELECT count(*) FROM catalog_list WHERE county_code = :county AND fetched_at > :since"
    since = province.rows("SELECT opened_at FROM run WHERE workflow_id = :id", id=run)[0][0]
    assert province.rows(kinds, county=office.code, since=since) == [(7,)]
    assert province.rows("SELECT count(*) FROM catalog_fetched") == [(0,)]


def test_one_429_pauses_the_uploads_beside_it(door: Door, province: Province) -> None:
    office = Office(province)
    flow_no, numbers = office.ended(lines(8))
    with_photos(office, *numbers)
    door.seen.clear()
    door.refuse(UPLOAD, 429, "RATE_LIMITED", times=1, retry_after=f"{WANTED:.0f}")
    order_no = office.enter_order("evidence", flow_no)
    assert office.order_done(order_no)["done_count"] == 8
    # what was on its way when it was said comes within the moment; then nothing for as long as was wanted
    assert max(gaps(door.times("/v1/"))) >= WANTED * 0.9
    assert len(door.times(UPLOAD)) == 8 * PHOTOS_A_LINE + 1
    assert attempts(province, f"evidence/{order_no}")["send_evidence"] == 1


def test_a_bank_that_fails_within_the_runs_own_turn_is_left_alone_as_long_as_it_wants(
    door: Door, province: Province
) -> None:
    office = CardOffice(province)
    mei = office.citizen(1)
    office.settle(mei)
    door.refuse("POST /v1/accounts/verify$", 503, "UNAVAILABLE", times=1, retry_after=f"{WANTED:.0f}")
    office.in_review(mei, office.new)
    [gap] = gaps(door.times("POST /v1/accounts/verify$"))
    assert gap >= WANTED * 0.95


@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_news_doesnt_make_a_platform_that_gave_no_answer_be_asked_earlier(door: Door, province: Province) -> None:
    """Three tries, each after the Retry-After of the last, then a minute's rest; meanwhile something else arrives."""
    office, question = Office(province), "GET /v1/datasets/[^/]*$"
    province.platform.hold("verification")
    batch_no, _ = office.batched(lines(1))
    door.refuse(question, 503, "UNAVAILABLE", retry_after="1")
    run = str(office.operator.post(f"/batches/{batch_no}/verifications", {})["run"]["workflow_id"])
    province.until("handed over", "SELECT stage FROM dataset", "under_review")
    province.wait("a rest", lambda: rests(province, run), lambda seen: seen["rests"] == 1)
    asked = door.times(question)
    assert min(gaps(asked)) >= 0.95
    province.wake(run, Signal.LINES_CHANGED, ["K1"])
    province.wait("looked, and rests again", lambda: rests(province, run), lambda seen: seen["rests"] == 2)
    assert door.times(question) == asked


def rests(province: Province, run: str) -> Json:
    """How often the run has begun to leave the platform alone, or was asked of and went on doing so."""
    events = province.portal.call(province.temporal.get_workflow_handle(run).fetch_history).events
    timers = [event.timer_started_event_attributes.start_to_fire_timeout.seconds for event in events]
    return {"rests": sum(seconds > 30 for seconds in timers)}

"""A run that ends: what was asked of it at that moment isn't buried; a cancellation in Temporal UI ends it at once."""

import asyncio
from collections.abc import Callable

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

from models.contracts import RunKind, Subject
from models.store.runs.runs import close_run, open_run, times_asked
from tests.card_office import CardOffice
from tests.citizens import Someone, bank_knows
from tests.county_office import YEAR, Office
from tests.platform_door import Door
from tests.province import Province
from tests.test_entries import enter, seen
from tests.test_entries import office as village_office
from tests.test_logins import browser

pytest_plugins = ["tests.province_fixtures"]
# Nobody finds later what was lost.
ALONE = {"watch_seconds": 3_600}
ASKING = ALONE | {"platform_first_ask_seconds": 0.2, "platform_ask_seconds": 0.2}
DEADLINE = 20


def refresh(office: Office) -> str:
    answer = office.operator.post("/catalog-refreshes", {"fund_year": YEAR})
    return f"catalog-refresh/{answer['number']}"


def closed(province: Province, run: str) -> None:
    province.until("run closed", "SELECT closed_at IS NOT NULL FROM run WHERE workflow_id = :id", True, id=run)


def delivered(province: Province) -> None:
    province.until("signals delivered", "SELECT count(*) FROM outbox WHERE delivered_at IS NULL", 0)


@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_a_refresh_asked_for_while_the_last_one_is_fetched_is_fetched_too(door: Door, province: Province) -> None:
    office = Office(province)
    with door.holding("GET /v1/banks") as came:
        run = refresh(office)
        assert came.wait(DEADLINE)
        assert refresh(office) == run
        delivered(province)
    closed(province, run)
    assert len(door.times("GET /v1/banks")) == 2
    assert province.rows("SELECT restarts FROM run") == [(0,)]


@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_a_refresh_asked_for_while_the_last_one_closes_is_fetched_too(door: Door, province: Province) -> None:
    """All lists are fetched, the transaction that closes the run waits for a row: now it is asked for again."""
    office = Office(province)
    closed(province, refresh(office))
    with province.holding("SELECT 1 FROM catalog_list FOR UPDATE"):
        refresh(office)
        waits = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted"
        province.until("the closing waits", f"{waits} AND a.datname = current_database()", 1)
        refresh(office)
        delivered(province)
    province.until("fetched again", "SELECT count(*) FROM run WHERE closed_at IS NULL", 0)
    assert len(door.times("GET /v1/banks")) == 3


def test_an_end_doesnt_bury_what_the_run_was_opened_for_meanwhile(province: Province) -> None:
    subject = Subject(kind=RunKind.PAYMENT_CORRECTION, number="K-1", county_code=province.county_code())

    async def overtaken() -> tuple[bool, bool]:
        async with province.database.transaction() as session:
            await open_run(session, subject)
        async with province.database.transaction() as looking:
            asked = await times_asked(looking, subject.workflow_id)
            async with province.database.transaction() as session:
                await open_run(session, subject)
            first = await close_run(looking, subject.workflow_id, "done", asked)
        async with province.database.transaction() as looking:
            asked = await times_asked(looking, subject.workflow_id)
            return first, await close_run(looking, subject.workflow_id, "done", asked)

    assert province.portal.call(overtaken) == (False, True)


# --- cancelled in Temporal UI while the platform is being asked


def cancelled(province: Province, door: Door, run: str, request: str, act: Callable[[], object]) -> None:
    """While an activity of the run waits for the platform's answer to what the act leads to."""
    with door.holding(request) as came:
        act()
        assert came.wait(DEADLINE)
        handle = province.temporal.get_workflow_handle(run)
        province.portal.call(handle.cancel)
        with pytest.raises(WorkflowFailureError):
            province.portal.call(lambda: asyncio.wait_for(handle.result(), DEADLINE))
        described = province.portal.call(handle.describe)
        assert described.status is WorkflowExecutionStatus.CANCELED
        history = province.portal.call(handle.fetch_history)
        kinds = [event.event_type for event in history.events]
        assert EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED in kinds


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_result_that_is_being_asked_for(door: Door, province: Province) -> None:
    office = CardOffice(province)
    mei = office.citizen(1)
    office.settle(mei)
    province.platform.hold("account_change")
    request_no = office.in_review(mei, office.new)
    run = f"card-change/{request_no}"
    cancelled(province, door, run, "GET /v1/account-changes/", lambda: office.decide(request_no))


@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_a_part_that_is_being_handed_over(door: Door, province: Province) -> None:
    office = CardOffice(province)
    mei = office.citizen(1)
    office.settle(mei)
    request_no = office.in_review(mei, office.new)
    run = f"card-change/{request_no}"
    cancelled(province, door, run, "POST /v1/account-changes", lambda: office.decide(request_no))


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_face_that_is_being_asked_about(door: Door, province: Province) -> None:
    with browser(province) as one:
        login = one.ask_to_sign_in("pc")
        run = f"face-login/{login['login_no']}"
        cancelled(province, door, run, "GET /v1/identity/face-sessions/", lambda: None)


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_an_entry_that_is_being_asked_about(door: Door, province: Province) -> None:
    county, mei = village_office(province), Someone(7_001)
    bank_knows(province, mei.new_card, mei)
    province.platform.hold("account_change")
    number = enter(county, mei)
    seen(province, county, number, "entered")
    confirmed = f"/village-entries/{number}/confirmation"
    run = f"village-entry/{number}"
    cancelled(province, door, run, "GET /v1/account-changes/", lambda: county.reviewer.post(confirmed, {}))

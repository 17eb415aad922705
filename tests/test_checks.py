"""Account checks: rounds page by page, each account once, by hand and by schedule, through restarts."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import ScheduleDescription, ScheduleHandle, ScheduleOverlapPolicy

from deploy.demo.people import County, Json, Refused
from deploy.stack import Stack
from models.store.database import ENGINE_OPTIONS, Database
from models.store.sql import Value, copy_rows
from models.store.vault import Field, LocalVault, Vault, name_index
from models.tables.base import now
from models.words.stages import AccountStatus
from tests.citizens import Someone, account_held, account_is, bank_knows, browser_of, form, index_of, matter_when
from tests.province import Province
from tests.whole_stack import QUICK, Whole, opened
from workflows.client import connect
from workflows.schedules import account_checks, keep_schedule, schedule_id

pytest_plugins = ["tests.province_fixtures"]
BANK = "ICBC"
# The banks remember everybody: each test has its own people.
_places = count(3_000, 10_000)


@pytest.fixture
def first() -> int:
    return next(_places)


def people(first: int, number: int) -> list[Someone]:
    return [Someone(first + place) for place in range(number)]


def held(province: Province, county: str, person: Someone, status: str | None = "open") -> None:
    """In the county's register, and at the bank in this state; None: the bank knows nothing of it."""
    account_held(province, person, county, bank=BANK)
    if status is not None:
        bank_knows(province, person.old_card, person, status, bank=BANK)


def check(county: County, **what: object) -> str:
    return str(county.operator.post("/account-checks", what or {"county": county.code})["round_no"])


def checked(province: Province, county: County, **what: object) -> Json:
    return finished(province, county, check(county, **what))


def finished(province: Province, county: County, round_no: str, seconds: float = 40) -> Json:
    return province.wait(
        f"round {round_no}",
        lambda: county.reviewer.get(f"/account-checks/{round_no}"),
        lambda shown: shown["stage"] == "done",
        seconds,
    )


def status_of(province: Province, person: Someone, county: str) -> str:
    statement = "SELECT status FROM register_account WHERE person_index = :person AND county_code = :county"
    return str(province.rows(statement, person=index_of(province, person), county=county)[0][0])


def account_id(province: Province, person: Someone, county: str) -> int:
    statement = "SELECT id FROM register_account WHERE person_index = :person AND county_code = :county"
    return int(province.rows(statement, person=index_of(province, person), county=county)[0][0])


def notices(province: Province, person: Someone) -> list[str]:
    index = index_of(province, person)
    return [row[0] for row in province.rows("SELECT kind FROM notice WHERE person_index = :p ORDER BY id", p=index)]


def asked(vault: Vault, rows: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """The accounts in each page that went to the bank."""
    pages = [json.loads(vault.open_body(key, body)) for key, body in rows]
    return [[account["account_no"] for account in page["accounts"]] for page in pages]


def pages_of(province: Province, round_no: str) -> list[list[str]]:
    statement = "SELECT key, body FROM instruction WHERE key LIKE :round ORDER BY intended_at"
    return asked(province.vault, province.rows(statement, round=f"{round_no}/p%"))


# --- by hand


def test_a_round_finds_every_bad_account_and_every_good_one(province: Province, first: int) -> None:
    county = province.county()
    good, frozen, closed, other_kind, unknown, foreign, again = people(first, 7)
    for person, status in ((good, "open"), (frozen, "frozen"), (closed, "closed"), (other_kind, "not_subsidy")):
        held(province, county.code, person, status)
    held(province, county.code, unknown, None)
    account_held(province, foreign, county.code, bank=BANK)
    bank_knows(province, foreign.old_card, Someone(first + 99, "吴勇"), bank=BANK)
    held(province, county.code, again)
    account_is(province, again, county.code, AccountStatus.INVALID)
    round_no = check(county)
    done = finished(province, county, round_no)
    assert (done["checked"], done["trigger_label"], done["scope"]) == (7, "手动", "本区县")
    assert done["figures"] == {
        "valid": 2,
        "account_frozen": 1,
        "account_closed": 1,
        "not_a_subsidy_account": 1,
        "account_not_found": 1,
        "name_mismatch": 1,
        "invalidated": 3,
        "cleared": 2,
        "valid_again": 1,
    }
    expected = {
        good: ("valid", []),
        frozen: ("invalid", ["invalidated"]),
        closed: ("cleared", ["cleared"]),
        other_kind: ("invalid", ["invalidated"]),
        unknown: ("cleared", ["cleared"]),
        foreign: ("invalid", ["invalidated"]),
        again: ("valid", ["valid_again"]),
    }
    found = {person: (status_of(province, person, county.code), notices(province, person)) for person in expected}
    assert found == expected
    assert {one["account_id"] for one in done["failed"]} == {
        account_id(province, person, county.code) for person, (status, _) in expected.items() if status != "valid"
    }
    shown = county.reviewer.get(f"/register/{account_id(province, frozen, county.code)}")
    assert [(one["round_no"], one["valid"], one["reason"]) for one in shown["checks"]] == [
        (round_no, False, "账户已冻结")
    ]
    assert (shown["history"][0]["source"], shown["history"][0]["new_status_label"]) == ("账号核验", "无效")
    assert shown["history"][0]["actor"] == f"operator-{county.code}"
    assert (shown["reason"], shown["history"][0]["reason"]) == ("账户已冻结", "账户已冻结")
    assert shown["since"] == shown["history"][0]["as_of"] is not None


def test_the_next_round_tells_nothing_twice_and_leaves_cleared_ones_alone(province: Province, first: int) -> None:
    county = province.county()
    frozen, closed = people(first, 2)
    held(province, county.code, frozen, "frozen")
    held(province, county.code, closed, "closed")
    checked(province, county)
    again = checked(province, county)
    assert (again["checked"], again["figures"]) == (1, {"account_frozen": 1})
    assert (notices(province, frozen), notices(province, closed)) == (["invalidated"], ["cleared"])
    bank_knows(province, frozen.old_card, frozen, "open", bank=BANK)
    assert checked(province, county)["figures"] == {"valid": 1, "valid_again": 1}
    assert (status_of(province, frozen, county.code), notices(province, frozen)) == (
        "valid",
        ["invalidated", "valid_again"],
    )


def test_one_account_is_checked_alone(province: Province, first: int) -> None:
    county = province.county()
    one, other = people(first, 2)
    for person in (one, other):
        held(province, county.code, person, "frozen")
    done = checked(province, county, account_id=account_id(province, one, county.code))
    assert (done["checked"], done["scope"]) == (1, "一个账号")
    assert pages_of(province, done["round_no"]) == [[one.old_card]]
    assert (status_of(province, one, county.code), status_of(province, other, county.code)) == ("invalid", "valid")


def test_what_is_no_account_of_the_county_is_not_checked(province: Province, first: int) -> None:
    county, second = province.county(), province.county(2)
    (person,) = people(first, 1)
    held(province, second.code, person)
    account_is(province, person, second.code, AccountStatus.CLEARED)
    foreign = account_id(province, person, second.code)
    requests: list[tuple[County, Json, int, str]] = [
        (county, {"account_id": foreign}, 404, "NOT_FOUND"),
        (second, {"account_id": foreign}, 409, "ACCOUNT_CLEARED"),
        (county, {"county": second.code}, 422, "VALIDATION_FAILED"),
        (county, {}, 422, "VALIDATION_FAILED"),
        (county, {"county": county.code, "account_id": foreign}, 422, "VALIDATION_FAILED"),
    ]
    for asking, wish, status, code in requests:
        with pytest.raises(Refused) as said:
            asking.operator.post("/account-checks", wish)
        assert (said.value.status, said.value.problem["code"]) == (status, code)
    assert province.rows("SELECT 1 FROM check_round") == []


def test_a_round_of_a_county_without_accounts_is_done_at_once(province: Province) -> None:
    done = checked(province, province.county())
    assert (done["checked"], done["pages"], done["figures"]) == (0, 0, {})


# --- pages


def test_pages_of_500_hold_every_account_once(province: Province, first: int) -> None:
    county = province.county()
    crowd = people(first, 1_150)
    put_crowd(province, county.code, crowd)
    content = bank_file(crowd, {7: "frozen", 600: "closed"})
    province.platform.ask("POST", "/bank-accounts", content=content)
    done = checked(province, county)
    pages = pages_of(province, done["round_no"])
    assert [len(page) for page in pages] == [500, 500, 150]
    assert Counter(account for page in pages for account in page) == Counter(one.old_card for one in crowd)
    assert (done["checked"], done["pages"]) == (1_150, 3)
    assert done["figures"] == {"valid": 1_148, "account_frozen": 1, "account_closed": 1, "invalidated": 1, "cleared": 1}


def test_the_account_that_makes_the_platform_refuse_a_page_is_found(province: Province, first: int) -> None:
    """The contract's texts end somewhere: a page with a longer one is refused as a whole."""
    county = province.county()
    crowd = people(first, 9)
    for person in crowd[:8]:
        held(province, county.code, person, "frozen" if person is crowd[5] else "open")
    account_held(province, Someone(crowd[8].place, "梅" * 250), county.code, bank=BANK)
    done = checked(province, county)
    assert (done["checked"], done["figures"]) == (9, {"valid": 7, "account_frozen": 1, "invalidated": 1, "other": 1})
    assert status_of(province, crowd[8], county.code) == "valid"


def test_an_account_that_can_not_be_read_is_named_and_holds_nobody_up(province: Province, first: int) -> None:
    county = province.county()
    good, broken, closed = people(first, 3)
    for person, status in ((good, "open"), (broken, "open"), (closed, "closed")):
        held(province, county.code, person, status)
    place = account_id(province, broken, county.code)
    province.change("UPDATE register_account SET name_sealed = 'k1.AAAA' WHERE id = :id", id=place)
    round_no = check(county)
    done = finished(province, county, round_no)
    assert (done["checked"], done["figures"]["valid"], done["figures"]["UNREADABLE"]) == (3, 1, 1)
    told = {one["account_id"]: one["reason"] for one in done["failed"]}
    assert told[place] == "登记的内容无法读取，未能核验"
    status = "SELECT status FROM register_account WHERE id = :id"
    assert province.rows(status, id=place) == [("valid",)]


def test_an_account_in_two_counties_is_asked_about_once(province: Province, first: int) -> None:
    county, second = province.county(), province.county(2)
    person, alone = people(first, 2)
    for place in (county, second):
        held(province, place.code, person, "frozen")
    held(province, second.code, alone)
    with scheduled(province) as schedule:
        province.portal.call(schedule.trigger)
        round_no = provincial_round(province)
        finished(province, county, round_no)
    assert sorted(pages_of(province, round_no)[0]) == sorted([person.old_card, alone.old_card])
    assert [status_of(province, person, place.code) for place in (county, second)] == ["invalid", "invalid"]
    assert province.rows("SELECT count(*) FROM account_check") == [(3,)]


def test_an_account_changed_while_the_bank_was_asked_is_asked_about_anew(province: Province, first: int) -> None:
    county = province.county()
    (person,) = people(first, 1)
    held(province, county.code, person, "frozen")
    bank_knows(province, person.new_card, person, bank=BANK)
    province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 1.5})
    try:
        round_no = check(county)
        asked_about = "SELECT count(*) FROM instruction WHERE key LIKE :round"
        province.until("asked", asked_about, 1, round=f"{round_no}/p%")
        account_held(province, person, county.code, person.new_card, bank=BANK)
    finally:
        province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 0})
    done = finished(province, county, round_no)
    assert pages_of(province, round_no) == [[person.old_card], [person.new_card]]
    assert (done["checked"], done["figures"]) == (1, {"valid": 1})
    assert (status_of(province, person, county.code), notices(province, person)) == ("valid", [])


def test_an_answer_that_was_lost_on_the_way_is_not_asked_for_twice(province: Province, first: int) -> None:
    county = province.county()
    (person,) = people(first, 1)
    held(province, county.code, person, "frozen")
    province.platform.next_fault("half_json", "verifyAccounts")
    done = checked(province, county)
    assert (done["checked"], pages_of(province, done["round_no"])) == (1, [[person.old_card]])
    assert notices(province, person) == ["invalidated"]


def test_two_rounds_of_one_county_dont_walk_side_by_side(province: Province, first: int) -> None:
    county = province.county()
    (person,) = people(first, 1)
    held(province, county.code, person)
    province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 1})
    try:
        round_no = check(county)
        with pytest.raises(Refused) as said:
            check(county)
    finally:
        province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 0})
    assert said.value.problem["code"] == "CHECK_UNDER_WAY"
    assert round_no in said.value.problem["detail"]
    finished(province, county, round_no)
    assert check(county) != round_no


# --- in the middle of a change, and what the platform found by itself


def test_a_check_that_finds_the_old_card_gone_ends_the_change_under_way(province: Province, first: int) -> None:
    county = province.county()
    (person,) = people(first, 1)
    held(province, county.code, person)
    bank_knows(province, person.new_card, person, bank=BANK)
    with browser_of(province, person) as mine:
        number = mine.post("/citizen/card-changes", form([county.code], person.new_card))["request_no"]
        matter_when(mine, number, "in_review")
        bank_knows(province, person.old_card, person, "closed", bank=BANK)
        checked(province, county)
        assert matter_when(mine, number, "failed", "in_review")["result"] == "failed"
    assert status_of(province, person, county.code) == "cleared"
    assert province.rows("SELECT count(*) FROM account_lock WHERE ended_at IS NULL") == [(0,)]


def invalidate(province: Province, person: Someone, county: str, reason: str) -> None:
    wish = {"county_code": county, "id_number": person.id_number, "bank_code": BANK, "account_no": person.old_card}
    province.platform.ask("POST", "/invalidate", wish | {"trigger": "manual", "reason_code": reason})


def test_a_round_fetches_what_the_platform_invalidated_and_no_event_told(province: Province, first: int) -> None:
    county = province.county()
    frozen, closed = people(first, 2)
    for person in (frozen, closed):
        held(province, county.code, person)
    province.platform.lose("account.invalidated")
    invalidate(province, frozen, county.code, "account_frozen")
    invalidate(province, closed, county.code, "account_closed")
    checked(province, county)
    assert [status_of(province, person, county.code) for person in (frozen, closed)] == ["invalid", "cleared"]
    assert (notices(province, frozen), notices(province, closed)) == (["invalidated"], ["cleared"])
    [(source,)] = province.rows(
        "SELECT DISTINCT source FROM register_change WHERE new_status IN ('invalid', 'cleared')"
    )
    assert source == "平台通知"
    [(since,)] = province.rows("SELECT since FROM invalidation_cursor")
    assert since > datetime.now(UTC) - timedelta(minutes=5)
    # fetched again, and then the event after all: still told once
    province.platform.lose()
    for event in province.platform.events("account.invalidated", county.code):
        province.platform.deliver(event)
    checked(province, county)
    province.until("events applied", "SELECT count(*) FROM inbox WHERE applied_at IS NULL", 0)
    assert (notices(province, frozen), notices(province, closed)) == (["invalidated"], ["cleared"])


def test_an_old_invalidation_read_again_doesnt_undo_a_later_good_check(province: Province, first: int) -> None:
    county = province.county()
    (person,) = people(first, 1)
    held(province, county.code, person)
    invalidate(province, person, county.code, "account_frozen")
    state = "SELECT status FROM register_account WHERE person_index = :p"
    province.until("the event", state, "invalid", p=index_of(province, person))
    bank_knows(province, person.old_card, person, "open", bank=BANK)
    checked(province, county)
    checked(province, county)
    assert (status_of(province, person, county.code), notices(province, person)) == (
        "valid",
        ["invalidated", "valid_again"],
    )


# --- the Schedule


@contextmanager
def scheduled(province: Province, hours: float = 24.0) -> Iterator[ScheduleHandle]:
    code = f"{province.code}0000"
    queue = province.settings.temporal_task_queue
    province.portal.call(keep_schedule, province.temporal, schedule_id(code), account_checks(code, queue, hours))
    handle = province.temporal.get_schedule_handle(schedule_id(code))
    try:
        yield handle
    finally:
        province.portal.call(handle.delete)


def provincial_round(province: Province) -> str:
    look = "SELECT round_no FROM check_round WHERE county_code IS NULL"
    found = province.wait(
        "a round of the province",
        lambda: {"rows": [row[0] for row in province.rows(look)]},
        lambda seen: seen["rows"],
    )
    return str(found["rows"][0])


def test_the_schedule_says_everything_itself_and_is_kept_not_made_twice(province: Province) -> None:
    code, queue = f"{province.code}0000", province.settings.temporal_task_queue
    with scheduled(province, 24) as handle:
        before: ScheduleDescription = province.portal.call(handle.describe)
        policy, spec = before.schedule.policy, before.schedule.spec
        assert policy.overlap is ScheduleOverlapPolicy.SKIP
        assert policy.catchup_window == timedelta(hours=24)
        assert policy.pause_on_failure is False
        [interval] = spec.intervals
        assert (interval.every, interval.offset) == (timedelta(hours=24), timedelta(hours=18))
        assert [at.astimezone(UTC).hour for at in before.info.next_action_times[:2]] == [18, 18]
        province.portal.call(handle.pause)
        province.portal.call(keep_schedule, province.temporal, schedule_id(code), account_checks(code, queue, 6.0))
        after: ScheduleDescription = province.portal.call(handle.describe)
        assert after.schedule.spec.intervals[0].every == after.schedule.policy.catchup_window == timedelta(hours=6)
        assert after.schedule.state.paused


def test_a_tick_walks_the_province_and_the_next_one_is_skipped_meanwhile(province: Province, first: int) -> None:
    county, second = province.county(), province.county(2)
    one, other = people(first, 2)
    held(province, county.code, one, "frozen")
    held(province, second.code, other, "closed")
    province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 1})
    with scheduled(province) as handle:
        province.portal.call(handle.trigger)
        round_no = provincial_round(province)
        province.portal.call(partial(handle.trigger, overlap=ScheduleOverlapPolicy.SKIP))
        province.portal.call(partial(handle.trigger, overlap=ScheduleOverlapPolicy.ALLOW_ALL))
        province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 0})
        done = finished(province, county, round_no)
        told: ScheduleDescription = province.portal.call(handle.describe)
    assert round_no.startswith(f"{province.code}0000-H-")
    assert (done["scope"], done["trigger_label"], done["checked"]) == ("全省", "定时", 2)
    assert [status_of(province, one, county.code), status_of(province, other, second.code)] == ["invalid", "cleared"]
    # of the whole province a county sees its own accounts only
    assert (done["figures"], [each["account_id"] for each in done["failed"]]) == (
        {},
        [account_id(province, one, county.code)],
    )
    assert told.info.num_actions_skipped_overlap == 1
    assert province.rows("SELECT count(*) FROM check_round") == [(1,)]
    assert [one["round_no"] for one in second.reviewer.get("/account-checks")["items"]] == [round_no]
    [run] = province.rows("SELECT workflow_id, closed_at IS NOT NULL FROM run")
    assert run == (f"account-check/{round_no}", True)


# --- restarts


@pytest.mark.helped
@pytest.mark.parametrize("province", [{"watch_seconds": 1}], indirect=True)
def test_a_scheduled_round_that_was_terminated_goes_on_as_the_same_round(province: Province, first: int) -> None:
    county = province.county()
    crowd = people(first, 700)
    put_crowd(province, county.code, crowd)
    province.platform.ask("POST", "/bank-accounts", content=bank_file(crowd, {699: "frozen"}))
    province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 1.5})
    with scheduled(province) as handle:
        province.portal.call(handle.trigger)
        round_no = provincial_round(province)
        province.until("page 2", "SELECT pages FROM check_round", 1)
        province.portal.call(province.temporal.get_workflow_handle(f"account-check/{round_no}").terminate)
        province.platform.ask("PUT", "/settings", {"answer_delay_seconds": 0})
        done = finished(province, county, round_no)
    assert (done["checked"], [each["account_id"] for each in done["failed"]]) == (
        700,
        [account_id(province, crowd[699], county.code)],
    )
    assert Counter(account for page in pages_of(province, round_no) for account in page) == Counter(
        one.old_card for one in crowd
    )
    assert province.rows("SELECT restarts, closed_at IS NOT NULL FROM run") == [(1, True)]


SHARE, PAGES = 500, 4


async def test_a_round_survives_the_death_of_everything_and_asks_about_no_account_twice(
    stack_factory: Callable[..., Stack],
) -> None:
    stack = await asyncio.to_thread(partial(stack_factory, env=QUICK, time_scale=0, seed=5))
    crowd = people(next(_places), SHARE * PAGES)
    vault = LocalVault.from_file(_vault_key(stack))
    with opened(stack) as whole:
        code = "500001"
        await asyncio.to_thread(whole.until, "the schedule", partial(_has_schedule, stack))
        await _fill(stack, vault, code, crowd)
        content = bank_file(crowd, dict.fromkeys(range(0, len(crowd), 100), "frozen"))
        await asyncio.to_thread(_banks, stack, content)
        await asyncio.to_thread(whole.platform, "PUT", "/settings", {"answer_delay_seconds": 2})
        round_no = await asyncio.to_thread(check, whole.people[code])
        await asyncio.to_thread(_killed_page_by_page, whole, round_no)
        await asyncio.to_thread(whole.platform, "PUT", "/settings", {"answer_delay_seconds": 0})
        done = "SELECT checked FROM check_round WHERE round_no = %s AND stage = 'done'"
        number = await asyncio.to_thread(whole.until, "the round", lambda: whole.one(done, round_no), 120)
        assert number == len(crowd)
        statement = "SELECT key, body FROM instruction WHERE key LIKE %s ORDER BY key"
        pages = asked(vault, whole.rows(statement, f"{round_no}/p%"))
        assert Counter(account for page in pages for account in page) == Counter(one.old_card for one in crowd)
        assert whole.rows("SELECT count(*), count(DISTINCT register_account_id) FROM account_check") == [
            (len(crowd), len(crowd))
        ]
        assert whole.rows("SELECT kind, count(*) FROM notice GROUP BY 1") == [("invalidated", 20)]
        assert whole.one("SELECT count(*) FROM register_account WHERE status = 'invalid'") == 20


def _killed_page_by_page(whole: Whole, round_no: str) -> None:
    """Each time the bank has just been asked about a page, something dies."""
    for page, part in enumerate(("worker", "temporal", "simulator", "api"), start=1):
        key = f"{round_no}/p{page}"
        whole.until(key, partial(whole.one, "SELECT 1 FROM instruction WHERE key = %s", key), 90)
        whole.stack.kill(part)
        whole.stack.start(part)


def _vault_key(stack: Stack) -> Path:
    return stack.layout.vault_key


def _has_schedule(stack: Stack) -> bool:
    async def look() -> bool:
        client = await connect(stack.layout.temporal.environment)
        return bool([one.id async for one in await client.list_schedules() if one.id == schedule_id("500000")])

    return asyncio.run(look())


async def _fill(stack: Stack, vault: Vault, code: str, crowd: Sequence[Someone]) -> None:
    database = Database(create_async_engine(SecretStr(stack.layout.database_url).get_secret_value(), **ENGINE_OPTIONS))
    async with database.transaction() as session:
        rows = crowd_rows(vault, code, crowd)
        await copy_rows(session, "register_account", list(rows[0]), [list(row.values()) for row in rows])
    await database.dispose()


def _banks(stack: Stack, content: str) -> None:
    url = f"{stack.layout.simulator_url}/admin/bank-accounts"
    httpx.post(url, content=content.encode(), timeout=30, trust_env=False).raise_for_status()


# --- crowds


def crowd_rows(vault: Vault, code: str, crowd: Sequence[Someone]) -> list[dict[str, Value]]:
    rows: list[dict[str, Value]] = []
    for person in crowd:
        index = vault.index(Field.ID_NUMBER, person.id_number)
        place = f"{code}/{index}"
        rows.append(
            {
                "county_code": code,
                "person_index": index,
                "name_sealed": vault.seal(Field.NAME, place, person.name),
                "name_index": name_index(vault, person.name),
                "id_number_sealed": vault.seal(Field.ID_NUMBER, place, person.id_number),
                "bank_code": BANK,
                "account_sealed": vault.seal(Field.ACCOUNT, place, person.old_card),
                "account_index": vault.index(Field.ACCOUNT, person.old_card),
                "card_type": "bank_card",
                "status": "valid",
                "source": "申请录入",
                "updated_at": now(),
            }
        )
    return rows


def put_crowd(province: Province, code: str, crowd: Sequence[Someone]) -> None:
    rows = crowd_rows(province.vault, code, crowd)

    async def copy() -> None:
        async with province.database.transaction() as session:
            await copy_rows(session, "register_account", list(rows[0]), [list(row.values()) for row in rows])

    province.portal.call(copy)


def bank_file(crowd: Sequence[Someone], bad: dict[int, str]) -> str:
    lines = ["bank_code,account_no,card_type,holder_name,holder_id_number,status"]
    for number, one in enumerate(crowd):
        lines.append(f"{BANK},{one.old_card},bank_card,{one.name},{one.id_number},{bad.get(number, 'open')}")
    return "\n".join(lines)

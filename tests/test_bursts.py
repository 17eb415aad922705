"""A burst of callbacks while a run begins its history anew, and while it ends: each takes effect once, none is lost."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.demo.people import Json
from deploy.stack import Options, Stack
from tests.card_office import CardOffice, applied_beside_a_busy_county
from tests.conftest import STACKS
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
# So long as not even a minute's work, where Temporal itself has 4,096.
LONG_HISTORY = 12
# Nobody finds later what was lost: neither the watch nor the daily question.
ALONE = {"watch_seconds": 3_600, "platform_first_ask_seconds": 86_400, "relay_poll_seconds": 0.02}
WAITING = {"platform_first_ask_seconds": 3, "platform_ask_seconds": 3, "platform_busy_retry_seconds": 0.2}
BURST, AT_ONCE = 150, 12
# A second as a rule; beside three other files of faults it was twenty.
APPLIED_SECONDS = 90


@pytest.fixture(scope="module")
def temporal_environment() -> Iterator[Mapping[str, str]]:
    """A Temporal of this file's own, that finds a history long much earlier."""
    early = {"limit.historyCount.suggestContinueAsNew": LONG_HISTORY}
    with Stack(STACKS / f"bursts-{os.getpid()}", Options(durable=False, temporal_config=early)) as stack:
        stack.start("temporal")
        yield stack.layout.temporal.environment
    stack.remove()


@pytest.mark.parametrize("province", [ALONE], indirect=True)
def test_no_callback_of_a_burst_is_lost_when_a_run_begins_anew_or_ends(province: Province) -> None:
    office = CardOffice(province)
    mei, new = office.citizen(1), office.new
    first, second = office.counties[:2]
    office.settle(mei)
    request_no = office.in_review(mei, new, first, second)
    office.decide(request_no, True, first)
    office.at(request_no, "applied", first)
    [told] = province.platform.events("account.change.applied", f"{request_no}.{first}")
    sent = bursts_until_begun_anew(province, request_no, told["body"])
    office.decide(request_no, True, second)
    burst(province, told["body"], "end")
    assert office.ended(request_no)["result"] == "applied"
    applied(province, request_no, sent + BURST + 2)
    effects = province.rows("SELECT effect, count(*) FROM inbox GROUP BY 1 ORDER BY 2")
    print(f"{executions(province, f'card-change/{request_no}')} executions; effects {effects}")
    assert [count for _, count in effects] == [2, sent + BURST]
    assert office.register(mei, first)[0] == office.register(mei, second)[0] == new.account_no
    assert office.notices(mei).count("applied") <= 2


@pytest.mark.parametrize("province", [WAITING], indirect=True)
def test_a_county_that_is_busy_history_after_history_keeps_nobody_from_asking(province: Province) -> None:
    office = CardOffice(province)
    request_no = applied_beside_a_busy_county(office)
    assert executions(province, f"card-change/{request_no}") > 2


def bursts_until_begun_anew(province: Province, request_no: str, body: Json) -> int:
    """How many callbacks it took: a busy machine hands them over many at a time, and so in a shorter history."""
    for turn in range(1, 9):
        burst(province, body, f"while-{turn}")
        applied(province, request_no, turn * BURST + 1)
        if executions(province, f"card-change/{request_no}") > 2:
            return turn * BURST
    raise AssertionError(f"{turn * BURST} callbacks and the history was never begun anew")


def burst(province: Province, body: Json, name: str) -> None:
    """The same result under ever new ids, from many connections at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda number: province.post(body, f"evt-{name}-{number}").status_code, range(BURST))
        assert set(answers) == {204}


def applied(province: Province, number: str, count: int) -> None:
    statement = "SELECT count(*) FROM inbox WHERE number = :number AND applied_at IS NOT NULL"
    province.until("applied", statement, count, APPLIED_SECONDS, number=number)


def executions(province: Province, workflow_id: str) -> int:
    async def count() -> int:
        return len([one async for one in province.temporal.list_workflows(f"WorkflowId = '{workflow_id}'")])

    return province.portal.call(count)

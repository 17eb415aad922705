"""One whole flow in two counties at once, while worker, Temporal, platform and API are each killed in the middle."""

import asyncio
import signal
from collections.abc import Callable
from functools import partial
from typing import LiteralString

import httpx
from temporalio.api.enums.v1 import PendingWorkflowTaskState

from deploy.stack import Stack
from models.contracts import RunKind, workflow_id
from tests.county_files import CountyFile, expected, organizations_500001, personal_500001, personal_500003
from tests.whole_stack import (
    QUICK,
    Whole,
    balances,
    no_foreign_rows,
    no_personal_data_outside,
    nothing_left_over,
    opened,
    pay_whole,
    trail_holds,
)
from workflows.client import connect

BIG, SMALL = "500001", "500003"
# From when a worker is there again; by Temporal's own timeouts it would be 10 s from the decision on.
CARRIED_OUT_SECONDS = 5.0
EVIDENCE_LINES = 10
# A callback that met a dead API comes again after seconds, when the flow's end may be here already: nobody asks sooner.
UNASKED = QUICK | {"PLATFORM_MISSING_PAGE_SECONDS": "60"}


def test_a_whole_flow_survives_the_death_of_every_part(stack_factory: Callable[..., Stack]) -> None:
    people, organizations, others = personal_500001(200), organizations_500001(), personal_500003()
    with opened(stack_factory(env=UNASKED, time_scale=4 * 86_400, seed=11)) as whole:
        playing = [
            whole.begin(partial(pay_whole, whole.play(BIG), people, organizations)),
            whole.begin(partial(pay_whole, whole.play(SMALL), others)),
        ]
        _kill_worker_in_a_push(whole)
        _kill_temporal_in_a_round(whole)
        _kill_platform_while_it_pays(whole)
        _kill_api_while_callbacks_come(whole)
        whole.days_a_second(20)
        big, small = (play.result(timeout=90) for play in playing)
        balances(whole, BIG, big, expected(people, organizations))
        balances(whole, SMALL, small, expected(others))
        _decide_as_a_worker_dies(whole, others)
        evidence = whole.play(BIG)
        sent = evidence.send_evidence(big, evidence.paid_lines(big, EVIDENCE_LINES))
        assert sent["done_count"] == EVIDENCE_LINES
        nothing_left_over(whole)
        trail_holds(whole, BIG, SMALL)
        no_foreign_rows(whole, SMALL, BIG, big)
        no_foreign_rows(whole, BIG, SMALL, small)
        no_personal_data_outside(whole, big, people, organizations, others)


def _kill_worker_in_a_push(whole: Whole) -> None:
    """After the platform has taken a page and before its answer is written down: both counties push at this moment."""
    whole.until("a file taken in", lambda: whole.one("SELECT 1 FROM application_import WHERE stage = 'imported'"))
    whole.platform("PUT", "/settings", {"answer_delay_seconds": 2})
    key = whole.until(
        "a page under way",
        lambda: whole.one("SELECT key FROM instruction WHERE key LIKE '%%/p1' AND answered_at IS NULL LIMIT 1"),
    )
    whole.stack.kill("worker")
    assert whole.one("SELECT answered_at FROM instruction WHERE key = %s", key) is None
    whole.platform("PUT", "/settings", {"answer_delay_seconds": 0})
    whole.stack.start("worker")
    whole.until("the page's answer", lambda: whole.one("SELECT answered_at FROM instruction WHERE key = %s", key))


def _kill_temporal_in_a_round(whole: Whole) -> None:
    """Results that come meanwhile are taken and acknowledged; they reach the run when Temporal is back."""
    flow_no = whole.until(
        "a round handed over",
        lambda: whole.one(
            "SELECT f.flow_no FROM dataset d JOIN flow f ON f.id = d.flow_id"
            " WHERE d.county_code = %s AND d.stage = 'under_review'",
            BIG,
        ),
    )
    whole.stack.kill("temporal")
    whole.until(
        "results without Temporal",
        lambda: whole.one("SELECT 1 FROM inbox WHERE number = %s AND event_type = 'dataset.results'", flow_no),
    )
    health = httpx.get(f"{whole.stack.layout.api_url}/health", trust_env=False).json()
    assert (health["status"], health["temporal"]) == ("degraded", False)
    whole.stack.start("temporal")
    whole.until(
        "the round taken in",
        lambda: whole.one("SELECT 1 FROM inbox WHERE number = %s AND applied_at IS NOT NULL", flow_no),
    )


def _kill_platform_while_it_pays(whole: Whole) -> None:
    """A day a second from here, so that there is a middle."""
    whole.at_stage(BIG, "summary_approved", "paying")
    whole.days_a_second(1)
    whole.until("a payment page", lambda: any(flow["payment_pages"] for flow in whole.ledger(BIG)["flows"]))
    whole.stack.kill("simulator")
    whole.stack.start("simulator")


def _kill_api_while_callbacks_come(whole: Whole) -> None:
    """Stopped first, so that a callback is certainly half taken when it dies."""
    whole.stack.signal("api", signal.SIGSTOP)
    whole.until("a callback under way", lambda: whole.platform("GET", "/health")["undelivered"])
    whole.stack.kill("api")
    whole.stack.start("api")


def _decide_as_a_worker_dies(whole: Whole, file: CountyFile) -> None:
    """The next worker carries it out as soon as it is there.

    It waits neither for the queue of runs that the dead one had in memory nor for a turn that it had begun.
    """
    remembered, begun, both = (_stopped_import(whole, file) for _ in range(3))
    whole.stack.kill("worker")
    _drop(whole, remembered)
    _carried_out(whole, remembered, "worker")
    whole.stack.signal("worker", signal.SIGSTOP)
    _drop(whole, begun)
    whole.until("a turn begun and never ended", lambda: asyncio.run(_turn_begun(whole, begun)))
    whole.stack.kill("worker")
    _carried_out(whole, begun, "worker")
    whole.stack.kill("worker")
    whole.stack.kill("api")
    whole.stack.start("worker", "api")
    _drop(whole, both)
    _carried_out(whole, both)


def _stopped_import(whole: Whole, file: CountyFile) -> str:
    """The same file once more waits for an operator's word."""
    play = whole.play(SMALL)
    number = play.hand_in(play.open_batch("再来一次"), file.name, file.data, file.kind)
    path = f"/application-imports/{number}"
    play.county.operator.wait("待确认", path, lambda seen: seen["stage"] == "to_confirm")
    return number


def _drop(whole: Whole, number: str) -> None:
    whole.people[SMALL].operator.post(f"/application-imports/{number}/refusal", {"reason": "重复导入"})


def _carried_out(whole: Whole, number: str, *parts: str) -> None:
    whole.stack.start(*parts)
    run = workflow_id(RunKind.APPLICATION_IMPORT, number)
    closed: LiteralString = "SELECT closed_at FROM run WHERE workflow_id = %s"
    whole.until("the decision carried out", lambda: whole.one(closed, run), seconds=CARRIED_OUT_SECONDS)


async def _turn_begun(whole: Whole, number: str) -> bool:
    client = await connect(whole.stack.layout.temporal.environment)
    run = client.get_workflow_handle(workflow_id(RunKind.APPLICATION_IMPORT, number))
    turn = (await run.describe()).raw_description.pending_workflow_task
    return turn.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED

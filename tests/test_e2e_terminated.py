"""A flow's run is terminated, cancelled, reset, and Temporal's database emptied: the flow goes on."""

import asyncio
from collections.abc import Callable
from functools import partial

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from deploy.stack import Stack, temporal
from models.contracts import RunKind, workflow_id
from tests.county_files import expected, personal_500003
from tests.whole_stack import QUICK, Whole, balances, nothing_left_over, opened, pay_whole, trail_holds
from workflows.client import connect

COUNTY = "500003"
Handle = WorkflowHandle[object, object]
# A run that just changed its stage is on its way; then the watch looks every second.
NOTICED_WITHIN_S = 30.0


async def test_whatever_is_done_to_its_run_a_flow_goes_on(stack_factory: Callable[..., Stack]) -> None:
    file = personal_500003()
    stack = await asyncio.to_thread(partial(stack_factory, env=QUICK, time_scale=5 * 86_400, seed=12))
    with opened(stack) as whole:
        # Rounds, summaries and their results wait for a person, so that each thing is done to a waiting run.
        _person_decides(whole, "application_submission", "summary")
        playing = whole.begin(partial(pay_whole, whole.play(COUNTY), file))
        flow_no = await asyncio.to_thread(_round_handed_over, whole)
        run = workflow_id(RunKind.SUBSIDY_FLOW, flow_no)
        whole.ended_runs.add(run)

        await _terminated(whole, run)
        _person_decides(whole, "summary")
        await asyncio.to_thread(whole.at_stage, COUNTY, "summary_submitted")
        await _cancelled(whole, run)
        whole.days_a_second(0.5)
        _person_decides(whole)
        await asyncio.to_thread(_confirmed_there, whole)
        await _reset(whole, run)
        await asyncio.to_thread(_emptied, whole, run)
        whole.days_a_second(20)

        assert await asyncio.to_thread(playing.result, 120) == flow_no
        await asyncio.to_thread(balances, whole, COUNTY, flow_no, expected(file))
        await asyncio.to_thread(nothing_left_over, whole)
        _recorded(whole, run, flow_no)


def _person_decides(whole: Whole, *kinds: str) -> None:
    whole.platform("PUT", "/settings", {"clerk": dict.fromkeys(kinds, "person")})


def _round_handed_over(whole: Whole) -> str:
    found: str = whole.until(
        "a round handed over",
        lambda: whole.one(
            "SELECT f.flow_no FROM dataset d JOIN flow f ON f.id = d.flow_id WHERE d.stage = 'under_review'"
        ),
    )
    return found


def _confirmed_there(whole: Whole) -> None:
    """The flow is 发放中 with the act; what may not go out twice is out a moment later."""
    whole.until("a confirmation at the platform", lambda: whole.one("SELECT 1 FROM summary WHERE stage = 'confirmed'"))


async def _handle(whole: Whole, run: str) -> Handle:
    client = await connect(whole.stack.layout.temporal.environment)
    return client.get_workflow_handle(run)


async def _terminated(whole: Whole, run: str) -> None:
    handle = await _handle(whole, run)
    first = (await handle.describe()).run_id
    await handle.terminate("by hand")
    await asyncio.to_thread(_restarted, whole, run, 1)
    again = await handle.describe()
    assert again.status is WorkflowExecutionStatus.RUNNING
    assert again.run_id != first


async def _cancelled(whole: Whole, run: str) -> None:
    await (await _handle(whole, run)).cancel()
    await asyncio.to_thread(_restarted, whole, run, 2)


async def _reset(whole: Whole, run: str) -> None:
    """To its very first step: it does everything again from the top, and nothing of it twice."""
    handle = await _handle(whole, run)
    history = await handle.fetch_history()
    first = next(
        event.event_id for event in history.events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    described = await handle.describe()
    answer = await handle._client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=temporal.NAMESPACE,
            workflow_execution=WorkflowExecution(workflow_id=run, run_id=described.run_id),
            reason="by hand",
            workflow_task_finish_event_id=first,
            request_id="reset-once",
        )
    )
    again = await handle.describe()
    assert (again.run_id, again.status) == (answer.run_id, WorkflowExecutionStatus.RUNNING)


def _emptied(whole: Whole, run: str) -> None:
    whole.stack.stop("temporal")
    whole.stack.layout.temporal_store.forget()
    whole.stack.start("temporal")
    _restarted(whole, run, 3)


def _restarted(whole: Whole, run: str, times: int) -> None:
    whole.until(f"restart {times}", lambda: whole.restarts(run) == times, seconds=NOTICED_WITHIN_S)
    whole.until(
        "its start delivered",
        lambda: whole.one("SELECT 1 FROM outbox WHERE workflow_id = %s HAVING bool_and(delivered_at IS NOT NULL)", run),
    )


def _recorded(whole: Whole, run: str, flow_no: str) -> None:
    entries = whole.people[COUNTY].reviewer.pages("/trail", subject=flow_no, act="run_restarted")
    assert sorted(entry["detail"]["restarts"] for entry in entries if entry["detail"]["workflow_id"] == run) == [
        1,
        2,
        3,
    ]
    assert {entry["actor"] for entry in entries} == {"system"}
    trail_holds(whole, COUNTY)

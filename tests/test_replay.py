"""Code that would not replay what runs today fails here; recorded anew by `python -m tests.record_histories`."""

import gc
import json
import re
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import RemoveFromCache, WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from activities.flows import FlowActivities
from models.contracts import WORKFLOW_TYPES
from tests.record_histories import HISTORIES, opened_payloads, recorded_secrets
from workflows.build import SANDBOX, STRICT_SANDBOX, Runner
from workflows.card_change import CardChangeWorkflow
from workflows.invalidation_list import InvalidationsWorkflow
from workflows.options import CALL
from workflows.registered import WORKFLOWS
from workflows.run import call
from workflows.subsidy_flow import SubsidyFlowWorkflow
from workflows.trail_heads import TrailHeadsWorkflow

FILES = sorted(HISTORIES.glob("*.json"))
EVENTS = "events"
# Whoever's it is: nothing of ours in a history has so many digits in a row.
ACCOUNT_OR_ID = re.compile(r"(?<![0-9A-Za-z-])[0-9]{16,19}[Xx]?(?![0-9A-Za-z-])")


def _history(file: Path) -> WorkflowHistory:
    told = json.loads(file.read_text())
    return WorkflowHistory.from_json(told["workflow_id"], {EVENTS: told[EVENTS]})


def _replayer() -> Replayer:
    """Every run's modules loaded anew and restricted, where a worker shares them."""
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=SandboxedWorkflowRunner(restrictions=STRICT_SANDBOX),
        data_converter=pydantic_data_converter,
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_history_replays(file: Path) -> None:
    await _replayer().replay_workflow(_history(file))


async def test_a_run_that_has_left_the_cache_is_freed_at_once() -> None:
    """As the worker keeps them: nothing of one waits for the garbage collector."""
    runner = Runner(restrictions=SANDBOX)
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=runner, data_converter=pydantic_data_converter)
    gc.collect()
    gc.disable()
    try:
        await replayer.replay_workflow(_history(HISTORIES / "card-change-1.json"))
        left = [each for each in gc.get_objects() if isinstance(each, CardChangeWorkflow)]
    finally:
        gc.enable()
    assert not left


async def test_a_run_that_leaves_the_cache_is_told_so_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is where the first time took the toolkit too long."""
    kept: list[WorkflowInstance] = []
    made = Runner.create_instance

    def create(runner: Runner, details: WorkflowInstanceDetails) -> WorkflowInstance:
        kept.append(made(runner, details))
        return kept[-1]

    monkeypatch.setattr(Runner, "create_instance", create)
    runner = Runner(restrictions=SANDBOX)
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=runner, data_converter=pydantic_data_converter)
    await replayer.replay_workflow(_history(HISTORIES / "card-change-1.json"))
    leaves = WorkflowActivation(run_id="r", jobs=[WorkflowActivationJob(remove_from_cache=RemoveFromCache())])
    assert kept[-1].activate(leaves) == WorkflowActivationCompletion(run_id="r")


async def test_a_changed_order_of_steps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net itself: a flow that starts at the platform before it looks at its rows is not what was recorded."""

    look_by = SubsidyFlowWorkflow._look_by

    async def start_first(self: Any, activity: Any, subject: Any) -> Any:
        await call(FlowActivities.start_flow, subject, options=CALL)
        return await look_by(self, activity, subject)

    monkeypatch.setattr(SubsidyFlowWorkflow, "_look_by", start_first)
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(_history(HISTORIES / "subsidy-flow-1.json"))


def test_every_workflow_has_a_history() -> None:
    first = [_history(file).events[0].workflow_execution_started_event_attributes for file in FILES]
    named = {str(workflow.__name__) for workflow in WORKFLOWS}
    assert {started.workflow_type.name for started in first} == named
    # a tick of a Schedule about nothing in particular has no row
    assert named == {*WORKFLOW_TYPES.values(), TrailHeadsWorkflow.__name__, InvalidationsWorkflow.__name__}


def test_a_refused_policy_and_a_whole_flow_are_among_them() -> None:
    signals = {file.stem: _signals(file) for file in FILES}
    policies = [names for stem, names in signals.items() if stem.startswith("policy-review")]
    assert sum(names.count("callbacks_arrived") for names in policies) == 2
    assert {"order_confirmed", "summary_decided", "payment_confirmed", "callbacks_arrived"} <= set(
        signals["subsidy-flow-1"]
    )
    reviews = [file for file in FILES if file.stem.startswith(("policy-review", "indicator-review"))]
    assert reviews
    for file in reviews:
        # handed over once, however often it is woken; a refused one is handed in again by a run of its own
        assert [name.partition("_")[0] for name in _scheduled(file)] == ["submit"], file.stem


def test_the_card_side_is_there_with_its_different_ends() -> None:
    """Two counties side by side, a second 上卡, an end without the platform; each its own way through the code."""
    changes = [file for file in FILES if file.stem.startswith("card-change")]
    applied = [_scheduled(file).count("apply_part") for file in changes]
    assert {0, 1, 2} <= set(applied)
    assert any("part_decided" in _signals(file) for file in changes)
    assert any("callbacks_arrived" in _signals(file) for file in changes)
    asked = [name for file in FILES if file.stem.startswith("village-entry") for name in _scheduled(file)]
    assert {"validate_entry", "apply_entry"} <= set(asked)


def _scheduled(file: Path) -> list[str]:
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in _history(file).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


def _signals(file: Path) -> list[str]:
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in _history(file).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_history_holds_no_personal_data(file: Path) -> None:
    """Payloads are opened too: they are base64 in the file."""
    text = file.read_text() + "".join(opened_payloads(json.loads(file.read_text())))
    assert not [secret for secret in recorded_secrets() if secret in text]
    assert not ACCOUNT_OR_ID.search(text)

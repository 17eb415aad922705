"""Code that would not replay what runs today fails here; recorded anew by `python -m tests.record_histories`."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError, SandboxImportNotificationPolicy

from activities.flows import FlowActivities
from models.subsidy import WORKFLOW_TYPES, RunKind
from tests.record_histories import HISTORIES, opened_payloads, recorded_file
from worker import WORKFLOWS
from workflows.options import CALL
from workflows.subsidy_flow import SubsidyFlowWorkflow

FILES = sorted(HISTORIES.glob("*.json"))
EVENTS = "events"
SUBSIDY_SIDE = (
    *(RunKind.POLICY_REVIEW, RunKind.INDICATOR_REVIEW, RunKind.BENEFICIARY_INIT, RunKind.VERIFICATION),
    *(RunKind.SUBSIDY_FLOW, RunKind.EVIDENCE, RunKind.APPLICATION_IMPORT, RunKind.CATALOG_REFRESH),
    RunKind.PAYMENT_CORRECTION,
)


def _history(file: Path) -> WorkflowHistory:
    told = json.loads(file.read_text())
    return WorkflowHistory.from_json(told["workflow_id"], {EVENTS: told[EVENTS]})


def _replayer() -> Replayer:
    strict = SandboxRestrictions.default.with_import_notification_policy(
        SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
        | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
    return Replayer(
        workflows=WORKFLOWS,
        workflow_runner=SandboxedWorkflowRunner(restrictions=strict),
        data_converter=pydantic_data_converter,
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_history_replays(file: Path) -> None:
    await _replayer().replay_workflow(_history(file))


async def test_a_changed_order_of_steps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net itself: a flow that starts at the platform before it looks at its rows is not what was recorded."""

    async def other_start(self: Any, subject: Any) -> Any:
        await workflow.execute_activity_method(FlowActivities.start_flow, subject, **CALL)
        return await self._look(subject)

    monkeypatch.setattr(SubsidyFlowWorkflow, "_start", other_start)
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(_history(HISTORIES / "subsidy-flow-1.json"))


def test_every_workflow_of_the_subsidy_side_has_a_history() -> None:
    first = [_history(file).events[0].workflow_execution_started_event_attributes for file in FILES]
    assert {started.workflow_type.name for started in first} >= {WORKFLOW_TYPES[kind] for kind in SUBSIDY_SIDE}


def test_a_refused_policy_and_a_whole_flow_are_among_them() -> None:
    signals = {file.stem: _signals(file) for file in FILES}
    policies = [names for stem, names in signals.items() if stem.startswith("policy-review")]
    assert sum(names.count("callbacks_arrived") for names in policies) == 2
    assert {"order_confirmed", "summary_decided", "payment_confirmed", "callbacks_arrived"} <= set(
        signals["subsidy-flow-1"]
    )


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
    assert not [secret for secret in recorded_file().secrets if secret in text]

"""What wakes a run: any signal, whatever it is called and holds; a name stays visible in its history."""

from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.contracts import Signal, Subject
from tests.tiny_runs import fresh_queue, fresh_subject
from workflows.run import RowDriven

WITHIN = timedelta(seconds=20)
NOT_JSON = RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"\xff{"))


@workflow.defn
class WaitingRun(RowDriven):
    """Over as soon as it has been woken."""

    @workflow.run
    async def run(self, subject: Subject) -> bool:
        await workflow.wait_condition(lambda: self._woken)
        return True


@pytest.mark.parametrize("held", [["500001-L2026-0001"], [], [{"not": "a list"}], [NOT_JSON]], ids=str)
@pytest.mark.parametrize("name", [Signal.CALLBACKS_ARRIVED.value, "of_a_later_version"])
async def test_any_signal_wakes_a_run(temporal_client: Client, name: str, held: list[object]) -> None:
    queue, subject = fresh_queue(), fresh_subject()
    async with Worker(
        temporal_client, task_queue=queue, workflows=[WaitingRun], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        handle: WorkflowHandle[WaitingRun, bool] = await temporal_client.start_workflow(
            WaitingRun.run, subject, id=subject.workflow_id, task_queue=queue, execution_timeout=WITHIN
        )
        await handle.signal(name, args=held)
        assert await handle.result()
    names = [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    assert names == [name]

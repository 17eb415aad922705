"""Who takes the canary's runs: a worker of their own, apart from the product's."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows.build import SANDBOX, build_id
from workflows.canary import CanaryWorkflow, canary_queue
from workflows.client import connect

AGAIN_SECONDS = 2.0
RECONNECTS_SECONDS = 3_600.0


async def keep_canary(environment: Mapping[str, str], namespace: str | None, task_queue: str) -> None:
    """Apart from the others: whatever happens to it, they go on. Connects anew now and then, for new certificates."""
    if namespace is None:
        return
    given = {**environment, "TEMPORAL_NAMESPACE": namespace}
    while True:
        try:
            worker = _canary_worker(await connect(given), canary_queue(task_queue))
            async with asyncio.timeout(RECONNECTS_SECONDS):
                await worker.run()
        except TimeoutError:
            pass  # its time is over: again, with the certificates of now
        except Exception as error:  # no such namespace, Temporal away: the API says that none ends
            print(f"no canary is taken: {type(error).__name__}", flush=True)
        await asyncio.sleep(AGAIN_SECONDS)


def _canary_worker(client: Client, queue: str) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        build_id=build_id(),
        workflows=[CanaryWorkflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
        workflow_task_executor=ThreadPoolExecutor(1, thread_name_prefix="canary"),
        max_concurrent_workflow_tasks=2,
        max_cached_workflows=2,
    )

"""How many events a run's history has, over all its executions, as Temporal counts them."""

import asyncio
import os

from workflows.client import connect


def history_events(workflow_id: str) -> int:
    return asyncio.run(_count(workflow_id))


async def _count(workflow_id: str) -> int:
    client = await connect(os.environ)
    total = 0
    async for execution in client.list_workflows(f'WorkflowId = "{workflow_id}"'):
        total += execution.history_length
    return total

"""How fast goes out what waits for another try: no faster than the workers take it."""

import time
from collections.abc import Sequence
from datetime import timedelta

from temporalio.api.enums.v1 import PendingWorkflowTaskState
from temporalio.client import Client
from temporalio.service import RPCError

from workflows.options import STICKY_TIMEOUT

# Less than a worker takes within the time that a turn waits for the worker that remembers its run: beyond that any
# takes it and reads the run's history first, and the more wait the longer each takes. A worker has some more in hand.
LOT = 25
LOOK_SECONDS = 0.1
_CALL_TIMEOUT = timedelta(seconds=2)


class Pace:
    """After an outage thousands of runs are told at once; what is new goes out beside them at any time."""

    def __init__(self, at_most: timedelta = STICKY_TIMEOUT) -> None:
        self._at_most = at_most.total_seconds()
        self._last: str | None = None
        self._until = 0.0

    @property
    def is_held(self) -> bool:
        """Whether there may be more than the last lot."""
        return self._last is not None

    def sent(self, workflow_ids: Sequence[str]) -> None:
        """What has gone out; less than a lot was all there was."""
        if len(workflow_ids) < LOT:
            return
        self._last, self._until = workflow_ids[-1], time.monotonic() + self._at_most

    async def lot(self, client: Client) -> int:
        """How many may go out now: none while the last one waits for a worker, if there is any."""
        if self._last is not None and time.monotonic() < self._until and await _waits(client, self._last):
            return 0
        self._last = None
        return LOT


async def _waits(client: Client, workflow_id: str) -> bool:
    """Whether its turn is nobody's yet; a Temporal that can't say so is asked by what goes out next."""
    try:
        found = (await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_CALL_TIMEOUT)).raw_description
    except (RPCError, RuntimeError):
        return False
    state = found.pending_workflow_task.state
    return state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED

"""The canary: a run a minute that must end, in a namespace of its own, which neither watch nor people see.

A Temporal can say that it serves while no run moves any more: a node that has lost the others, a queue that nobody
hands out. Only a run that ends tells.
"""

import asyncio
import os
import socket
import time

import structlog
from temporalio.common import WorkflowIDConflictPolicy

from models.settings import Settings
from workflows.canary import CanaryWorkflow, canary_queue
from workflows.client import connect

_LOG = structlog.get_logger(__name__)
# Temporal's timers are good to a second or so.
_SHORTEST_S, _LONGEST_S = 5.0, 20.0
# One that takes too long is no outage yet.
_MISSED = 2


class Canary:
    """Of one API process; `stalled` is what /health says."""

    def __init__(self, settings: Settings, namespace: str) -> None:
        self._given = settings.temporal_environment | {"TEMPORAL_NAMESPACE": namespace}
        self._queue = canary_queue(settings.temporal_task_queue)
        self._every = settings.temporal_canary_seconds
        self._id = f"canary/{socket.gethostname()}-{os.getpid()}"
        self._within = max(_SHORTEST_S, min(self._every, _LONGEST_S))
        self._ended: float | None = None
        self._missed = 0

    @property
    def age(self) -> float | None:
        """Seconds since one has ended; None before the first."""
        return None if self._ended is None else time.monotonic() - self._ended

    @property
    def stalled(self) -> bool:
        return self._missed >= _MISSED

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._within):
                    await self._fly()
            except Exception as error:  # whatever it is, no run has ended
                self._missed += 1
                _LOG.warning("the canary has not ended", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _fly(self) -> None:
        """Connects anew each time: with the certificates of now, to a frontend of now."""
        client = await connect(self._given)
        await client.execute_workflow(
            CanaryWorkflow.run,
            id=self._id,
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )
        self._ended, self._missed = time.monotonic(), 0

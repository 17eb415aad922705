"""Builds of the worker side by side: which of them runs go to, and when an old one has nothing left to do.

To Temporal the workers are a deployment, named after the task queue, and each build is a version of it. A run goes on
on whichever build is current; the short ones (`SHORT`) end on the build that has begun them. Without a build of
its own (WORKER_BUILD_ID) a worker takes part in nothing of this.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import RoutingConfigUpdateState, TaskQueueType
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus as Status
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DeleteWorkerDeploymentVersionRequest,
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.common import WorkerDeploymentVersion as VersionName
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerDeploymentConfig, WorkflowInstance, WorkflowInstanceDetails

from models.contracts import Queue
from workflows.build import SANDBOX, Runner, build_id

# What waits for nobody, neither people nor the platform's word. All others would hold their build for weeks.
SHORT = {
    *("AccountCheckWorkflow", "AccountEventWorkflow", "CatalogRefreshWorkflow", "EvidenceWorkflow"),
    *("FaceLoginWorkflow", "InvalidationsWorkflow", "PlatformTrialWorkflow", "TrailHeadsWorkflow"),
}
NO_BUILD = ""
LOOK_EVERY_SECONDS = 10.0
# A restart takes less: a build whose workers have been gone for longer is not coming back.
GONE_AFTER_SECONDS = 60.0
# Temporal tells its queues one after the other which build is current; usually within a second.
TOLD_LOOK_SECONDS, TOLD_WITHIN_SECONDS = 0.1, 30.0


class Identified(TypedDict, total=False):
    """How a worker says which code it is: for people to read, or for Temporal to choose by."""

    build_id: str
    deployment_config: WorkerDeploymentConfig


class PinningRunner(Runner):
    """Says of short runs that they are pinned. Their own definition can't: without a build Temporal refuses it."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = super().create_instance(det)
        if det.defn.name in SHORT:
            instance.activate = partial(_pinned, instance.activate)  # type: ignore[method-assign]
        return instance


def _pinned(
    activate: Callable[[WorkflowActivation], WorkflowActivationCompletion], act: WorkflowActivation
) -> WorkflowActivationCompletion:
    done = activate(act)
    if done.HasField("successful"):
        done.successful.versioning_behavior = VersioningBehavior.PINNED.value
    return done


def runner_of(build: str | None) -> Runner:
    return (Runner if build is None else PinningRunner)(restrictions=SANDBOX)


def identified(task_queue: str, build: str | None) -> Identified:
    if build is None:
        return {"build_id": build_id()}
    return {
        "deployment_config": WorkerDeploymentConfig(
            version=VersionName(deployment_name(task_queue), build),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
        )
    }


def deployment_name(task_queue: str) -> str:
    """Temporal has these two for itself."""
    return task_queue.replace(".", "-").replace(":", "-")


@dataclass(frozen=True)
class Build:
    """A build that Temporal knows, and which queues its workers take now."""

    name: str
    status: "Status.ValueType"
    was_current: bool
    served: frozenset[Queue]

    @property
    def is_current(self) -> bool:
        return self.status == Status.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT

    @property
    def is_drained(self) -> bool:
        return self.status == Status.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED

    @property
    def missing(self) -> list[Queue]:
        return [queue for queue in Queue if queue not in self.served]


class Builds:
    """All of one task queue's."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client, self._queue = client, task_queue
        self._deployment = deployment_name(task_queue)

    async def all(self) -> list[Build]:
        """The newest first; none before the first worker with a build has come."""
        info = await self._described()
        polled = {queue: await self._polled(queue) for queue in Queue} if info else {}
        return [
            Build(
                summary.deployment_version.build_id,
                summary.status,
                summary.HasField("first_activation_time"),
                frozenset(queue for queue in Queue if summary.deployment_version.build_id in polled[queue]),
            )
            for summary in (info.version_summaries if info else ())
        ]

    async def make_current(self, build: str) -> bool:
        """From here on runs begin on it and long ones go on on it; False where not all queues have been told yet.

        RPCError where nobody of it has ever polled, or where it lacks a queue that the build before it had. NO_BUILD:
        on workers without one.
        """
        await self._client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=self._client.namespace,
                deployment_name=self._deployment,
                build_id=build,
                identity=self._client.identity,
                ignore_missing_task_queues=build == NO_BUILD,
                allow_no_pollers=build == NO_BUILD,
            )
        )
        return await self.all_told()

    async def all_told(self) -> bool:
        """Whether every queue knows which build is current; waits a while for it."""
        until = time.monotonic() + TOLD_WITHIN_SECONDS
        while await self._is_telling():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(TOLD_LOOK_SECONDS)
        return True

    async def _is_telling(self) -> bool:
        info = await self._described()
        telling = RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS
        return info is not None and info.routing_config_update_state == telling

    async def delete(self, build: str) -> None:
        """RPCError (FAILED_PRECONDITION) while it is current or draining, or while a worker of it polls."""
        version = WorkerDeploymentVersion(deployment_name=self._deployment, build_id=build)
        await self._client.workflow_service.delete_worker_deployment_version(
            DeleteWorkerDeploymentVersionRequest(
                namespace=self._client.namespace, deployment_version=version, identity=self._client.identity
            )
        )

    async def pinned_runs(self, build: str) -> int:
        """Open runs that only this build may end."""
        counted = await self._client.count_workflows(self.query_of(build))
        return counted.count

    def query_of(self, build: str) -> str:
        return (
            f"TemporalWorkerDeploymentVersion = '{self._deployment}:{build}'"
            " AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'"
        )

    async def _described(self) -> WorkerDeploymentInfo | None:
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=self._deployment)
        try:
            return (await self._client.workflow_service.describe_worker_deployment(request)).worker_deployment_info
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _polled(self, queue: Queue) -> set[str]:
        """By which builds; Temporal forgets one that was killed after five minutes, one that was stopped at once."""
        kinds = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=queue.named(self._queue)),
            task_queue_type=kinds[queue is not Queue.RUNS],
        )
        told = await self._client.workflow_service.describe_task_queue(request)
        return {poller.deployment_options.build_id for poller in told.pollers}


class Newcomer:
    """A build that has just come. It becomes current by itself where none is, or where nobody of the current one is
    left; else it waits for somebody to say so (`python -m deploy.versions`).

    Without this whoever stops the old workers first, or is the first with a build at all, would have runs that nobody
    takes. A build that has been current before waits in any case: going back is somebody's decision.
    """

    def __init__(self, build: str, gone_after: float = GONE_AFTER_SECONDS) -> None:
        self._build, self._gone_after = build, gone_after
        self._served_at, self._waits_for = time.monotonic(), ""

    async def wait(self, builds: Callable[[], Builds], look_every: float = LOOK_EVERY_SECONDS) -> None:
        """Until it is current."""
        while True:
            try:
                if await self.look(builds()):
                    return
            except RPCError as error:
                # not known there yet, another worker was quicker, or Temporal is away: looked at again
                print(f"build {self._build}: {error.status.name}", flush=True)
            await asyncio.sleep(look_every)

    async def look(self, builds: Builds) -> bool:
        """Whether it is current now; becomes so where nobody serves another one."""
        found = {build.name: build for build in await builds.all()}
        own, current = found.get(self._build), next((build for build in found.values() if build.is_current), None)
        if own is None or own.is_current:
            return own is not None
        if not own.was_current and self._is_free(current):
            await builds.make_current(self._build)
            print(f"build {self._build} is current; nobody serves {_named(current)}", flush=True)
            return True
        if self._waits_for != _named(current):
            print(f"build {self._build} waits: {_named(current)} is current", flush=True)
        self._waits_for = _named(current)
        return False

    def _is_free(self, current: Build | None) -> bool:
        if current is None:
            return True
        if Queue.RUNS in current.served:
            self._served_at = time.monotonic()
            return False
        return time.monotonic() - self._served_at > self._gone_after


def _named(build: Build | None) -> str:
    return build.name if build else "none"


async def take_turn(workers: Sequence[Worker], task_queue: str, build: str | None) -> None:
    """A build's part of the runs, once it is current; who takes none of their turns leaves it to those who do."""
    runs = next((worker for worker in workers if worker.task_queue == task_queue), None)
    if build is not None and runs is not None:
        # with the client of that moment: certificates are replaced meanwhile
        await Newcomer(build).wait(lambda: Builds(runs.client, task_queue))

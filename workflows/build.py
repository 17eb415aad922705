"""Which code the workflows are, and in what they run."""

import hashlib
from functools import cache, partial
from pathlib import Path

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

ROOT = Path(__file__).resolve().parents[1]
# Refuses modules that are not passed through on purpose. Workflow files aren't loaded anew for every run, which takes
# 4 ms and 34 KiB each: they keep nothing (tests/test_import_law.py), and are replayed in the strict sandbox by tests.
STRICT_SANDBOX = SandboxRestrictions.default.with_import_notification_policy(
    SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
    | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
)
SANDBOX = STRICT_SANDBOX.with_passthrough_modules("workflows")


class Runner(SandboxedWorkflowRunner):
    """Every payload means the same wherever it stands: none is sealed for one run or activity alone (`connect`).

    The toolkit would enter the run's sandbox to ask for whom, three times for each payload (a seventh of what a worker
    of small counties does), and once more for a store outside of Temporal, which there is none of (a twentieth).
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        instance = super().create_instance(det)
        instance.get_serialization_context = lambda command_info: None  # type: ignore[method-assign]
        nowhere = StorageDriverStoreContext()
        instance.get_external_store_context = lambda command_info: nowhere  # type: ignore[method-assign]
        instance.activate = partial(_until_evicted, instance)  # type: ignore[method-assign]
        return instance


def _until_evicted(instance: WorkflowInstance, act: WorkflowActivation) -> WorkflowActivationCompletion:
    """A run that leaves the cache is freed at once.

    Its 170 objects (37 KiB) are one ring: the garbage collector would find them when what is old has grown by a
    quarter, some hundred runs later. The toolkit evicts once more what took too long the first time.
    """
    done = type(instance).activate(instance, act)
    if any(job.HasField("remove_from_cache") for job in act.jobs):
        within = vars(instance)["globals_and_locals"]["__temporal_in_sandbox"].instance
        for part in (within, vars(instance)["importer"], instance):
            # its futures ask for this as they go
            part.__dict__ = {"_deleting": True}
        vars(instance)["activate"] = _gone
    return done


def _gone(act: WorkflowActivation) -> WorkflowActivationCompletion:
    return WorkflowActivationCompletion(run_id=act.run_id)


@cache
def build_id() -> str:
    """Which code this is, by our own files: Temporal shows it beside each step of a run.

    The toolkit would read every module of every library anew for it, which is the longest part of a start.
    """
    digest = hashlib.sha256()
    for room in ("models", "activities", "workflows"):
        for path in sorted((ROOT / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

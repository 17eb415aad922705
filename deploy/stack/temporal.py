"""The local Temporal: the dev server with its UI, its history kept in a file."""

import asyncio
import shutil
import sysconfig
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.stack.ports import LOOPBACK, is_listening
from deploy.stack.processes import Part, Running, StackError

NAMESPACE = "onecard"
TASK_QUEUE = "onecard"
RETENTION = timedelta(days=90)
SEARCH_ATTRIBUTES = {"County": "Keyword", "Batch": "Keyword", "FundYear": "Int", "Stage": "Keyword"}
T = TypeVar("T")

# Off by default. Fairness is kept per partition of a queue, so each has one.
DYNAMIC_CONFIG = {
    "matching.enableFairness": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}


@dataclass(frozen=True)
class Addresses:
    """The dev server's ports."""

    frontend: int
    ui: int
    http: int
    metrics: int

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.frontend}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui}"


def find_program(name: str) -> Path | None:
    """A program that a wheel put beside this Python, else one from PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = beside if beside.exists() else shutil.which(name)
    return Path(found) if found else None


def part(addresses: Addresses, data: Path, env: dict[str, str], durable: bool) -> Part:
    program = find_program("temporal")
    if program is None:
        raise StackError("没有找到 Temporal 程序 (temporal)。请运行 make venv 重新安装。")
    data.mkdir(parents=True, exist_ok=True)
    kept = {"journal_mode": "WAL", "synchronous": "FULL" if durable else "OFF"}
    pragmas = [word for key, value in kept.items() for word in ("--sqlite-pragma", f"{key}={value}")]
    attributes = [word for key, kind in SEARCH_ATTRIBUTES.items() for word in ("--search-attribute", f"{key}={kind}")]
    dynamic = [word for key, value in DYNAMIC_CONFIG.items() for word in ("--dynamic-config-value", f"{key}={value}")]
    ports = {
        "--port": addresses.frontend,
        "--ui-port": addresses.ui,
        "--http-port": addresses.http,
        "--metrics-port": addresses.metrics,
    }
    return Part(
        name="temporal",
        argv=[
            *(str(program), "server", "start-dev", "--ip", LOOPBACK, "--namespace", NAMESPACE, "--log-level", "error"),
            *(word for flag, port in ports.items() for word in (flag, str(port))),
            *("--db-filename", str(data / "temporal.db"), *pragmas, *attributes, *dynamic),
        ],
        env=env | {"HOME": str(data), "TEMPORAL_VERSION_CHECK_DISABLED": "1"},
        cwd=data,
        is_ready=lambda _: _keeps_runs(addresses),
    )


def retention(address: str, namespace: str = NAMESPACE) -> timedelta:
    """How long closed runs stay visible."""
    return _apart(_retention, address, namespace)


def polls(address: str, running: Running) -> bool:
    """Whether this very worker process has asked for work."""
    return _apart(_polls, address, f"{running.pid}@")


def _keeps_runs(addresses: Addresses) -> bool:
    """Ready means: answering, the UI too, and with the retention that run links rely on."""
    if not (is_listening(addresses.frontend) and is_listening(addresses.ui)):
        return False
    try:
        return bool(_apart(_keep_runs, addresses.address, NAMESPACE) == RETENTION)
    except (RPCError, RuntimeError):
        return False


async def _keep_runs(address: str, namespace: str) -> timedelta:
    client = await Client.connect(address, namespace=namespace)
    config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(RETENTION.total_seconds())))
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=namespace, config=config))
    return await _retention(address, namespace)


async def _retention(address: str, namespace: str) -> timedelta:
    client = await Client.connect(address, namespace=namespace)
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def _polls(address: str, identity: str) -> bool:
    client = await Client.connect(address, namespace=NAMESPACE)
    request = DescribeTaskQueueRequest(
        namespace=NAMESPACE,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    described = await client.workflow_service.describe_task_queue(request)
    return any(poller.identity.startswith(identity) for poller in described.pollers)


def _apart(work: Callable[..., Coroutine[None, None, T]], *args: str) -> T:
    """Runs the coroutine on a thread of its own: the caller may sit inside a running event loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(work(*args))).result()

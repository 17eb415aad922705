"""The local Temporal: the dev server with its UI, its history in a file; or a cluster with a PostgreSQL of its own."""

import asyncio
import json
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.cluster.agreed import (
    CANARY_NAMESPACE,
    DYNAMIC_CONFIG,
    NAMESPACE,
    RETENTION,
    SEARCH_ATTRIBUTES,
    TASK_QUEUE,
)
from deploy.stack.ports import LOOPBACK, is_listening
from deploy.stack.processes import ROOT, Part, Running, StackError
from workflows.client import connect

__all__ = ["NAMESPACE", "RETENTION", "SEARCH_ATTRIBUTES", "TASK_QUEUE"]
T = TypeVar("T")
CHOSEN_BY = "ONECARD_TEMPORAL"
# All attributes are there from its start on. By its own default it reads them from its file whenever it has to do with
# a run: fifteen times for each that is woken.
DEV_SERVER = {"system.forceSearchAttributesCacheRefreshOnRead": False}
_HIGHEST_MEMBERSHIP_PORT = 32_767


class Kind(StrEnum):
    """Which Temporal a stack has; TEMPORAL=cluster of make."""

    DEV = "dev"
    CLUSTER = "cluster"


def chosen() -> Kind:
    """What ONECARD_TEMPORAL asks for."""
    said = os.environ.get(CHOSEN_BY) or Kind.DEV
    if said not in set(Kind):
        raise StackError(f"TEMPORAL={said} 无法识别，只能是 {' 或 '.join(Kind)}。")
    return Kind(said)


@dataclass(frozen=True)
class Addresses:
    """Its ports, and the profile file that says how it is reached."""

    frontend: int
    ui: int
    http: int
    metrics: int
    profile: Path

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.frontend}"

    @property
    def ui_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ui}"

    @property
    def environment(self) -> dict[str, str]:
        """By the SDK's own names, for the product and for everybody else's clients."""
        return {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "TEMPORAL_CONFIG_FILE": str(self.profile),
        }


def find_program(name: str) -> Path | None:
    """A program that a wheel put beside this Python, else one from PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = beside if beside.exists() else shutil.which(name)
    return Path(found) if found else None


def part(
    addresses: Addresses, data: Path, env: dict[str, str], durable: bool, extra: Mapping[str, bool | int | str]
) -> Part:
    program = find_program("temporal")
    if program is None:
        raise StackError("没有找到 Temporal 程序 (temporal)。请运行 make venv 重新安装。")
    data.mkdir(parents=True, exist_ok=True)
    kept = {"journal_mode": "WAL", "synchronous": "FULL" if durable else "OFF"}
    pragmas = [word for key, value in kept.items() for word in ("--sqlite-pragma", f"{key}={value}")]
    attributes = [word for key, kind in SEARCH_ATTRIBUTES.items() for word in ("--search-attribute", f"{key}={kind}")]
    ports = {
        "--port": addresses.frontend,
        "--ui-port": addresses.ui,
        "--http-port": addresses.http,
        "--metrics-port": addresses.metrics,
    }
    return Part(
        name="temporal",
        argv=[
            *(str(program), "server", "start-dev", "--ip", LOOPBACK, "--log-level", "error"),
            *("--namespace", NAMESPACE, "--namespace", CANARY_NAMESPACE),
            *(word for flag, port in ports.items() for word in (flag, str(port))),
            *("--db-filename", str(data / "temporal.db"), *pragmas, *attributes, *dynamic_flags(extra)),
        ],
        env=env | {"HOME": str(data), "TEMPORAL_VERSION_CHECK_DISABLED": "1"},
        cwd=data,
        is_ready=lambda _: _keeps_runs(addresses),
    )


def dynamic_flags(extra: Mapping[str, bool | int | str]) -> list[str]:
    return [
        word
        for key, value in (DYNAMIC_CONFIG | DEV_SERVER | dict(extra)).items()
        for word in ("--dynamic-config-value", f"{key}={json.dumps(value)}")
    ]


def cluster_part(addresses: Addresses, plan: Path, hosts: tuple[str, ...], env: Mapping[str, str]) -> Part:
    """The process that keeps all of the cluster's."""
    for host in hosts:
        _require_loopback(host)
    return Part(
        name="temporal",
        argv=[sys.executable, "-m", "deploy.cluster", str(plan)],
        env=env,
        cwd=ROOT,
        is_ready=lambda _: _is_complete(addresses),
        stop_within_s=40,
    )


def _require_loopback(host: str) -> None:
    """Linux has all of 127.0.0.0/8 by itself."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError as error:
            raise StackError(
                f"本机没有回环地址 {host}，集群的各节点靠它区分。macOS 上请运行 sudo ifconfig lo0 alias {host}。"
            ) from error


def require_membership_ports(ports: Mapping[str, int]) -> None:
    """The cluster keeps them in a column that holds no more."""
    if high := {name: port for name, port in ports.items() if port > _HIGHEST_MEMBERSHIP_PORT}:
        raise StackError(
            f"集群成员端口须不大于 {_HIGHEST_MEMBERSHIP_PORT}，而空闲的只有 {high}。"
            "请把 net.ipv4.ip_local_port_range 改回 32768 60999，删除 var/ports.json 后重试。"
        )


def retention(environment: Mapping[str, str]) -> timedelta:
    """How long closed runs stay visible; the namespace is the environment's."""
    return _apart(_retention, environment)


def polls(environment: Mapping[str, str], running: Running) -> bool:
    """Whether this very worker process has asked for work."""
    return _apart(_polls, environment, f"{running.pid}@")


def _keeps_runs(addresses: Addresses) -> bool:
    """Ready means: answering, the UI too, and with the retention that run links rely on."""
    return _is_listening(addresses) and _answered(_keep_runs, addresses)


def _is_complete(addresses: Addresses) -> bool:
    """A cluster's keeper brings the namespace about by itself."""
    return _is_listening(addresses) and _answered(_has_namespace, addresses)


def _is_listening(addresses: Addresses) -> bool:
    return is_listening(addresses.frontend) and is_listening(addresses.ui)


def _answered(ask: Callable[[Mapping[str, str]], Coroutine[None, None, bool]], addresses: Addresses) -> bool:
    try:
        return _apart(ask, addresses.environment)
    except (RPCError, RuntimeError):
        return False


async def _keep_runs(environment: Mapping[str, str]) -> bool:
    client = await connect(environment)
    config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(RETENTION.total_seconds())))
    await client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=NAMESPACE, config=config))
    return await _retained(client) == RETENTION


async def _has_namespace(environment: Mapping[str, str]) -> bool:
    client = await connect(environment)
    request = ListSearchAttributesRequest(namespace=NAMESPACE)
    listed = await client.operator_service.list_search_attributes(request)
    return set(SEARCH_ATTRIBUTES) <= set(listed.custom_attributes) and await _retained(client) == RETENTION


async def _retention(environment: Mapping[str, str]) -> timedelta:
    return await _retained(await connect(environment))


async def _retained(client: Client) -> timedelta:
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def _polls(environment: Mapping[str, str], identity: str) -> bool:
    client = await connect(environment)
    request = DescribeTaskQueueRequest(
        namespace=NAMESPACE,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    described = await client.workflow_service.describe_task_queue(request)
    return any(poller.identity.startswith(identity) for poller in described.pollers)


def _apart(work: Callable[..., Coroutine[None, None, T]], *args: object) -> T:
    """Runs the coroutine on a thread of its own: the caller may sit inside a running event loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(work(*args))).result()

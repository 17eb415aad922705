"""For tests on Temporal's cluster: whether its programs are here, its processes, and how one of them is broken."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from deploy.cluster.plan import NODES
from deploy.cluster.programs import named
from deploy.stack import Stack
from deploy.stack.ports import is_listening
from deploy.stack.processes import kept_pids

NEEDS_PROGRAMS = pytest.mark.skipif(
    bool(named().missing()),
    reason=f"NOT TRIED: the cluster's programs are not in {named().folder} (make temporal-cluster)",
)
BACK_WITHIN_S = 30.0


def nodes_of(stack: Stack, *roles: str) -> list[str]:
    """Names of the processes of these roles."""
    return [node.name for node in NODES if node.role in roles]


def pid_of(stack: Stack, name: str) -> int:
    return kept_pids(stack.layout.run)[name]


def end(stack: Stack, number: signal.Signals, *names: str) -> dict[str, int]:
    """A signal to all of them at once; who they were."""
    before = {name: pid_of(stack, name) for name in names}
    for pid in before.values():
        os.kill(pid, number)
    return before


def are_back(stack: Stack, before: dict[str, int]) -> bool:
    now = kept_pids(stack.layout.run)
    return all(now.get(name, pid) != pid for name, pid in before.items())


def all_of_it(run: Path) -> list[psutil.Process]:
    """Every node, its PostgreSQL and its UI, once each is there: a node that died with another comes a moment later."""
    deadline = time.monotonic() + BACK_WITHIN_S
    while True:
        found = [pid for name, pid in kept_pids(run).items() if name.startswith("temporal-")]
        alive = [psutil.Process(pid) for pid in found if psutil.pid_exists(pid)]
        if len(alive) == len(NODES) + 2:
            return alive
        assert time.monotonic() < deadline, f"{len(alive)} are there"
        time.sleep(0.05)


def wait_back(stack: Stack, before: dict[str, int]) -> None:
    deadline = time.monotonic() + BACK_WITHIN_S
    while not are_back(stack, before):
        assert time.monotonic() < deadline, f"not back: {before}"
        time.sleep(0.05)


def replace(stack: Stack, name: str) -> None:
    """Told to end; over when the one in its place takes calls, as an orchestrator waits for it."""
    wait_back(stack, end(stack, signal.SIGTERM, name))
    node = next(node for node in NODES if node.name == name)
    deadline = time.monotonic() + BACK_WITHIN_S
    while not is_listening(stack.layout.temporal_plan().port(node.role), node.host):
        assert time.monotonic() < deadline, f"{name} doesn't listen"
        time.sleep(0.05)

"""Runs the bare scripts against the same platform and PostgreSQL as the product, the platform's callbacks turned."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from deploy.bench.ground import Batch
from deploy.private_files import write_private
from deploy.stack import keys
from deploy.stack.ports import LOOPBACK, assign_ports
from deploy.stack.processes import ROOT
from deploy.stack.stack import Stack

Json = dict[str, Any]


def pay(stack: Stack, batch: Batch) -> Json:
    """The bare script pays the batch: its seconds and what it came to."""
    port = bare_port(stack)
    with callbacks_at(stack, f"http://{LOOPBACK}:{port}"):
        return run(stack, "deploy.bench.bare", {"port": port, "file": str(batch.path), "number": batch.seed})


def run(stack: Stack, module: str, more: Json) -> Json:
    layout = stack.layout
    config = layout.home / "bare.json"
    told = {
        "clients": str(layout.platform_clients),
        "vault": str(layout.vault_key),
        "database": layout.owner_url.replace("+psycopg", ""),
    }
    write_private(config, told | more)
    done = subprocess.run(
        [sys.executable, "-m", module, str(config)],
        env=layout.base_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr[:3000]}")
    return cast(Json, json.loads(done.stdout.splitlines()[-1]))


def bare_port(stack: Stack) -> int:
    return assign_ports(stack.layout.home / "ports-bare.json", ["bare"])["bare"]


@contextmanager
def callbacks_at(stack: Stack, url: str) -> Iterator[None]:
    """The platform reads its list of clients again as soon as the file has changed."""
    layout = stack.layout
    keys.write_simulator_clients(layout.simulator_clients, layout.secrets, url)
    try:
        yield
    finally:
        keys.write_simulator_clients(layout.simulator_clients, layout.secrets, layout.api_url)

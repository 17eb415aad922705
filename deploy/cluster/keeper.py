"""`python -m deploy.cluster PLAN`: starts the cluster, brings back what ends, and takes all along when it ends itself.

One process keeps all others, so whoever stops or kills it has stopped or killed the whole cluster.
"""

import asyncio
import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.service import TLSConfig

from deploy.cluster import agreed, database, namespace, nodes
from deploy.cluster.door import Backend, Door
from deploy.cluster.heartbeats import SILENT_S, Heartbeats
from deploy.cluster.plan import NODES, Node, Plan
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import Part, Running, kill, launch, send, stop, wait_ready

_LOOK_EVERY_S, _HEARTBEATS_EVERY_S = 0.1, 5.0
# Whatever lived longer than this is brought back at once; else ever more slowly.
_SETTLED_S, _SLOWEST_S = 10.0, 5.0
_ANSWERS_WITHIN_S = 1.0


@dataclass
class Kept:
    """A process that has to be there."""

    part: Part
    running: Running
    since: float = field(default_factory=time.monotonic)
    deaths: int = 0
    again_at: float | None = None


class Keeper:
    """Everything is started from the main thread: a child dies with the thread that started it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kept: dict[str, Kept] = {}
        self._over = threading.Event()
        self._starter = os.getppid()
        self._env = nodes.environment()
        self._door = Door(plan.ports["temporal.frontend"], self._frontends(), Asking(plan).answers)

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._over.set())
        try:
            self._start()
            while not self._is_over():
                self._look()
                self._over.wait(_LOOK_EVERY_S)
        finally:
            self._end()

    def _is_over(self) -> bool:
        """Told to end, or nobody is there any more who would."""
        return self._over.is_set() or os.getppid() != self._starter

    def _start(self) -> None:
        cluster = database.prepare(self._plan)
        self._begin(database.part(cluster), wait=True)
        database.create(cluster, self._plan, self._env)
        dynamic = nodes.write_dynamic(self._plan)
        first, *others = NODES
        # On an empty database those that start beside the first one find no cluster and end.
        self._begin(self._part(first, dynamic), wait=True)
        for node in others:
            self._begin(self._part(node, dynamic))
        self._begin(nodes.ui_part(self._plan, self._env))
        self._door.open()
        for work in (self._bring_about, partial(self._replace_silent, Heartbeats(cluster, self._plan))):
            threading.Thread(target=work, daemon=True).start()

    def _part(self, node: Node, dynamic: Path) -> Part:
        return nodes.node_part(self._plan, node, dynamic, self._env)

    def _begin(self, part: Part, wait: bool = False) -> None:
        running = launch(part, self._plan.run, self._plan.logs)
        self._kept[part.name] = Kept(part, running)
        if wait:
            wait_ready(running)

    def _look(self) -> None:
        for name, kept in self._kept.items():
            if kept.running.is_alive:
                continue
            now = time.monotonic()
            if kept.again_at is None:
                kept.again_at = now + self._pause(kept, now)
                print(f"{name} has ended with {kept.running.popen.returncode}", flush=True)
            if now >= kept.again_at:
                kept.running = launch(kept.part, self._plan.run, self._plan.logs)
                kept.since, kept.again_at = now, None

    def _pause(self, kept: Kept, now: float) -> float:
        kept.deaths = 1 if now - kept.since > _SETTLED_S else kept.deaths + 1
        return float(min(0.25 * 2 ** (kept.deaths - 1), _SLOWEST_S))

    def _end(self) -> None:
        """The nodes side by side, then what they store in."""
        self._door.close()
        kept = list(self._kept.values())
        for one in kept[1:]:
            send(one.running, one.part.stop_signal)
        for one in reversed(kept):
            # Without durability nobody reads the data again.
            (stop if self._plan.durable else kill)(one.running)

    def _replace_silent(self, heartbeats: Heartbeats) -> None:
        """What lives and no longer counts is ended, and brought back as what has died by itself."""
        while not self._over.wait(_HEARTBEATS_EVERY_S):
            for node in heartbeats.silent():
                kept = self._kept[node.name]
                if kept.again_at is None and time.monotonic() - kept.since > SILENT_S:
                    print(f"{node.name} no longer counts: replaced", flush=True)
                    send(kept.running, signal.SIGKILL)

    def _frontends(self) -> list[Backend]:
        return [(node.host, self._plan.port(node.role)) for node in NODES if node.role == "frontend"]

    def _bring_about(self) -> None:
        asyncio.run(self._namespace())

    async def _namespace(self) -> None:
        await namespace.bring_about(await Asking(self._plan).client((LOOPBACK, self._plan.ports["temporal.frontend"])))
        print("namespace is ready", flush=True)


class Asking:
    """Asks a frontend how it is, as a client with the product's certificate."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._clients: dict[Backend, Client] = {}

    async def answers(self, backend: Backend) -> bool:
        with contextlib.suppress(Exception):
            client = self._clients.get(backend) or await self.client(backend)
            self._clients[backend] = client
            asked = client.service_client.check_health(timeout=None)
            return await asyncio.wait_for(asked, _ANSWERS_WITHIN_S)
        self._clients.pop(backend, None)
        return False

    async def client(self, backend: Backend) -> Client:
        made = self._plan.certificates
        tls = TLSConfig(
            server_root_ca_cert=made.nodes_authority.certificate.read_bytes(),
            domain=agreed.SERVER_NAME,
            client_cert=made.product.certificate.read_bytes(),
            client_private_key=made.product.key.read_bytes(),
        )
        host, port = backend
        return await Client.connect(f"{host}:{port}", namespace=agreed.NAMESPACE, tls=tls, lazy=True)

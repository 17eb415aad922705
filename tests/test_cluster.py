"""Temporal's cluster on this machine: nobody gets in without a certificate, what dies comes back, nothing stays."""

import asyncio
import json
import os
import signal
import socket
import ssl
import stat
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.cluster import agreed, programs
from deploy.cluster import door as doors
from deploy.cluster.certificates import Certificates, Pair, sign
from deploy.cluster.door import Backend, Door
from deploy.cluster.nodes import node_config, ui_config, write_dynamic
from deploy.cluster.plan import HOSTS, NODES, PORTS, Plan
from deploy.stack import Options, Stack, StackError, temporal
from deploy.stack.layout import Layout
from deploy.stack.ports import assign_ports
from tests.cluster import NEEDS_PROGRAMS, all_of_it, end, nodes_of, wait_back
from tests.conftest import STACKS
from workflows.certificates import follow_certificates, trouble_with
from workflows.client import connect

# HTTP/2 as a client begins it.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
TLS_ALERT = 0x15


def plan_in(folder: Path) -> Plan:
    for name in ("home", "keys", "run", "logs"):
        (folder / name).mkdir()
    ports = {name: 20_000 + place for place, name in enumerate((*PORTS, "temporal.frontend", "temporal.ui"))}
    places = {name: folder / name for name in ("home", "keys", "run", "logs")}
    return Plan(**places, programs=folder, ports=ports, password="x", durable=True, extra={})


def test_what_must_agree_is_made_from_one_place(tmp_path: Path) -> None:
    """The dev server's flags and the nodes' files; the compose file is held against it beside its other laws."""
    flags = temporal.dynamic_flags({})
    told = dict(word.split("=", 1) for word in flags[1::2])
    assert {key: json.loads(value) for key, value in told.items()} == agreed.DYNAMIC_CONFIG | temporal.DEV_SERVER
    plan = plan_in(tmp_path)
    read = json.loads(write_dynamic(plan).read_text())
    assert {key: values[0]["value"] for key, values in read.items()} == agreed.DYNAMIC_CONFIG | agreed.BETWEEN_NODES
    for node in NODES:
        config = json.loads(json.dumps(node_config(plan, node, tmp_path / "dynamic.yaml")))
        assert config["persistence"]["numHistoryShards"] == agreed.SHARDS == 512
        for group in ("internode", "frontend"):
            assert config["global"]["tls"][group]["server"]["requireClientAuth"] is True
        assert {rpc["rpc"]["bindOnIP"] for rpc in config["services"].values()} == {node.host}
        assert config["global"]["metrics"]["prometheus"]["listenAddress"].startswith("127.0.0.1")
    assert json.loads(json.dumps(ui_config(plan)))["host"] == "127.0.0.1"
    assert all(host.startswith("127.") for host in HOSTS)
    assert max(port for name, port in plan.ports.items() if "membership" in name) <= 32_767
    with pytest.raises(StackError, match="32767"):
        temporal.require_membership_ports({"history": 40_000})
    assert Plan.read(plan.write()) == plan
    assert stat.S_IMODE(plan.file.stat().st_mode) == 0o600


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_GO_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"没有找到 Go.*ONECARD_TEMPORAL_BIN"):
        programs.find_go()
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go version go1.21.1 linux/amd64\n")
    old.chmod(0o755)
    with pytest.raises(StackError, match=r"go1\.21\.1.*1\.26"):
        programs.find_go()
    monkeypatch.setenv(programs.NAMED_BY, str(tmp_path))
    with pytest.raises(StackError, match="make temporal-cluster"):
        programs.find()
    monkeypatch.setenv(temporal.CHOSEN_BY, "clusters")
    with pytest.raises(StackError, match="TEMPORAL=clusters"):
        Options()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    STACKS.mkdir(parents=True, exist_ok=True)
    options = Options(durable=False, temporal=temporal.Kind.CLUSTER)
    with Stack(STACKS / f"cluster-{os.getpid()}", options) as stack:
        stack.start("temporal")
        yield stack
    stack.remove()


@NEEDS_PROGRAMS
async def test_a_client_without_a_certificate_gets_nothing_on_any_roles_port(cluster: Stack, tmp_path: Path) -> None:
    plan = cluster.layout.temporal_plan()
    (tmp_path / "foreign").mkdir()
    foreign = Certificates(tmp_path / "foreign")
    foreign.make()
    doors = {
        (node.host, plan.port(node.role, kind)): (node.role, kind) for node in NODES for kind in ("grpc", "membership")
    }
    got = {}
    for (host, port), (role, kind) in doors.items():
        got[role, kind, "plain"] = await _asked(host, port, None)
        got[role, kind, "no certificate"] = await _asked(host, port, _context(plan.certificates, None))
        got[role, kind, "foreign"] = await _asked(host, port, _context(plan.certificates, foreign.product))
        if (role, kind) != ("frontend", "grpc"):
            got[role, kind, "the product's"] = await _asked(
                host, port, _context(plan.certificates, plan.certificates.product)
            )
    assert {who: what for who, what in got.items() if what} == {}
    speaks = {who: await _shakes_hands(*place, plan.certificates) for place, who in doors.items()}
    assert speaks == dict.fromkeys(speaks, True), "a port that speaks no TLS to its own proves nothing of strangers"
    let_in = await _asked(HOSTS[0], plan.port("frontend"), _context(plan.certificates, plan.certificates.product))
    assert let_in, "nobody gets in at all, so the others prove nothing"
    own = {"TEMPORAL_ADDRESS": cluster.layout.temporal.address, "TEMPORAL_TLS": "true"}
    for given in ({"TEMPORAL_ADDRESS": own["TEMPORAL_ADDRESS"]}, own):
        with pytest.raises(RuntimeError):
            await connect(given)


async def _shakes_hands(host: str, port: int, made: Certificates) -> bool:
    """Whether a node is let in there."""
    try:
        async with asyncio.timeout(3):
            context = _context(made, made.node)
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=agreed.SERVER_NAME)
            writer.transport.abort()
    except (OSError, TimeoutError):
        return False
    return True


async def _asked(host: str, port: int, context: ssl.SSLContext | None) -> bytes:
    """What a stranger is told; an alert of TLS is nothing."""
    try:
        async with asyncio.timeout(3):
            name = agreed.SERVER_NAME if context else None
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
            writer.write(HELLO)
            told = await reader.read(100)
            writer.transport.abort()
    except (OSError, TimeoutError):
        return b""
    return b"" if told[:1] == bytes([TLS_ALERT]) else told


def _context(made: Certificates, own: Pair | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(made.nodes_authority.certificate))
    context.set_alpn_protocols(["h2"])
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


@NEEDS_PROGRAMS
async def test_what_the_cluster_says_of_our_certificate_is_a_sentence(cluster: Stack, tmp_path: Path) -> None:
    made = cluster.layout.certificates
    (tmp_path / "foreign").mkdir()
    foreign = Certificates(tmp_path / "foreign")
    foreign.make()
    address = {"TEMPORAL_ADDRESS": cluster.layout.temporal.address}
    assert await trouble_with(cluster.layout.temporal.environment) is None
    assert "只接受 TLS" in str(await trouble_with(address))
    given = address | {
        "TEMPORAL_TLS_SERVER_NAME": agreed.SERVER_NAME,
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(made.nodes_authority.certificate),
    }
    assert "要求客户端证书" in str(await trouble_with(given))
    pair = foreign.product
    given |= {"TEMPORAL_TLS_CLIENT_CERT_PATH": str(pair.certificate), "TEMPORAL_TLS_CLIENT_KEY_PATH": str(pair.key)}
    assert "不接受这里的客户端证书" in str(await trouble_with(given))
    sign(made.clients_authority, pair, "product", (ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert await trouble_with(given) is None


@NEEDS_PROGRAMS
def test_everything_of_it_listens_on_loopback(cluster: Stack) -> None:
    keeper = psutil.Process(cluster.pid("temporal"))
    family = [keeper, *keeper.children(recursive=True)]
    found = {c.laddr.ip for one in family for c in one.net_connections() if c.status == "LISTEN"}
    assert found == {"127.0.0.1", *HOSTS}


@NEEDS_PROGRAMS
async def test_runs_outlive_its_nodes_and_new_certificates(cluster: Stack) -> None:
    environment = cluster.layout.temporal.environment
    client = await connect(environment)
    handle = await client.start_workflow("NobodysWorkflow", id="waiting", task_queue="nobodys")
    handed: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
    following = asyncio.create_task(follow_certificates(environment, handed.set_result, every_seconds=0.1))
    await asyncio.sleep(0)  # it has looked once
    cluster.layout.certificates.make()
    renewed = await asyncio.wait_for(handed, 20)
    following.cancel()
    for role in ("frontend", "history", "matching"):
        wait_back(cluster, end(cluster, signal.SIGKILL, *nodes_of(cluster, role)))
        await _goes_on(client, "waiting")
    wait_back(cluster, end(cluster, signal.SIGKILL, "temporal-postgres"))
    await _goes_on(client, "waiting")
    assert (await renewed.get_workflow_handle("waiting").describe()).run_id == handle.first_execution_run_id


async def _goes_on(client: Client, run: str) -> None:
    """The longest a node's place is empty, and then some."""
    async with asyncio.timeout(40):
        while True:
            try:
                await client.get_workflow_handle(run).signal("spoken", "well")
                return
            except RPCError:
                await asyncio.sleep(0.2)


@NEEDS_PROGRAMS
async def test_a_kill_of_its_keeper_takes_everything_along_and_its_runs_are_found_again(cluster: Stack) -> None:
    client = await connect(cluster.layout.temporal.environment)
    await client.start_workflow("NobodysWorkflow", id="kept", task_queue="nobodys")
    left = all_of_it(cluster.layout.run)
    os.kill(cluster.pid("temporal"), signal.SIGKILL)
    _, alive = psutil.wait_procs(left, timeout=20)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    cluster.kill("temporal")
    cluster.start("temporal")
    again = await connect(cluster.layout.temporal.environment)
    assert (await again.get_workflow_handle("kept").describe()).status is not None
    assert temporal.retention(cluster.layout.temporal.environment) == agreed.RETENTION


def test_a_home_of_before_gets_what_the_cluster_needs(tmp_path: Path) -> None:
    """And a stack without a cluster takes no port for it."""
    first = Layout(tmp_path / "home", Options(temporal=temporal.Kind.DEV))
    assert not set(PORTS) & set(first.ports)
    kept = tmp_path / "home" / "keys" / "stack.json"
    said = json.loads(kept.read_text())
    del said["temporal_password"]
    kept.write_text(json.dumps(said))
    second = Layout(tmp_path / "home", Options(temporal=temporal.Kind.CLUSTER))
    assert set(PORTS) <= set(second.ports)
    assert second.secrets.temporal_password
    assert first.ports.items() <= second.ports.items()


async def test_nobody_is_let_to_one_that_listens_but_has_not_answered(tmp_path: Path) -> None:
    """A frontend listens before it serves: whoever came to it then would be refused."""
    silent, serving = await _speaking(b"silent"), await _speaking(b"serving")
    addresses = [server.sockets[0].getsockname() for server in (silent, serving)]
    loop, looks, known = asyncio.get_running_loop(), Counter[Backend](), asyncio.Event()

    async def answers(of: Backend) -> bool:
        looks[of] += 1
        if looks[addresses[1]] == 3:
            loop.call_soon_threadsafe(known.set)
        # At the first look nobody serves.
        return of == addresses[1] and looks[of] > 1

    port = assign_ports(tmp_path / "ports.json", ["door"])["door"]
    door = Door(port, addresses, answers)
    door.open()
    try:
        assert await _heard(port) == b""
        # At its third look the second one's answer is known.
        await asyncio.wait_for(known.wait(), 10)
        assert [await _heard(port) for _ in range(4)] == [b"serving"] * 4
        serving.close()
        assert await _heard(port) == b""
    finally:
        door.close()
        silent.close()


@dataclass
class Passage:
    """A connection through a door: this end, and a backend's; `answers` is whether that one does when looked at."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    backend: asyncio.StreamWriter
    at_backend: asyncio.StreamReader
    listening: asyncio.Server
    answers: bool = True
    looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def looked(self, times: int) -> None:
        """At the backend, from now on."""
        self.looks = asyncio.Semaphore(0)
        for _ in range(times):
            await asyncio.wait_for(self.looks.acquire(), 10)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 10)


@pytest.fixture
async def passage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Passage]:
    monkeypatch.setattr(doors, "_LOOK_EVERY_S", 0.02)
    come: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    known = asyncio.Event()
    made: list[Passage] = []

    async def comes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first is the one that passes; after it the door looks whether others are taken."""
        if made:
            writer.close()
        else:
            await come.put((reader, writer))

    listening = await asyncio.start_server(comes, "127.0.0.1", 0)

    async def answers(_: Backend) -> bool:
        loop.call_soon_threadsafe(known.set)
        for one in made:
            loop.call_soon_threadsafe(one.looks.release)
        return all(one.answers for one in made)

    loop = asyncio.get_running_loop()
    port = assign_ports(tmp_path / "ports.json", ["door"])["door"]
    door = Door(port, [listening.sockets[0].getsockname()], answers)
    door.open()
    try:
        await asyncio.wait_for(known.wait(), 10)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at_backend, backend = await asyncio.wait_for(come.get(), 10)
        made.append(Passage(reader, writer, backend, at_backend, listening))
        yield made[0]
        for each in (writer, backend):
            each.close()
    finally:
        door.close()
        listening.close()


async def test_who_only_listens_learns_that_a_connection_broke(passage: Passage) -> None:
    """A frontend that is killed resets what it had; one that is back at the next look was never silent."""
    passage.backend.write(b"the last")
    _reset(passage.backend)
    assert await passage.rest() == b"the last"


async def test_who_has_said_all_hears_the_answer(passage: Passage) -> None:
    passage.writer.write_eof()
    assert await passage.at_backend.read() == b""
    passage.backend.write(b"answer")
    passage.backend.close()
    assert await passage.rest() == b"answer"


async def test_who_breaks_while_much_is_said_to_it_is_noticed(passage: Passage) -> None:
    """Until nothing goes on: what it can't take yet waits all the way back."""
    passage.backend.write(bytes(32 << 20))
    waiting = -1
    while (now := passage.backend.transport.get_write_buffer_size()) != waiting:
        waiting = now
        await passage.looked(5)
    assert waiting > 0
    _reset(passage.writer)
    assert await asyncio.wait_for(passage.at_backend.read(), 10) == b""
    passage.backend.close()
    await asyncio.wait_for(passage.backend.wait_closed(), 10)


async def test_one_that_ends_says_first_what_it_still_owes(passage: Passage) -> None:
    """A frontend that is told to end takes no more connections, and waits for what workers had asked before."""
    passage.listening.close()
    passage.answers = False
    await passage.looked(5)
    passage.backend.write(b"a task")
    assert await passage.reader.readexactly(6) == b"a task"


async def test_one_that_is_silent_is_left(passage: Passage) -> None:
    """A frozen one listens on, and says no more."""
    passage.answers = False
    assert await passage.rest() == b""


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _speaking(word: bytes) -> asyncio.Server:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(word)
        writer.close()

    return await asyncio.start_server(speak, "127.0.0.1", 0)


async def _heard(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()

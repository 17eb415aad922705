"""PostgreSQL turns read-only, or has no room left: no 2xx without a durable row, and it recovers by itself."""

import asyncio
import base64
import pwd
import random
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
import pytest
from temporalio.client import Client

from deploy.stack import Stack, temporal
from models.store.runs.runs import open_run
from models.store.texts import open_text
from models.words.staff import Role
from tests.api_server import COUNTY, PROVINCE, YEAR, ApiServer, api_server
from tests.county_office import Office, lines
from tests.platform_posts import policy_reviewed, post_event
from tests.province import Province
from tests.statements import rows_of
from tests.tiny_runs import eventually, fresh_queue, fresh_subject, noted, tiny_worker

pytest_plugins = ["tests.province_fixtures"]
Found = TypeVar("Found")
SEED = 20_263
MIB = 1024 * 1024
# More than a segment of the write-ahead log has: the log goes on, a table of this size doesn't.
ROOM = 24 * MIB
LARGE = 5 * MIB
# Each connection hears that it may only read in its own moment: between two statements, at once.
MOST_BEFORE_IT_HEARS = 200


@pytest.fixture
async def server(database_url: str, tmp_path: Path, temporal_client: Client) -> AsyncIterator[ApiServer]:
    """With a relay and a run that listens."""
    queue = fresh_queue()
    settings: dict[str, Any] = {
        "temporal_task_queue": queue,
        "temporal_namespace": temporal.NAMESPACE,
        "relay_poll_seconds": 0.1,
    }
    async with (
        api_server(database_url, tmp_path, temporal=temporal_client, **settings) as running,
        tiny_worker(temporal_client, queue),
    ):
        yield running


@dataclass
class Posting:
    """Callbacks and acts of a clerk, one after the other, and what was said to each."""

    server: ApiServer
    reference: str
    callbacks: dict[str, int] = field(default_factory=dict)
    acts: dict[str, int] = field(default_factory=dict)
    over: bool = False

    async def run(self) -> None:
        while not self.over:
            number = f"{len(self.callbacks):05d}"
            self.callbacks[f"evt-{number}"] = await self._callback(f"evt-{number}")
            self.acts[f"act-{number}"] = await self.act(f"act-{number}")

    async def act(self, key: str) -> int:
        return (await self.server.post(Role.OPERATOR, "/batches", _batch(key), key=key)).status_code

    async def _callback(self, event_id: str) -> int:
        return (await post_event(self.server, event_id, policy_reviewed(self.reference))).status_code

    def seen(self, *codes: int) -> int:
        return sum(code in codes for code in (*self.callbacks.values(), *self.acts.values()))


async def test_a_database_that_turns_read_only_again_and_again(
    server: ApiServer, servers: Stack, temporal_client: Client
) -> None:
    """As after a failover, or as providers do when the disk is nearly full: live connections are in it too."""
    print(f"seed {SEED}")
    dice, subject = random.Random(SEED), fresh_subject()
    async with server.database.transaction() as session:
        await open_run(session, subject)
    posting = Posting(server, f"{subject.number}.1")
    running = asyncio.create_task(posting.run())
    try:
        for _ in range(3):
            await _more(posting, dice.randint(4, 12), 201, 204)
            with read_only(servers):
                await _more(posting, dice.randint(4, 12), 503)
                health = (await server.http.get("/health")).json()
                assert (health["status"], health["database"], health["database_writable"]) == ("degraded", True, False)
            await _more(posting, dice.randint(4, 12), 201, 204)
    finally:
        posting.over = True
        await running
    assert set(posting.callbacks.values()) == {204, 503}
    assert set(posting.acts.values()) == {201, 503}
    assert await _stored(server, "SELECT event_id FROM inbox") == _taken(posting.callbacks)
    titles = await _stored(server, "SELECT title_sealed FROM batch")
    assert {open_text(server.vault, COUNTY, title) for title in titles} == _taken(posting.acts)
    refused = next(key for key, code in posting.acts.items() if code == 503)
    assert await posting.act(refused) == 201

    async def all_delivered() -> bool:
        return not await _stored(server, "SELECT id::text FROM inbox WHERE state <> 'delivered'")

    await eventually(all_delivered)
    ids = await _stored(server, "SELECT id::text FROM inbox")
    assert set(await noted(temporal_client, subject.workflow_id)) == ids
    assert (await server.http.get("/health")).json()["status"] == "ok"


def test_a_flow_goes_on_through_it_and_pays_once(province: Province, servers: Stack) -> None:
    """Rounds, summary and payments while the database is read-only again and again, for worker and callbacks alike."""
    office, dice = Office(province), random.Random(SEED)
    batch_no, numbers = office.verified(lines(5))
    flow_no = _interrupted(province, servers, dice, lambda: office.begin(batch_no))
    office.at(flow_no, "county_review", seconds=60)
    _interrupted(province, servers, dice, lambda: office.hand_in(flow_no))
    office.at(flow_no, "summary_approved", seconds=60)
    _interrupted(province, servers, dice, lambda: office.pay(flow_no))
    assert office.at(flow_no, "ended", seconds=60)["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 5, "paid": 5}
    ledger = province.platform.ask("GET", f"/ledger?county_code={office.code}")["applications"]
    assert {one["application_no"]: one["paid_count"] for one in ledger} == dict.fromkeys(numbers, 1)


def _interrupted(province: Province, servers: Stack, dice: random.Random, act: Callable[[], Found]) -> Found:
    """The act, then read-only three times for as long as some refused acts take."""
    found, headers, taken = act(), province.county().operator._headers, 0
    [(before,)] = province.rows("SELECT count(*) FROM batch")
    for _ in range(3):
        with read_only(servers):
            refused, enough = 0, dice.randint(2, 8)
            while refused < enough:
                assert taken < MOST_BEFORE_IT_HEARS, "a connection that never hears of it"
                key = {"Idempotency-Key": secrets.token_hex(8)}
                code = province.http.post("/batches", json=_batch("批次"), headers=headers | key).status_code
                assert code in (201, 503)
                taken, refused = taken + (code == 201), refused + (code == 503)
        for _ in range(dice.randint(0, 8)):
            assert province.http.get("/batches", headers=headers).status_code == 200
    assert province.rows("SELECT count(*) FROM batch") == [(before + taken,)]
    return found


async def test_no_room_for_a_row_is_no_acknowledgement(server: ApiServer, servers: Stack) -> None:
    """The server may not make a file larger than ROOM: what a full disk says to a growing table, for one table only."""
    codes: dict[str, int] = {}
    bodies: dict[str, bytes] = {}
    with no_file_beyond(servers, ROOM):
        for number in range(12):
            event_id = f"large-{number}"
            bodies[event_id] = base64.b64encode(secrets.token_bytes(LARGE * 3 // 4))
            codes[event_id] = (await post_event(server, event_id, bodies[event_id])).status_code
            if codes[event_id] != 204:
                break
        assert set(codes.values()) == {204, 503}
        assert (await post_event(server, "small", b"{}")).status_code == 204
        assert await _stored(server, "SELECT event_id FROM inbox") == _taken(codes) | {"small"}
    refused = next(event_id for event_id, code in codes.items() if code == 503)
    assert (await post_event(server, refused, bodies[refused])).status_code == 204
    assert await _stored(server, "SELECT event_id FROM inbox") == {*codes, "small"}
    async with server.database.reading() as session:
        rows = await rows_of(session, "SELECT event_id, body FROM inbox WHERE event_id <> 'small'")
    for event_id, body in rows:
        assert server.vault.open_body(f"{PROVINCE}/{event_id}", body) == bodies[event_id]


@contextmanager
def read_only(servers: Stack) -> Iterator[None]:
    with servers.layout.cluster.connect() as connection:
        _set(connection, "on")
        try:
            yield
        finally:
            connection.execute("SET default_transaction_read_only = off")
            _set(connection, "off")


def _set(connection: "psycopg.Connection[tuple[object, ...]]", to: str) -> None:
    connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {to}")
    connection.execute("SELECT pg_reload_conf()")


@contextmanager
def no_file_beyond(servers: Stack, size: int) -> Iterator[None]:
    def limit(most: str) -> None:
        first, account = psutil.Process(servers.pid("postgres")), servers.layout.cluster.account
        group = pwd.getpwnam(account).pw_gid if account else None
        for process in (first, *first.children()):
            wish = ["prlimit", "--pid", str(process.pid), f"--fsize={most}:unlimited"]
            subprocess.run(wish, user=account, group=group, extra_groups=None if group is None else [], check=True)

    limit(str(size))
    try:
        yield
    finally:
        limit("unlimited")


def _batch(title: str) -> dict[str, object]:
    return {"title": title, "fund_year": YEAR}


async def _more(posting: Posting, count: int, *codes: int) -> None:
    enough = posting.seen(*codes) + count

    async def reached() -> bool:
        return posting.seen(*codes) >= enough

    await eventually(reached)


def _taken(said: dict[str, int]) -> set[str]:
    return {key for key, code in said.items() if code != 503}


async def _stored(server: ApiServer, statement: str) -> set[str]:
    async with server.database.reading() as session:
        return {str(row[0]) for row in await rows_of(session, statement)}

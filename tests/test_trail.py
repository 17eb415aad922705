"""The trail proves something: what is done to it is refused, or found by whoever holds it against what was signed."""

import base64
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError
from psycopg.errors import InsufficientPrivilege, RaiseException
from sqlalchemy import make_url
from temporalio.client import Client, ScheduleOverlapPolicy, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.trail_heads import TrailActivities
from deploy.stack import Stack, postgres
from deploy.stack.objects import Access
from models.contracts import HeadsSigned, Queue
from models.store.trail.check import PAGE, Break, check_trail
from models.store.trail.entries import by_system, record
from models.store.trail.heads import FOLDER, ahead, heads_of, last_head
from models.store.trail.restorations import Loss, note_restoration
from models.store.vault import KeyRing, LocalVault
from models.words.staff import Role
from models.words.stages import TrailBreak
from tests.api_server import COUNTY, OTHER_COUNTY, ApiServer, api_server, fresh_vault
from workflows.schedules import TRAIL_HEADS, keep_schedules, schedules_of
from workflows.trail_heads import TrailHeadsWorkflow

SIGNED, MORE = 8, 2
OF_COUNTY = f"county_code = '{COUNTY}'"
EDIT = f"UPDATE trail_entry SET total_fen = 1 WHERE {OF_COUNTY} AND sequence = 3"
REMOVAL = f"DELETE FROM trail_entry WHERE {OF_COUNTY} AND sequence = 3"
CUT = f"DELETE FROM trail_entry WHERE {OF_COUNTY} AND sequence > 6"
GONE = f"DELETE FROM trail_entry WHERE {OF_COUNTY}"
HEAD_BACK = f"""
UPDATE trail_head SET sequence = 6, chain = (SELECT chain FROM trail_entry WHERE {OF_COUNTY} AND sequence = 6)
WHERE {OF_COUNTY}
"""
HEAD_GONE = f"DELETE FROM trail_head WHERE {OF_COUNTY}"
RENUMBERED = f"{REMOVAL}; UPDATE trail_entry SET sequence = sequence - 1 WHERE {OF_COUNTY} AND sequence > 3"
# What is done to the rows, and what the verification says: where, and of which kind.
HARMS = {
    "an edit": ([EDIT], (3, "changed")),
    "a removal in the middle": ([REMOVAL], (3, "missing")),
    "a removal, the rest renumbered": (RENUMBERED.split(";"), (3, "changed")),
    "a cut tail": ([CUT], (7, "cut")),
    "a cut tail and its head": ([CUT, HEAD_BACK], (7, "cut")),
    "the head gone": ([HEAD_GONE], (1, "head_differs")),
    "the head put back": ([HEAD_BACK], (7, "head_differs")),
    "a whole county gone": ([GONE, HEAD_GONE], (1, "gone")),
    "entries emptied": (["TRUNCATE trail_entry"], (1, "gone")),
    "all emptied": (["TRUNCATE trail_entry, trail_head"], (1, "gone")),
}


SWITCHES = ("DISABLE", "ENABLE")
_buckets = count(1)


@pytest.fixture
def own_store(servers: Stack, s3_settings: Access) -> Access:
    """A bucket of this test's own: other tests' databases have the same counties."""
    bucket = f"trail-{os.getpid()}-{next(_buckets)}"
    client = servers.layout.objects.client()
    client.create_bucket(Bucket=bucket)
    client.close()
    return replace(s3_settings, bucket=bucket)


@pytest.fixture
async def server(database_url: str, tmp_path: Path, own_store: Access) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, own_store) as running:
        yield running


async def written(server: ApiServer, entries: int, county: str = COUNTY) -> None:
    for place in range(entries):
        async with server.database.transaction() as session:
            await record(session, server.vault, by_system(county, "noted", str(place), {"place": place}))


async def sign(server: ApiServer) -> HeadsSigned:
    return await TrailActivities(server.database, server.vault, server.objects).sign_heads()


async def told(server: ApiServer, county: str = COUNTY) -> dict[str, Any]:
    answer = await server.get(Role.COUNTY_ADMIN, "/trail/verification", county)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_whole_trail_is_said_to_be_whole_before_and_after_its_head_was_signed(server: ApiServer) -> None:
    assert (await told(server))["finding"] == "完整"
    await written(server, PAGE + 3)
    await written(server, 1, OTHER_COUNTY)
    assert (await told(server))["intact"]
    assert await sign(server) == HeadsSigned(counties=2, signed=2, broken=())
    assert await sign(server) == HeadsSigned(counties=2, signed=0, broken=())
    await written(server, 2)
    assert (await told(server))["signed_sequence"] == PAGE + 3
    assert (await sign(server)).signed == 1
    body = await told(server)
    assert (body["intact"], body["kind"], body["signed_sequence"]) == (True, None, PAGE + 5)


@pytest.mark.parametrize("harm", HARMS)
async def test_the_products_role_is_refused(server: ApiServer, app: psycopg.Connection, harm: str) -> None:
    await written(server, SIGNED)
    with pytest.raises((InsufficientPrivilege, RaiseException)):
        _do(app, HARMS[harm][0])
    assert (await told(server))["intact"]


@pytest.mark.parametrize("harm", HARMS)
async def test_the_owner_is_refused_too(server: ApiServer, owner: psycopg.Connection, harm: str) -> None:
    await written(server, SIGNED)
    with pytest.raises(RaiseException):
        _do(owner, HARMS[harm][0])
    assert (await told(server))["intact"]


@pytest.mark.parametrize("harm", HARMS)
async def test_an_owner_who_switches_the_guards_off_is_found(
    server: ApiServer, owner: psycopg.Connection, harm: str
) -> None:
    await written(server, SIGNED)
    await written(server, SIGNED, OTHER_COUNTY)
    await sign(server)
    statements, (place, kind) = HARMS[harm]
    _unguarded(owner, statements)
    body = await told(server)
    assert (body["intact"], body["first_bad_sequence"], body["kind"]) == (False, place, kind)
    assert str(place) in body["finding"]
    emptied = any(statement.startswith("TRUNCATE") for statement in statements)
    assert (await told(server, OTHER_COUNTY))["intact"] is not emptied


async def test_what_was_cut_stays_found_when_the_trail_goes_on(server: ApiServer, owner: psycopg.Connection) -> None:
    """A new head over what was cut off would make it forgotten: none is signed."""
    await written(server, SIGNED)
    await sign(server)
    _unguarded(owner, [CUT, HEAD_BACK])
    await written(server, 1)
    shorter = await sign(server)
    assert (shorter.signed, shorter.broken) == (0, (f"{COUNTY} 第 8 条起：末尾有记录缺失",))
    await written(server, SIGNED)
    longer = await sign(server)
    assert (longer.signed, longer.broken) == (0, (f"{COUNTY} 第 8 条起：与已签存的留痕末尾不符",))
    body = await told(server)
    assert (body["first_bad_sequence"], body["kind"]) == (8, "not_as_signed")


async def test_a_restoration_explains_the_heads_ahead_of_it_and_nothing_else(
    server: ApiServer, owner: psycopg.Connection
) -> None:
    """The database came back as it was two entries ago; what is cut off after that is found as ever."""
    await written(server, SIGNED)
    await sign(server)
    _unguarded(owner, [CUT, HEAD_BACK])
    assert (await told(server))["kind"] == "cut"
    keys = await heads_of(server.objects, COUNTY)
    at = datetime(2026, 11, 27, 10, 30, tzinfo=UTC)
    loss = Loss(at, at + timedelta(minutes=10), "li.wei", "磁盘损坏")
    async with server.database.transaction() as session:
        await note_restoration(session, server.vault, COUNTY, loss, ahead(keys, 6))
    assert (await sign(server)).broken == ()
    await written(server, SIGNED)
    assert (await sign(server)).signed == 1
    body = await told(server)
    assert (body["intact"], body["signed_sequence"]) == (True, 7 + SIGNED)
    assert "第 7 条" in body["finding"]
    (noted,) = body["restorations"]
    assert (noted["sequence"], noted["by"], noted["heads_ahead"]) == (7, "li.wei", 1)
    assert datetime.fromisoformat(noted["restored_to"]) == at
    _unguarded(owner, [CUT, HEAD_BACK])
    assert (await told(server))["kind"] == "cut"


async def test_a_county_that_is_gone_is_missed_at_the_signing(server: ApiServer, owner: psycopg.Connection) -> None:
    await written(server, SIGNED)
    await sign(server)
    _unguarded(owner, [GONE, HEAD_GONE])
    assert (await sign(server)).broken == (f"{COUNTY} 第 1 条起：全县留痕缺失",)


async def test_a_signed_head_is_never_written_over_and_a_changed_one_is_known(server: ApiServer) -> None:
    await written(server, SIGNED)
    await sign(server)
    (key,) = await server.objects.keys(f"{FOLDER}{COUNTY}/")
    content = await server.objects.read_plain(key)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        await server.objects.write_once(key, b"{}", "application/json")
    assert await server.objects.read_plain(key) == content
    for changed in (json.dumps(json.loads(content) | {"sequence": 2}).encode(), b"[]", b"\xff"):
        server.objects._client.put_object(Bucket=server.settings.s3_bucket, Key=key, Body=changed)
        assert (await told(server))["kind"] == "head_forged"
        assert (await sign(server)).broken


async def test_what_was_signed_before_a_rotation_still_holds(server: ApiServer) -> None:
    keys = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("k1", "k2", "index")}
    former = LocalVault(KeyRing(active="k1", keys={"k1": keys["k1"]}, index=keys["index"]))
    rotated = LocalVault(KeyRing(active="k2", keys={"k1": keys["k1"], "k2": keys["k2"]}, index=keys["index"]))
    for vault in (former, rotated):
        async with server.database.transaction() as session:
            await record(session, vault, by_system(COUNTY, "noted", "x", {}))
        await TrailActivities(server.database, vault, server.objects).sign_heads()
    signed, _ = await last_head(server.database, rotated, server.objects, COUNTY)
    assert signed is not None
    assert signed.signature.startswith("k2.")
    async with server.database.reading() as session:
        assert await check_trail(session, rotated, COUNTY, signed) is None
        # whoever lacks the keys can't say
        assert await check_trail(session, fresh_vault(), COUNTY, None) == Break(TrailBreak.CHANGED, 1)
        assert await check_trail(session, former, COUNTY, signed) == Break(TrailBreak.HEAD_FORGED, 2)


async def test_the_schedule_signs_and_a_broken_trail_fails_its_run(
    server: ApiServer, owner: psycopg.Connection, temporal_client: Client
) -> None:
    await written(server, SIGNED)
    queue = f"trail-{server.settings.s3_bucket}"
    hands = TrailActivities(server.database, server.vault, server.objects)
    async with (
        Worker(temporal_client, task_queue=queue, workflows=[TrailHeadsWorkflow]),
        Worker(temporal_client, task_queue=Queue.BULK.named(queue), activities=[hands.sign_heads]),
    ):
        for name in ("first", "second"):
            done = await temporal_client.execute_workflow(
                TrailHeadsWorkflow.run, id=f"{TRAIL_HEADS}/{queue}-{name}", task_queue=queue
            )
            assert (done.counties, done.signed) == (1, name == "first")
        _unguarded(owner, [CUT, HEAD_BACK])
        with pytest.raises(WorkflowFailureError) as failure:
            await temporal_client.execute_workflow(
                TrailHeadsWorkflow.run, id=f"{TRAIL_HEADS}/{queue}-third", task_queue=queue
            )
    assert isinstance(failure.value.cause, ApplicationError)
    assert (failure.value.cause.type, COUNTY in failure.value.cause.message) == ("TRAIL_BROKEN", True)


async def test_the_schedule_ticks_hourly_and_a_paused_one_stays_paused(temporal_client: Client) -> None:
    handle = temporal_client.get_schedule_handle(TRAIL_HEADS)
    await keep_schedules(temporal_client, schedules_of([], "nobodys", 24, 1))
    await handle.pause()
    await keep_schedules(temporal_client, schedules_of([], "nobodys-2", 24, 1))
    told = (await handle.describe()).schedule
    await handle.delete()
    assert [interval.every for interval in told.spec.intervals] == [timedelta(hours=1)]
    assert (told.state.paused, told.policy.overlap) == (True, ScheduleOverlapPolicy.SKIP)


def _unguarded(owner: psycopg.Connection, statements: list[str]) -> None:
    """As the tables' owner can."""
    off, on = ([f"ALTER TABLE trail_{table} {to} TRIGGER USER" for table in ("entry", "head")] for to in SWITCHES)
    _do(owner, [*off, *statements, *on])


def _do(connection: psycopg.Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


@pytest.fixture
def app(servers: Stack, database_url: str) -> Iterator[psycopg.Connection]:
    with servers.layout.cluster.connect(str(make_url(database_url).database), postgres.APP) as connection:
        yield connection

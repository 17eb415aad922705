"""Locks are taken in one order, waited for so long and no longer; who is ended for a deadlock is done once more."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.stack import Stack
from models.store.database import BOUNDS, Bounds, Database, Pool, options_of
from models.store.lock_order import TABLES, Rank, Turns, WrongOrder, ranks_of
from models.store.locking import hold, lock_county
from models.store.sql import execute, fetch_int
from models.store.trail.entries import by_system, record
from models.tables.metadata import metadata
from tests.databases import staged_deadlocks
from tests.rows import COUNTY, Line, Office, add_ground, open_office
from tests.statements import one_row
from tests.two_writers import until_blocked

SHORT = Bounds(1, 1, wait_seconds=1, lock_seconds=0.2, statement_seconds=5)
SLOW = Bounds(1, 1, wait_seconds=1, lock_seconds=5, statement_seconds=0.2)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as open_one:
        yield open_one


# --- the order


def test_locks_are_taken_from_top_to_bottom() -> None:
    turns = Turns()
    assert turns.take(Rank.COUNTY, "500001")
    assert turns.take(Rank.BATCH)
    assert turns.take(Rank.TRAIL)
    with pytest.raises(WrongOrder, match="FLOW after TRAIL"):
        turns.take(Rank.FLOW)


def test_what_is_held_is_taken_again_at_any_time_and_another_name_is_not() -> None:
    turns = Turns()
    assert turns.take(Rank.REQUEST, "K-1")
    assert turns.take(Rank.APPLICATION)
    assert not turns.take(Rank.REQUEST, "K-1")
    assert not turns.take(Rank.APPLICATION)
    with pytest.raises(WrongOrder):
        turns.take(Rank.REQUEST, "K-2")


@pytest.mark.parametrize(
    ("statement", "ranks"),
    [
        ("UPDATE flow_line SET state = 'held'", ()),
        ("UPDATE batch SET stage = 'done'", (Rank.BATCH,)),
        ("WITH h AS (UPDATE trail_head SET chain = :c) INSERT INTO trail_entry VALUES (1)", (Rank.TRAIL,)),
        ("INSERT INTO number_series (series, last) VALUES (:s, 1) ON CONFLICT DO NOTHING", (Rank.SERIES,)),
        ("INSERT INTO flow_line SELECT 1 FROM application", ()),
        ("SELECT 1 FROM application", ()),
    ],
)
def test_a_statement_takes_the_rows_that_it_changes(statement: str, ranks: tuple[Rank, ...]) -> None:
    assert ranks_of(statement) == ranks


def test_every_ranked_table_is_there() -> None:
    assert set(TABLES) <= set(metadata.tables)


async def test_a_transaction_that_goes_back_is_refused_and_each_begins_anew(office: Office) -> None:
    async def lines_then_county() -> None:
        async with office.database.transaction() as session:
            await execute(session, "UPDATE application SET updated_at = now()")
            await lock_county(session, COUNTY)

    with pytest.raises(WrongOrder, match="COUNTY after APPLICATION"):
        await lines_then_county()
    async with office.database.transaction() as session:
        await lock_county(session, COUNTY)
        await execute(session, "UPDATE application SET updated_at = now()")
    async with office.database.reading() as session:
        await execute(session, "UPDATE application SET updated_at = now()")
        await execute(session, "UPDATE batch SET updated_at = now()")


def test_nobody_locks_behind_the_orders_back() -> None:
    """Names are held and rows are locked by `locking` only; who skips what others hold waits for nobody."""
    root = Path(__file__).resolve().parents[1]
    waits = re.compile(
        r"pg_advisory|FOR (NO KEY )?(UPDATE|SHARE)(?!( OF \w+)? SKIP LOCKED)|with_for_update\((?!skip_locked)"
    )
    files = [file for room in ("models", "activities", "api") for file in (root / room).rglob("*.py")]
    found = [file.relative_to(root).as_posix() for file in files if waits.search(file.read_text())]
    assert found == ["models/store/locking.py"]


async def test_the_trail_is_written_last_and_for_what_stands_only(office: Office) -> None:
    async with office.database.transaction() as session:
        for county, act in (("500003", "second"), ("500001", "first"), ("500001", "then")):
            await record(session, office.vault, by_system(county, act, "x", {}))
        with suppress(RuntimeError):
            async with session.begin_nested():
                await record(session, office.vault, by_system("500001", "taken_back", "x", {}))
                raise RuntimeError
        async with session.begin_nested():
            await record(session, office.vault, by_system("500001", "nested", "x", {}))
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry") == 0
        await lock_county(session, COUNTY)
    acts = await office.rows("SELECT county_code, act FROM trail_entry ORDER BY id")
    assert acts == [("500001", "first"), ("500001", "then"), ("500001", "nested"), ("500003", "second")]


# --- crosswise


async def test_an_act_that_is_ended_for_a_deadlock_is_done_once_more(
    servers: Stack, database_url: str, tmp_path: Path
) -> None:
    """Somebody outside the order holds a line and wants the county, the act holds the county and wants the line."""
    name = database_url.rpartition("/")[2]
    with servers.layout.cluster.connect(name) as admin:
        # nobody looks for a deadlock before both wait, and it is the act that finds it
        admin.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '3s'")
    async with open_office(database_url, tmp_path) as office:
        ground = await add_ground(office, [Line()])
        with servers.layout.cluster.connect(name) as stranger, stranger.transaction():
            stranger.execute("SET LOCAL deadlock_timeout = '60s'")
            stranger.execute("SELECT 1 FROM application WHERE application_no = %s FOR UPDATE", ground.numbers[:1])
            body = {"selection": {"application_nos": ground.numbers}, "reason": "本人放弃"}
            acting = asyncio.create_task(office.post("/application-withdrawals", body))
            await until_blocked(office.database, acting)
            staged_deadlocks[name] += 1
            wanted = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
            await asyncio.to_thread(stranger.execute, wanted, [f"applications/{COUNTY}"])
        answer = await acting
        assert (answer.status_code, answer.json()["count"]) == (200, 1)
        assert await office.rows("SELECT count(*) FROM trail_entry WHERE act = 'applications.withdrawn'") == [(1,)]
        assert await office.rows("SELECT count(*) FROM idempotent_answer") == [(1,)]


# --- waiting


@pytest.mark.parametrize("kind", list(Pool))
async def test_each_kind_of_work_waits_so_long_and_no_longer(database_url: str, kind: Pool) -> None:
    database = Database(create_async_engine(database_url, **options_of(BOUNDS[kind], 1)))
    async with database.reading() as session:
        row = await one_row(
            session,
            "SELECT extract(epoch FROM current_setting('lock_timeout')::interval),"
            " extract(epoch FROM current_setting('statement_timeout')::interval)",
        )
    await database.dispose()
    assert row is not None
    assert tuple(row) == (BOUNDS[kind].lock_seconds, BOUNDS[kind].statement_seconds)
    assert 0 < BOUNDS[kind].lock_seconds < BOUNDS[kind].statement_seconds


@pytest.mark.parametrize(("bounds", "code"), [(SHORT, "BUSY"), (SLOW, "TOO_SLOW")], ids=["lock", "statement"])
async def test_who_waits_too_long_hears_when_to_come_again(
    office: Office, database_url: str, tmp_path: Path, bounds: Bounds, code: str
) -> None:
    ground = await add_ground(office, [Line()])
    patient = office.app.state.parts.database
    hasty = Database(create_async_engine(database_url, **options_of(bounds, 2)))
    office.app.state.parts = replace(office.app.state.parts, database=hasty)
    async with patient.transaction() as session:
        await execute(session, "LOCK TABLE application")
        answers = [await office.get("/applications"), await office.get(f"/applications/{ground.numbers[0]}")]
    office.app.state.parts = replace(office.app.state.parts, database=patient)
    await hasty.dispose()
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert int(answer.headers["retry-after"]) > 0
    assert (await office.get("/applications")).status_code == 200


async def test_an_act_waits_for_its_county_as_long_as_a_desk_does_and_changes_nothing(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    body = {"selection": {"application_nos": ground.numbers}, "reason": "本人放弃"}
    async with office.database.transaction() as session:
        await hold(session, Rank.COUNTY, f"applications/{COUNTY}")
        refused = await office.post("/application-withdrawals", body, key="again")
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert (await office.post("/application-withdrawals", body, key="again")).status_code == 200
    async with office.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry") == 1

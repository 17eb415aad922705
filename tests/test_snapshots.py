"""What one answer says belongs to one moment, also when somebody commits between two of its statements."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import InternalError

from models.store.sql import execute, fetch_int
from tests.rows import Line, Office, add_flow, add_ground, add_summary, count_of, open_office
from tests.tiny_runs import eventually


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def _answered_across(office: Office, path: str, table: str, *changes: str) -> None:
    """The answer's first statement sees the rows as they are; those of `table` wait until the changes are committed."""
    before = (await office.get(path)).json()
    async with office.database.transaction() as session:
        await execute(session, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        asking = asyncio.create_task(office.get(path))

        async def waits() -> bool:
            return await count_of(office, "pg_locks WHERE NOT granted") > 0

        await eventually(waits)
        for change in changes:
            await execute(session, change)
    assert (await asking).json() == before
    assert (await office.get(path)).json() != before


async def test_after_a_snapshot_the_servers_no_to_writing_still_counts(office: Office) -> None:
    """As when a disk is nearly full: live connections turn read-only, those that have served a snapshot too."""
    database = office.database
    async with database.snapshot() as session:
        served = await fetch_int(session, "SELECT pg_backend_pid()")
    async with database.reading() as session:
        await execute(session, "SET default_transaction_read_only = on")
        assert await fetch_int(session, "SELECT pg_backend_pid()") == served
    with pytest.raises(InternalError, match="read-only transaction"):
        async with database.transaction() as session:
            await execute(session, "DELETE FROM run")
    async with database.reading() as session:
        await execute(session, "SET default_transaction_read_only = off")


@pytest.mark.parametrize("path", ["/batches/{no}", "/batches"])
async def test_a_batch_and_its_figures(office: Office, path: str) -> None:
    ground = await add_ground(office, [Line(), Line()])
    lines = "UPDATE application SET stage = 'in_flow', version = version + 1"
    batch = "UPDATE batch SET stage = 'in_flow'"
    await _answered_across(office, path.format(no=ground.batch_no), "batch_tally", batch, lines)


@pytest.mark.parametrize(
    ("path", "table"), [("/flows/{no}", "flow_tally"), ("/flows", "flow_tally"), ("/flows/{no}/summary", "flow_line")]
)
async def test_a_flow_and_its_lines(office: Office, path: str, table: str) -> None:
    flow_no = await add_flow(office, await add_ground(office, [Line(), Line()]))
    await add_summary(office, flow_no)
    lines = "UPDATE flow_line SET state = 'withdrawn', money = 'released'"
    flow = "UPDATE flow SET stage = 'county_passed'"
    await _answered_across(office, path.format(no=flow_no), table, flow, lines)


async def test_an_application_and_its_photos(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    file = (
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at) SELECT a.id, 'portrait', f.id, now()"
    )
    photo = f"{file} FROM application a, (SELECT min(id) AS id FROM stored_file) f"
    line = "UPDATE application SET version = version + 1"
    await _answered_across(office, f"/applications/{ground.numbers[0]}", "application_photo", line, photo)

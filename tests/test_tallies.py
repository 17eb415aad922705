"""A batch's sums go with its applications, whoever changes them, and nobody waits for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import execute
from tests.rows import Line, Office, add_ground, open_office
from tests.tallies import UNLIKE_LINES

# What an application's way changes of it; in no index, so that its row is rewritten on its page.
_CHANGES = {"stage", "stage_since", "match_outcome", "verification", "verification_reason_sealed", "payments"}
_CHANGES |= {"reviewed_by", "edited_by", "returned_reason_sealed", "settlement_material_at", "updated_at", "version"}
_INDEXED = """
SELECT DISTINCT a.attname::text FROM pg_index i JOIN pg_depend d ON d.classid = 'pg_class'::regclass
  AND d.objid = i.indexrelid AND d.refobjid = i.indrelid JOIN pg_attribute a ON a.attrelid = i.indrelid
  AND a.attnum = d.refobjsubid WHERE i.indrelid = 'application'::regclass
"""


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def _withdraw(session: AsyncSession, number: str) -> None:
    await execute(session, "SET LOCAL lock_timeout = '2s'")
    await execute(session, "UPDATE application SET stage = 'withdrawn' WHERE application_no = :number", number=number)


async def test_two_who_change_a_batch_at_once_dont_wait(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200), Line(amount_fen=400)])
    one, other, third = ground.numbers
    async with office.database.transaction() as first:
        await _withdraw(first, one)
        async with office.database.transaction() as second:
            await _withdraw(second, other)
        assert await office.rows(UNLIKE_LINES) == []
    assert await office.rows(UNLIKE_LINES) == []
    parts = {stage["stage"]: (stage["count"], stage["total_fen"]) for stage in await _stages(office, ground.batch_no)}
    assert parts == {"in_batch": (1, 400), "withdrawn": (2, 300)}
    async with office.database.transaction() as last:
        await _withdraw(last, third)
    assert await office.rows(UNLIKE_LINES) == []
    assert await office.rows("SELECT stage, lines, fen FROM batch_tally") == [("withdrawn", 3, 700)]


async def _stages(office: Office, batch_no: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await office.get(f"/batches/{batch_no}")).json()["stages"]
    return found


async def test_a_line_counts_in_the_batch_that_it_is_in(office: Office, owner: psycopg.Connection) -> None:
    ground = await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200)])
    later = await add_ground(office, [Line(amount_fen=400)])
    await office.run("UPDATE application SET batch_id = :batch WHERE amount_fen = 200", batch=later.batch_id)
    assert await office.rows(UNLIKE_LINES) == []
    await office.run("UPDATE application SET batch_id = NULL, stage = 'matched', amount_fen = 300")
    assert await office.rows("SELECT * FROM batch_tally") == []
    owner.execute("UPDATE application SET batch_id = %s WHERE amount_fen = 300", (ground.batch_id,))
    owner.execute("DELETE FROM application WHERE id = (SELECT max(id) FROM application)")
    assert await office.rows("SELECT batch_id, stage, lines, fen FROM batch_tally") == [
        (ground.batch_id, "matched", 2, 600)
    ]


async def test_what_an_applications_way_changes_is_in_no_index(office: Office) -> None:
    indexed = {str(name) for (name,) in await office.rows(_INDEXED)}
    assert {"list_id", "batch_id", "verification_held"} <= indexed
    assert not indexed & _CHANGES


@pytest.mark.parametrize(
    "change",
    [
        "stage = 'failed'",
        "amount_fen = amount_fen + 1",
        "list_id = 7",
        "match_outcome = 'not_found'",
        "edited_by = '{op.li}'",
        "reviewed_by = 're.qian'",
        "returned_reason_sealed = 'x'",
        "stage = 'draft', returned_reason_sealed = 'x', reviewed_by = NULL",
    ],
)
async def test_an_application_stands_where_it_is(office: Office, owner: psycopg.Connection, change: str) -> None:
    """One by one, several at once, and when it is gone."""
    await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200), Line(amount_fen=400)])
    assert await office.rows(UNLIKE_LINES) == []
    await office.run(f"UPDATE application SET {change} WHERE amount_fen = 200")
    assert await office.rows(UNLIKE_LINES) == []
    await office.run(f"UPDATE application SET {change}")
    assert await office.rows(UNLIKE_LINES) == []
    owner.execute("DELETE FROM application WHERE id = (SELECT max(id) FROM application)")
    assert await office.rows("SELECT count(*) FROM application_standing") == [(2,)]
    assert await office.rows(UNLIKE_LINES) == []

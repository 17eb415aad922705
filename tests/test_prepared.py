"""A connection keeps what is prepared on it: whatever is done in between, no statement is planned anew for that."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.database import Database
from models.store.sql import drop_scratch, fetch, fetch_int, scratch

ROOT = Path(__file__).parents[1]
ASKED = "SELECT count(*) FROM application WHERE county_code = :county"
# The driver's own number of times before it prepares a statement.
OFTEN = 6


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(create_async_engine(database_url, pool_size=1, max_overflow=0))
    async with database.transaction() as session:
        for _ in range(OFTEN):
            await fetch_int(session, ASKED, county="500001")
    yield database
    await database.dispose()


async def _is_prepared(database: Database) -> bool:
    async with database.reading() as session:
        prepared = await fetch(session, str, "SELECT statement FROM pg_prepared_statements")
    return any("FROM application" in statement for statement in prepared)


async def _use_scratch(session: AsyncSession) -> None:
    for columns in ({"id": "bigint"}, {"number": "text", "id": "bigint"}):
        await scratch(session, "passing", columns, [("1",) * len(columns)])
        assert await fetch_int(session, "SELECT id FROM passing") == 1
        await drop_scratch(session, "passing")


async def test_it_outlives_a_look_and_a_table_that_is_gone_before_its_transaction(database: Database) -> None:
    assert await _is_prepared(database)
    async with database.snapshot() as session:
        await fetch_int(session, ASKED, county="500001")
    async with database.transaction() as session:
        await _use_scratch(session)
    assert await _is_prepared(database)


def test_nothing_is_dropped_or_altered_where_the_driver_sees_it() -> None:
    forgetting = re.compile(r"\"(?:DROP|ALTER|DISCARD|DEALLOCATE) ")
    rooms = [path for room in ("models", "activities", "api") for path in (ROOT / room).rglob("*.py")]
    assert not [path.name for path in rooms if forgetting.search(path.read_text(encoding="utf-8"))]

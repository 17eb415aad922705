"""The province's slot is asked for and given back at one moment: whoever is second finds what the first one left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.database import Database
from models.store.runs.slots import ask_for_slot, release_slot, take_slot
from models.store.sql import execute, fetch_int
from tests.two_writers import first_then

HOLDER, NEXT = ("500001", "500001-C2026-0001"), ("500002", "500002-C2026-0001")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The first county's list holds the slot."""
    database = Database(create_async_engine(database_url))
    async with database.transaction() as session:
        assert await _ask(session)(*HOLDER)
    yield database
    await database.dispose()


def _ask(session: AsyncSession) -> Callable[[str, str], Awaitable[bool]]:
    async def ask(county: str, number: str) -> bool:
        await ask_for_slot(session, county, number)
        return await take_slot(session, county, number)

    return ask


async def test_who_asks_while_the_slot_is_given_back_gets_it(database: Database) -> None:
    async def give_back(session: AsyncSession) -> None:
        await release_slot(session, *HOLDER)

    async def ask(session: AsyncSession) -> bool:
        return await _ask(session)(*NEXT)

    assert await first_then(database, give_back, ask) == (None, True)


async def test_who_asked_before_the_slot_is_given_back_is_woken(database: Database) -> None:
    async def ask(session: AsyncSession) -> bool:
        return await _ask(session)(*NEXT)

    async def give_back(session: AsyncSession) -> None:
        await release_slot(session, *HOLDER)

    assert await first_then(database, ask, give_back) == (False, None)
    async with database.transaction() as session:
        woken = "SELECT count(*) FROM outbox WHERE workflow_id = :id"
        assert await fetch_int(session, woken, id=f"beneficiary-init/{NEXT[1]}") == 1
        assert await take_slot(session, *NEXT)


async def test_a_whole_province_queues_and_gives_back_at_once_and_nobody_is_forgotten(database: Database) -> None:
    """Each county asks, and gives back what it has got; whoever was told to wait is woken by somebody."""
    counties = [(f"5000{place:02d}", f"5000{place:02d}-C2026-0001") for place in range(10, 26)]

    async def visit(county: str, number: str) -> None:
        async with database.transaction() as session:
            granted = await _ask(session)(county, number)
        if granted:
            async with database.transaction() as session:
                await release_slot(session, county, number)

    async def leave() -> None:
        async with database.transaction() as session:
            await release_slot(session, *HOLDER)

    await asyncio.gather(leave(), *(visit(*county) for county in counties))
    async with database.transaction() as session:
        first = "SELECT list_no FROM province_slot WHERE released_at IS NULL AND granted_at IS NULL ORDER BY id LIMIT 1"
        forgotten = f"SELECT count(*) FROM ({first}) n WHERE NOT EXISTS (SELECT FROM outbox o"
        forgotten += " WHERE o.workflow_id = 'beneficiary-init/' || n.list_no)"
        assert await fetch_int(session, forgotten) == 0
        held = "SELECT count(*) FROM province_slot WHERE granted_at IS NOT NULL AND released_at IS NULL"
        assert await fetch_int(session, held) == 0
        assert await execute(session, "DELETE FROM province_slot") == 1 + len(counties)

"""Two transactions at one moment, in an order that a test chooses: the second is seen waiting before the first ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.database import Database
from models.store.sql import fetch_int

First = TypeVar("First")
Second = TypeVar("Second")
_BLOCKED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND cardinality(pg_blocking_pids(pid)) > 0"
)


async def first_then(
    database: Database,
    first: Callable[[AsyncSession], Awaitable[First]],
    second: Callable[[AsyncSession], Awaitable[Second]],
) -> tuple[First, Second]:
    """What both gave; the first is committed once the second waits for it, or has ended without waiting."""

    async def other() -> Second:
        async with database.transaction() as session:
            return await second(session)

    async with database.transaction() as session:
        before = await first(session)
        begun = asyncio.create_task(other())
        await until_blocked(database, begun)
    return before, await begun


async def until_blocked(database: Database, *begun: asyncio.Task[object]) -> None:
    """Until each of them waits for a lock, or is over."""
    async with asyncio.timeout(20):
        while True:
            async with database.reading() as session:
                blocked = await fetch_int(session, _BLOCKED)
            if blocked >= sum(not one.done() for one in begun):
                return
            await asyncio.sleep(0.01)

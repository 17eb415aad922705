"""One command at a time for a county's fund year; the next one is told whose turn it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.years.copies import NotMoved
from deploy.years.statements import END_TURN, TAKE_TURN, WHOSE_TURN
from models.store.database import Database
from models.store.sql import fetch_one


@asynccontextmanager
async def turn(database: Database, county: str, year: int, by: str) -> AsyncIterator[None]:
    """Held by a connection of its own, in no transaction: whatever ends the command ends it."""
    key = f"moved-year/{county}/{year}"
    async with database.reading() as session:
        if not await fetch_one(session, bool, TAKE_TURN, key=key, by=f"years {by}"):
            whose = (await fetch_one(session, str, WHOSE_TURN, key=key) or "").removeprefix("years ")
            raise NotMoved(f"{county} 的 {year} 年度正由 {whose or '另一个命令'} 办理移出：请等它结束后再运行")
        try:
            yield
        finally:
            await fetch_one(session, bool, END_TURN, key=key)

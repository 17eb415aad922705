"""Fund years whose lines have been moved out of this database: asked before anything is said or done about them."""

import re
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch, fetch_one

_NUMBER = re.compile(r"[0-9]{6}-[A-Z]([0-9]{4})-")
# What goes with a later year's flow has gone with that one.
_MOVED = """
SELECT county_code, fund_year, begun_at, moved_at, manifest_key FROM moved_year
WHERE county_code = :county AND fund_year >= :year ORDER BY fund_year LIMIT 1
"""


class MovedOut(NamedTuple):
    """`moved_at` is NULL while they go; `manifest_key` names in the bucket what was written."""

    county_code: str
    fund_year: int
    begun_at: datetime
    moved_at: datetime | None
    manifest_key: str | None


async def moved_year(session: AsyncSession, county_code: str, fund_year: int) -> MovedOut | None:
    return await fetch_one(session, MovedOut, _MOVED, county=county_code, year=fund_year)


async def moved_years(session: AsyncSession, county_code: str) -> list[int]:
    """That have gone, or go."""
    statement = "SELECT fund_year FROM moved_year WHERE county_code = :county ORDER BY fund_year"
    return await fetch(session, int, statement, county=county_code)


def year_of(number: str) -> int | None:
    """A business number tells its fund year: `500001-S2023-0000001`."""
    found = _NUMBER.match(number)
    return int(found[1]) if found else None

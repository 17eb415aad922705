"""What a search by person says beside what it has found: in which years it couldn't look."""

from typing import Annotated

from pydantic import Field

from api.counter.desk import Desk
from models.store.years.moved import moved_years

MovedYears = Annotated[list[int], Field(description="明细已移出本库的资金年度：所查范围内的这些年度没有查")]


async def years_not_searched(desk: Desk, fund_year: int | None) -> list[int]:
    """Of the one year that was asked for, or of all."""
    async with desk.database.reading() as session:
        found = await moved_years(session, desk.county)
    return [year for year in found if fund_year in (None, year)]

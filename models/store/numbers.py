"""Business numbers: `500001-S2026-000001`; given out in the transaction that uses them."""

from collections.abc import Iterator
from enum import StrEnum

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_int


class Series(StrEnum):
    APPLICATION = "S"
    BATCH = "P"
    LIST = "C"
    FLOW = "L"
    OBJECTION = "Y"
    ORDER = "O"
    POLICY = "Z"
    INDICATOR = "B"
    IMPORT = "D"
    LOGIN = "F"
    CARD_CHANGE = "K"
    VILLAGE_ENTRY = "N"
    CHECK_ROUND = "H"
    REGISTER_LOAD = "G"


WIDTH = {Series.APPLICATION: 7}


async def take(session: AsyncSession, series: Series, county_code: str, year: int, count: int = 1) -> Iterator[str]:
    """The next `count` numbers of a county's series for a year, in order."""
    name = f"{county_code}-{series.value}{year}"
    last = await fetch_int(
        session,
        "INSERT INTO number_series (series, last) VALUES (:series, :count) "
        "ON CONFLICT (series) DO UPDATE SET last = number_series.last + :count RETURNING last",
        series=name,
        count=count,
    )
    width = WIDTH.get(series, 4)
    return (f"{name}-{number:0{width}d}" for number in range(last - count + 1, last + 1))


async def take_one(session: AsyncSession, series: Series, county_code: str, year: int) -> str:
    return next(await take(session, series, county_code, year))

"""Business numbers: `500001-S2026-000001`; given out in the transaction that uses them."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import execute, fetch_int


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
_SKIPPING = [series for series in Series if series is not Series.FLOW]
# Those of the year too that have given out nothing yet: they may have begun in what is lost.
_SKIP = """
INSERT INTO number_series (series, last)
SELECT s.series, l.skipped FROM (
  SELECT series FROM number_series
  UNION SELECT county || '-' || letter || year FROM unnest(CAST(:counties AS text[])) AS c (county),
    unnest(CAST(:years AS int[])) AS y (year), unnest(CAST(:letters AS text[])) AS l (letter)
) AS s JOIN unnest(CAST(:letters AS text[]), CAST(:skipped AS bigint[])) AS l (letter, skipped)
  ON l.letter = left(split_part(s.series, '-', 2), 1)
ORDER BY s.series ON CONFLICT (series) DO UPDATE SET last = number_series.last + excluded.last
"""


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
    width = _width(series)
    return (f"{name}-{number:0{width}d}" for number in range(last - count + 1, last + 1))


async def skip_lost(session: AsyncSession, counties: Sequence[str], years: Sequence[int]) -> None:
    """Go on well beyond what may have been given out in minutes that a restored database has lost.

    Else a key that the platform knows already would be that of something else: a citizen could be given the sign-in of
    another. A flow's number stays: whoever starts the batch again sends the same instruction, and is given the flow
    that the platform has.
    """
    await execute(
        session,
        _SKIP,
        counties=counties,
        years=years,
        letters=[series.value for series in _SKIPPING],
        skipped=[10 ** (_width(series) - 1) for series in _SKIPPING],
    )


def _width(series: Series) -> int:
    return WIDTH.get(series, 4)


async def take_one(session: AsyncSession, series: Series, county_code: str, year: int) -> str:
    return next(await take(session, series, county_code, year))

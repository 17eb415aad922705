"""Which fund years are here and which have gone: rows, size, and what stands in the way."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.hindrances import hindrances
from models.settings import Settings
from models.store.database import Database
from models.store.sql import fetch
from models.words.calendar import CHINA, china_today

# What a line takes of these tables with their indexes, by the share that the county's year has of their rows: counting
# the bytes of each row would read all of them.
_HERE = """
WITH size AS (
  SELECT sum(pg_total_relation_size(oid))::float8 AS bytes FROM pg_class WHERE relkind = 'r' AND relname IN (
    'application', 'application_standing', 'application_photo', 'flow_line', 'dataset_line', 'order_line', 'payment',
    'trail_line')
), years AS (
  SELECT county_code, fund_year, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM application GROUP BY 1, 2
)
SELECT county_code, fund_year, lines, fen,
  (lines * (SELECT bytes FROM size) / (SELECT sum(lines) FROM years) / 1048576)::float8 AS mib
FROM years WHERE CAST(:year AS integer) IS NULL OR fund_year = :year ORDER BY fund_year, county_code
"""
_MOVED = """
SELECT county_code, fund_year, lines, fen, paid_fen, moved_by, begun_at, moved_at, manifest_key FROM moved_year
ORDER BY fund_year, county_code
"""


class _Here(NamedTuple):
    county_code: str
    fund_year: int
    lines: int
    fen: int
    mib: float


class _Gone(NamedTuple):
    county_code: str
    fund_year: int
    lines: int
    fen: int
    paid_fen: int
    moved_by: str
    begun_at: datetime
    moved_at: datetime | None
    manifest_key: str | None


async def listed(database: Database, settings: Settings) -> list[str]:
    """A line a county and year."""
    async with database.reading() as session:
        here = await fetch(session, _Here, _HERE, year=None)
        gone = await fetch(session, _Gone, _MOVED)
        ways = [await _ways(session, settings, one) for one in here]
    lines = [_here(one, found) for one, found in zip(here, ways, strict=True)]
    return [*lines, *(_gone(one) for one in gone)]


async def _ways(session: AsyncSession, settings: Settings, one: _Here) -> list[str]:
    found = await hindrances(session, settings, one.county_code, one.fund_year, china_today())
    return [f"{way.what} {way.cases} 项（如 {way.example}）" for way in found]


def _here(one: _Here, ways: Sequence[str]) -> str:
    told = f"{one.county_code}  {one.fund_year}  在库 {one.lines} 笔  {one.fen} 分  约 {one.mib:.1f} MiB"
    return f"{told}  {'不能移出：' + '；'.join(ways) if ways else '可以移出'}"


def _gone(one: _Gone) -> str:
    state = f"{one.moved_at.astimezone(CHINA):%Y-%m-%d} 移出" if one.moved_at else "正在移出，请再运行一次 move"
    told = f"{one.county_code}  {one.fund_year}  {state} {one.lines} 笔  {one.fen} 分（已发放 {one.paid_fen} 分）"
    return f"{told}  {one.moved_by}  {one.manifest_key or ''}".rstrip()


async def counties_of(database: Database, year: int) -> list[str]:
    """Whose lines of the year are here, and whose move an earlier command has begun."""
    statement = (
        "SELECT county_code FROM application WHERE fund_year = :year"
        " UNION SELECT county_code FROM moved_year WHERE fund_year = :year ORDER BY 1"
    )
    async with database.reading() as session:
        return await fetch(session, str, statement, year=year)

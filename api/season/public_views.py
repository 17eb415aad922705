"""What of a batch anybody may read: its villages with counts and sums, and a village's lines, masked as printed."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.names import Names
from api.prints.public_rows import PUBLIC_LINES, PUBLIC_NOTICE, PUBLIC_ROWS, PublicRow, last_public_day, public_title
from api.prints.village_lists import Line, PrintedPlace, rows_of_place
from models.store.batches.public_lists import PublicBatch
from models.store.sql import fetch, fetch_one
from models.store.texts import open_text
from models.store.vault import Vault
from models.words.counties import county_name

# A village's lines on one page.
LINES_A_PAGE = 500
_VILLAGES = f"""
SELECT a.town_code, a.village_code, count(*) AS lines, sum(a.amount_fen)::bigint AS total_fen FROM application a
WHERE {PUBLIC_LINES} AND {{which}} GROUP BY 1, 2 ORDER BY 1, 2
"""
_ALL, _ONE = (_VILLAGES.format(which=which) for which in ("true", "a.town_code = :town AND a.village_code = :village"))


class PublicVillage(TypedDict):
    town_code: str
    village_code: str
    town: Annotated[str, Field(description="乡镇")]
    village: Annotated[str, Field(description="村")]
    count: Annotated[int, Field(description="份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class PublicHead(TypedDict):
    """公示的批次：公示到何时，向哪里提出异议。"""

    title: Annotated[str, Field(description="哪个年度的公示")]
    county: Annotated[str, Field(description="区县名称")]
    batch_no: str
    fund_year: int
    start_date: Annotated[date, Field(description="公示开始日期")]
    last_day: Annotated[date, Field(description="至少公示到哪一天；补贴流程启动以前都在公示")]
    address: Annotated[str, Field(description="公示地址")]
    contact: Annotated[str | None, Field(description="向哪里提出异议")]
    notice: Annotated[str, Field(description="遮掩和提出异议的说明")]


class PublicList(PublicHead):
    count: Annotated[int, Field(description="份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    villages: list[PublicVillage]


class PublicLine(TypedDict):
    number: Annotated[int, Field(description="村内的序号，与张贴的公示表一致")]
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    id_number: Annotated[str, Field(description="证件号，已遮掩")]
    group: Annotated[str, Field(description="组")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]


class PublicVillageLines(PublicHead):
    of: PublicVillage
    page: int
    pages: int
    lines: list[PublicLine]


class _Village(NamedTuple):
    town_code: str
    village_code: str
    lines: int
    total_fen: int


def head_of(vault: Vault, batch: PublicBatch, days: int) -> PublicHead:
    return {
        "title": public_title(batch.fund_year),
        "county": county_name(batch.county_code),
        "batch_no": batch.batch_no,
        "fund_year": batch.fund_year,
        "start_date": batch.start_date,
        "last_day": last_public_day(batch.start_date, days),
        "address": batch.address,
        "contact": open_text(vault, batch.county_code, batch.contact_sealed),
        "notice": PUBLIC_NOTICE,
    }


async def villages_in(session: AsyncSession, names: Names, batch: PublicBatch) -> list[PublicVillage]:
    return [_village(names, row) for row in await fetch(session, _Village, _ALL, batch=batch.id)]


async def village_in(
    session: AsyncSession, names: Names, batch: PublicBatch, place: PrintedPlace
) -> PublicVillage | None:
    """The batch's others are not looked at for it."""
    codes = {"town": place.town_code, "village": place.village_code}
    row = await fetch_one(session, _Village, _ONE, batch=batch.id, **codes)
    return None if row is None else _village(names, row)


def _village(names: Names, row: _Village) -> PublicVillage:
    return {
        "town_code": row.town_code,
        "village_code": row.village_code,
        "town": names.place(row.town_code),
        "village": names.place(row.village_code),
        "count": row.lines,
        "total_fen": row.total_fen,
    }


async def rows_of_village(session: AsyncSession, batch: PublicBatch, place: PrintedPlace, page: int) -> list[PublicRow]:
    skip = (page - 1) * LINES_A_PAGE
    return await rows_of_place(session, PublicRow, PUBLIC_ROWS, place, most=LINES_A_PAGE, skip=skip, batch=batch.id)


def lines_shown(lines: Sequence[Line], page: int) -> list[PublicLine]:
    return [
        {"number": number, "name": name, "id_number": id_number, "group": group, "item": item, "amount_fen": fen}
        for number, (_, fen, (name, id_number, group, item, _yuan)) in enumerate(lines, (page - 1) * LINES_A_PAGE + 1)
    ]

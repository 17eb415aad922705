"""Lines that have been moved out with their fund year: who asks for them, or adds to them, is told where they are.

A route that reads or changes lines says `LINES_MOVED=410` among its refusals; its desk isn't opened then for what names
such a year, in its address or its filter.
"""

from collections.abc import Iterator

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.server.problems import Problem
from models.store.applications.doubles import lock_additions
from models.store.database import Database
from models.store.sql import fetch_one
from models.store.years.moved import MovedOut, moved_year, year_of
from models.words.calendar import CHINA, china_today
from models.words.refusals import Refusal

GONE = 410
_BY_NUMBER = ("application_no", "flow_no", "batch_no", "list_no", "order_no")
# Kept for a whole year at least: of what is younger nobody has to ask the rows.
_NEVER_YOUNGER = 2


async def refuse_moved(request: Request, database: Database, county: str) -> None:
    if GONE not in getattr(request.scope.get("route"), "responses", {}):
        return
    named = sorted(set(_named(request, county)))
    if not named:
        return
    async with database.reading() as session:
        for year, application_no in named:
            found = await moved_year(session, county, year)
            if found and not (application_no and await _is_here(session, county, application_no)):
                raise _moved(found, year)


async def require_year(session: AsyncSession, county: str, fund_year: int) -> None:
    """Nothing is added to a moved year: what was paid in it isn't here to be compared with.

    Whoever begins to move one holds the additions, too: he finds what is added here, or this finds what he has begun.
    """
    if not _may_be_moved(fund_year):
        return
    await lock_additions(session, county)
    if found := await moved_year(session, county, fund_year):
        raise _moved(found, fund_year)


def _named(request: Request, county: str) -> Iterator[tuple[int, str]]:
    """Years, each with the application that is asked for by number; of another county's numbers nothing is told."""
    given = {**request.query_params, **request.path_params}
    asked = str(given.get("fund_year", ""))
    if asked.isascii() and asked.isdigit() and _may_be_moved(int(asked)):
        yield int(asked), ""
    for name in _BY_NUMBER:
        number = str(given.get(name, ""))
        year = year_of(number)
        if year is not None and number.startswith(county) and _may_be_moved(year):
            yield year, number if name == "application_no" else ""


def _may_be_moved(year: int) -> bool:
    return year <= china_today().year - _NEVER_YOUNGER


async def _is_here(session: AsyncSession, county: str, application_no: str) -> bool:
    """It failed in that year and was taken by a later one's flow: it goes with that one."""
    statement = "SELECT true FROM application WHERE application_no = :number AND county_code = :county"
    return bool(await fetch_one(session, bool, statement, number=application_no, county=county))


def _moved(found: MovedOut, year: int) -> Problem:
    day = f"已于 {found.moved_at.astimezone(CHINA):%Y-%m-%d} 移出" if found.moved_at else "正在移出"
    place = f"（文件库 {found.manifest_key}）" if found.manifest_key else ""
    detail = (
        f"{year} 年度的申请、流程明细和发放结果{day}本库{place}，流程和批次的合计仍可在这里查看；"
        "明细请向运维说明用途，在放回的查阅库中查看，需要补办的请在当前年度办理"
    )
    return Problem(GONE, Refusal.LINES_MOVED, "该年度的明细已移出", detail)

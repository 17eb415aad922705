"""A person search by a file: the county's applications of the numbers that a clerk's list holds, and what it lacks."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import Field
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.roles import CountyReaders
from api.counter.sought import allow_searches
from api.server.answers import refusals
from api.server.problems import Problem
from models.forms.application_form import parse_application_no
from models.forms.identity import mask_id_number
from models.forms.number_file import MOST_LISTED, ListedNumber, read_numbers
from models.store.selection import MOST_NUMBERS
from models.store.sql import fetch
from models.store.vault import Field as Sealed
from models.words.faults import FaultCode, FileError

router = APIRouter(tags=["申请"])

# So many ids of a list count as one search by an id: a village's can be looked up, a county's can't be tried.
IDS_A_SEARCH = 10
_UNREADABLE = (
    *(FaultCode.FILE_EMPTY, FaultCode.FILE_KIND, FaultCode.FILE_DAMAGED, FaultCode.FILE_ENCODING),
    *(FaultCode.FILE_SHEETS, FaultCode.FILE_TOO_LARGE, FaultCode.FILE_TOO_MANY_ROWS, FaultCode.FILE_TOO_MANY_COLUMNS),
)
_FOUND = """
SELECT application_no, person_index FROM application
WHERE county_code = :county AND (application_no = ANY(:numbers) OR person_index = ANY(:people))
  AND (CAST(:year AS integer) IS NULL OR fund_year = :year)
ORDER BY id LIMIT :most
"""


class NumberNotFound(TypedDict):
    row: Annotated[int, Field(description="文件的行号")]
    number: Annotated[str, Field(description="编号；证件号已遮掩，不能辨认的为空")]
    why: Annotated[str, Field(description="为什么没有找到")]


class NumbersFound(TypedDict):
    """清单中的编号找到的申请；一个证件号可以有几份。"""

    number_count: Annotated[int, Field(description="文件里有几个编号")]
    application_nos: Annotated[list[str], Field(description="作为 POST /applications/search 的 application_nos")]
    not_found: list[NumberNotFound]


class _Found(NamedTuple):
    application_no: str
    person_index: str


@router.post(
    "/applications/number-files/search",
    summary="按编号清单查询申请",
    responses=refusals(TOO_MANY_SEARCHES=429, **dict.fromkeys(_UNREADABLE, 422)),
)
async def search_numbers(
    desk: CountyReaders,
    file: Annotated[UploadFile, File()],
    fund_year: Annotated[int | None, Form(ge=2000, le=2099)] = None,
) -> NumbersFound:
    """A list of application numbers or ids as xlsx or csv, one a row, in a column of that name or the first.

    At most 2,000; ten ids count as one search by an id, and each list with ids is noted. No Idempotency-Key.
    """
    async with desk.room_for(file):
        listed = await _read(await file.read())
    ids = {each.number for each in listed if each.is_id}
    await allow_searches(desk, -(-len(ids) // IDS_A_SEARCH))
    people = {desk.vault.index(Sealed.ID_NUMBER, number): number for number in ids}
    found = await _found(desk, listed, list(people), fund_year)
    known = {row.application_no for row in found} | {people.get(row.person_index, "") for row in found}
    if ids:
        await _note(desk, len(ids), len(found))
    return {
        "number_count": len(listed),
        "application_nos": [row.application_no for row in found],
        "not_found": [_lost(each) for each in listed if each.fault or each.number not in known],
    }


async def _read(data: bytes) -> list[ListedNumber]:
    try:
        return await asyncio.to_thread(read_numbers, data)
    except FileError as error:
        detail = f"{error.fault.message}；清单一行一个申请编号或证件号，最多 {MOST_LISTED} 个"
        raise Problem(422, error.fault.code, "文件不能读取", detail) from error


async def _found(desk: Desk, listed: Sequence[ListedNumber], people: list[str], year: int | None) -> list[_Found]:
    numbers = [each.number for each in listed if not each.fault and "\0" not in each.number]
    async with desk.database.reading() as session:
        asked = {"county": desk.county, "numbers": numbers, "people": people, "year": year, "most": MOST_NUMBERS + 1}
        found = await fetch(session, _Found, _FOUND, **asked)
    if len(found) > MOST_NUMBERS:
        detail = f"清单中的编号共有超过 {MOST_NUMBERS} 份申请，请填写资金年度，或把清单分成几份"
        raise Problem(422, FaultCode.FILE_TOO_MANY_ROWS, "找到的申请太多", detail)
    return found


async def _note(desk: Desk, ids: int, found: int) -> None:
    async with desk.database.transaction() as session:
        await desk.trail(session, "search.by_list", desk.person, {"ids": ids}, found)


def _lost(each: ListedNumber) -> NumberNotFound:
    """A cell of a list may hold anything: only what looks like a number is repeated."""
    if each.fault:
        return {"row": each.row, "number": "", "why": each.fault.message}
    if each.is_id:
        return {"row": each.row, "number": mask_id_number(each.number), "why": "没有此人的申请"}
    sayable = isinstance(parse_application_no(each.number), str)
    if not sayable:
        return {"row": each.row, "number": "", "why": "不是申请编号，也不是 18 位的证件号"}
    return {"row": each.row, "number": each.number, "why": "没有这个申请编号"}

"""修改申请提交 by file: the exported lines, edited, as the corrections of one order (S1 2.7).

Nothing is stored: what comes of a file is shown (`POST /orders/preview`) and ordered (`POST /orders`) as if typed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import LeftOutLines
from api.counter.catalogs import catalogs_for
from api.counter.desk import Desk
from api.counter.names import names_of
from api.counter.roles import Operators
from api.flows.guard import known_flow
from api.imports.handed_in import RowFault
from api.orders.correctible import LINES, TITLES, CorrectibleLine, CorrectibleRow, correctible_line
from api.server.answers import refusals
from api.server.rendering import rendered
from models.forms.catalogs import Catalogs
from models.forms.correction_file import (
    COLUMN_OF,
    COLUMNS,
    CorrectionFile,
    CorrectionRow,
    StandingLine,
    changed_fields,
    read_correction_file,
)
from models.forms.money import yuan
from models.store.orders.corrections import Correction, LineBefore, check_correction
from models.store.orders.rules import OF_NUMBERS, REJECTED, UNKNOWN_LINE
from models.store.sql import fetch, fetch_int
from models.wire.words import ApplicantKind
from models.words.calendar import china_today
from models.words.faults import CellFault, FaultCode
from models.words.refusals import Refusal

router = APIRouter(tags=["指令"])

MOST_CORRECTED = 2_000
# What an order takes in one request, and a page keeps in one field.
MOST_BYTES = 700_000
MOST_TOLD = 1_000
MOST_NAMED = 500
_TOO_MANY = "一次最多更正 {} 笔，内容多的更少；这个文件更正了 {} 笔；没有作任何改动，请分成几个文件，一个办完再办下一个"
_UNCHANGED = "与导出时相同，没有更正"


class CorrectionsOfFile(TypedDict):
    """文件里的更正。有一处错误就一笔也不取：请改正后重新上传整个文件。"""

    row_count: Annotated[int, Field(description="文件的行数，不计列名")]
    faults: Annotated[list[RowFault], Field(description=f"逐行逐列的错误，最多 {MOST_TOLD} 项；有错误时没有更正")]
    warnings: Annotated[list[RowFault], Field(description="请再看一眼的：隐藏的行和列")]
    corrections: Annotated[
        list[dict[str, object]], Field(description="每笔改了的各项，原样作为 POST /orders 的 corrections")
    ]
    left_out: Annotated[list[LeftOutLines], Field(description="文件里有、不会更正的，按原因")]


@dataclass
class _Found:
    """What the rows of a file come to, one after the other."""

    corrections: list[dict[str, object]] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, code: str, application_no: str) -> None:
        self.left_out.setdefault(code, []).append(application_no)


@router.post(
    "/flows/{flow_no}/correction-files/preview",
    summary="按文件更正",
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404, CATALOG_FETCHING=503),
)
async def read_corrections(desk: Operators, flow_no: str, file: Annotated[UploadFile, File()]) -> CorrectionsOfFile:
    """The export of `GET /flows/{flow_no}/correctible-lines`, edited: xlsx or csv, each row held against its line now.

    Columns may be left out, not added. What stands as it was exported is no correction. Changes nothing; no
    Idempotency-Key.
    """
    async with desk.database.reading() as session:
        flow = await known_flow(session, desk, flow_no)
        year = await fetch_int(session, "SELECT fund_year FROM flow WHERE id = :id", id=flow)
    catalogs = await catalogs_for(desk, year)
    async with desk.room_for(file):
        read = await asyncio.to_thread(read_correction_file, await file.read())
    if read.faults:
        return _told(read, _Found(faults=[_row_fault(fault) for fault in read.faults]))
    async with desk.database.snapshot() as session:
        lines = await _lines(desk, session, flow, [row.application_no for row in read.rows])
        others = await _others(session, flow, [row.application_no for row in read.rows])
    return _told(read, await asyncio.to_thread(_found, read.rows, lines, others, catalogs))


Lines = Mapping[str, tuple[CorrectibleRow, CorrectibleLine]]


async def _lines(desk: Desk, session: AsyncSession, flow: int, numbers: Sequence[str]) -> Lines:
    statement = f"{LINES} WHERE a.id = {OF_NUMBERS}"
    rows = await fetch(session, CorrectibleRow, statement, flow=flow, numbers=list(numbers), order=0)
    names = await names_of(session, desk.county)
    # thousands of sealed values are opened beside the loop
    return await asyncio.to_thread(
        lambda: {row.application_no: (row, correctible_line(desk.shown, names, row)) for row in rows}
    )


async def _others(session: AsyncSession, flow: int, numbers: Sequence[str]) -> set[str]:
    """Those of the flow, rejected or not."""
    statement = f"SELECT application_no FROM flow_line WHERE id = {OF_NUMBERS}"
    return set(await fetch(session, str, statement, flow=flow, numbers=list(numbers)))


def _found(rows: Sequence[CorrectionRow], lines: Lines, others: set[str], catalogs: Catalogs) -> _Found:
    found = _Found()
    for row in rows:
        number = row.application_no
        if number in lines and lines[number][0].unfit is None:
            _take(found, row, *lines[number], catalogs)
        elif number in lines:
            found.leave_out(str(lines[number][0].unfit), number)
        elif number in others:
            found.leave_out(REJECTED.code, number)
        else:
            found.faults.append(_fault(row, "application_no", UNKNOWN_LINE.code, UNKNOWN_LINE.title))
    if len(found.corrections) > MOST_CORRECTED or len(rendered(found.corrections)) > MOST_BYTES:
        message = _TOO_MANY.format(MOST_CORRECTED, len(found.corrections))
        found.faults.append({"row": 0, "column": "", "code": FaultCode.FILE_TOO_MANY_ROWS, "message": message})
    return found


def _take(found: _Found, row: CorrectionRow, before: CorrectibleRow, line: CorrectibleLine, catalogs: Catalogs) -> None:
    """What the row changes, judged as an order judges it."""
    fields, faults = changed_fields(row, _standing(line), catalogs)
    found.faults += [_row_fault(fault) for fault in faults]
    if not fields and not faults:
        found.leave_out(Refusal.UNCHANGED, row.application_no)
        return
    correction = Correction.model_validate({"application_no": row.application_no, **fields})
    _, wrong = check_correction(correction, _line_before(before), catalogs, china_today(), ())
    told = {fault.column for fault in faults}
    for fault in wrong:
        if COLUMNS[COLUMN_OF.get(fault.field, fault.field)] not in told:
            found.faults.append(_fault(row, fault.field, fault.code, fault.message))
    found.corrections.append(correction.model_dump(mode="json", exclude_none=True))


def _fault(row: CorrectionRow, name: str, code: str, message: str) -> RowFault:
    return {"row": row.row, "column": COLUMNS[COLUMN_OF.get(name, name)], "code": code, "message": message}


def _standing(line: CorrectibleLine) -> StandingLine:
    said = {**line, "amount": yuan(line["amount_fen"]), "household_registration": line["household_label"]}
    texts = {name: "" if said.get(name) is None else str(said[name]) for name in COLUMNS}
    return StandingLine(texts, line["town_code"], line["village_code"])


def _line_before(row: CorrectibleRow) -> LineBefore:
    kind = ApplicantKind(row.applicant_kind)
    places = row.town_code, row.village_code, row.bank_code
    return LineBefore(row.application_no, kind, *places, row.item_code, row.amount_fen)


def _told(read: CorrectionFile, found: _Found) -> CorrectionsOfFile:
    faults = sorted(found.faults, key=lambda fault: fault["row"])
    return {
        "row_count": read.row_count,
        "faults": faults[:MOST_TOLD],
        "warnings": [_row_fault(fault) for fault in read.warnings[:MOST_TOLD]],
        "corrections": [] if faults else found.corrections,
        "left_out": [
            {
                "code": code,
                "title": TITLES.get(code, _UNCHANGED),
                "count": len(numbers),
                "application_nos": numbers[:MOST_NAMED],
            }
            for code, numbers in found.left_out.items()
        ],
    }


def _row_fault(fault: CellFault) -> RowFault:
    return {"row": fault.row, "column": fault.column, "code": fault.code, "message": fault.message}

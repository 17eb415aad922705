"""公示表: whom a batch is about, masked, for the village's notice board (S1 2.6)."""

import asyncio
from datetime import timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.applications.person import id_number_of, name_of
from api.counter.names import Names, names_of
from api.counter.roles import CountyReaders
from api.prints.printed import day_of, print_form, seconds_of, yuan_of
from api.prints.village_lists import MOST_ROWS, Line, column, villages_of
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.prints.templates import Template
from models.prints.village_list import VillageList
from models.store.selection import Word
from models.store.sql import fetch
from models.store.vault import Vault
from models.tables.batches import Batch
from models.wire.words import MediaType
from models.words.counties import county_name

router = APIRouter(tags=["申请结算批次"])

_ROWS = """
SELECT a.application_no, a.name_sealed, a.id_number_sealed, a.town_code, a.village_code, a.group_name, a.item_code,
  a.amount_fen
FROM application a
WHERE a.batch_id = :batch AND a.stage NOT IN ('withdrawn', 'closed')
  AND (CAST(:town AS text) IS NULL OR a.town_code = :town)
  AND (CAST(:village AS text) IS NULL OR a.village_code = :village)
ORDER BY a.town_code, a.village_code, a.group_name NULLS FIRST, a.id LIMIT :most
"""
_COLUMNS = [
    column("序号", 12),
    column("姓名/组织名称"),
    column("证件号", 36),
    column("组", 20),
    column("补贴项目", 40),
    column("金额（元）", 28, right=True),
]
_NOTICE = "姓名和证件号已按规定遮掩。对以上内容有异议的，请在公示期内向村（社区）、乡镇（街道）或本县经办部门反映。"


class _Row(NamedTuple):
    application_no: str
    name_sealed: str
    id_number_sealed: str
    town_code: str
    village_code: str
    group_name: str | None
    item_code: str
    amount_fen: int


@router.get(
    "/batches/{batch_no}/public-list",
    summary="补贴公示表",
    response_class=Response,
    responses=file_answer(MediaType.PDF) | refusals(NOT_FOUND=404, NOTHING_TO_PRINT=409, PRINT_TOO_LARGE=422),
)
async def public_list(
    desk: CountyReaders,
    batch_no: str,
    town_code: Annotated[Word | None, Query()] = None,
    village_code: Annotated[Word | None, Query()] = None,
) -> Response:
    """A sheet a village, A4: who, for what, how much; before the publicity's information is set, too."""
    async with desk.database.snapshot() as session:
        batch = (
            await session.exec(select(Batch).where(Batch.batch_no == batch_no, Batch.county_code == desk.county))
        ).first()
        if batch is None:
            raise not_found("批次")
        names = await names_of(session, desk.county)
        values = {"batch": batch.id, "town": town_code, "village": village_code, "most": MOST_ROWS + 1}
        rows = await fetch(session, _Row, _ROWS, **values)
    # thousands of sealed values are opened beside the loop
    lines = await asyncio.to_thread(lambda: [_line(desk.shown, names, row) for row in rows])
    form = _form(batch, desk.settings.publicity_days, lines)
    place = (town_code or "", village_code or "")
    return await print_form(desk, Template.VILLAGE_LIST, form, "补贴公示表", batch_no, *place)


def _line(vault: Vault, names: Names, row: _Row) -> Line:
    cells = [
        name_of(vault, row.application_no, row.name_sealed),
        id_number_of(vault, row.application_no, row.id_number_sealed),
        row.group_name or "",
        names.item(row.item_code),
        yuan_of(row.amount_fen),
    ]
    return f"{names.place(row.town_code)}　{names.place(row.village_code)}", row.amount_fen, cells


def _form(batch: Batch, days: int, lines: list[Line]) -> VillageList:
    return {
        "draft": False,
        "dated": seconds_of(batch.created_at),
        "title": f"{batch.fund_year} 年度补贴公示表",
        "county": county_name(batch.county_code),
        "number": batch.batch_no,
        "facts": [
            ["区县", county_name(batch.county_code)],
            ["公示时间", _span(batch, days)],
            ["公示地址", batch.publicity_address or "＿＿＿＿＿＿＿＿＿＿"],
        ],
        "columns": _COLUMNS,
        "villages": villages_of(lines),
        "notice": _NOTICE,
        "check_code": "",
        "qr": "",
    }


def _span(batch: Batch, days: int) -> str:
    start = batch.publicity_start
    if start is None:
        return "＿＿＿年＿＿月＿＿日起"
    return f"{day_of(start)}至{day_of(start + timedelta(days=max(days - 1, 0)))}"

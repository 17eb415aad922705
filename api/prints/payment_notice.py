"""发放明细公示表: whom a flow has paid, masked, for the village's notice board (S1 2.8)."""

import asyncio
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.applications.person import account_of, id_number_of, name_of
from api.counter.names import Names, names_of
from api.counter.roles import CountyReaders
from api.prints.printed import date_of, print_form, seconds_of, yuan_of
from api.prints.village_lists import MOST_ROWS, Line, column, villages_of
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.prints.templates import Template
from models.prints.village_list import VillageList
from models.store.selection import Word
from models.store.sql import fetch
from models.store.vault import Vault
from models.tables.flows import Flow
from models.wire.words import MediaType
from models.words.counties import county_name

router = APIRouter(tags=["发放结果"])

# What failed or has no result is between the county and whom it concerns.
_ROWS = """
SELECT a.application_no, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code, a.village_code,
  a.group_name, a.bank_code, a.item_code, a.amount_fen, a.payment_at
FROM flow_line a
WHERE a.flow_id = :flow AND a.payment = 'paid'
  AND (CAST(:town AS text) IS NULL OR a.town_code = :town)
  AND (CAST(:village AS text) IS NULL OR a.village_code = :village)
ORDER BY a.town_code, a.village_code, a.group_name NULLS FIRST, a.id LIMIT :most
"""
_COLUMNS = [
    column("序号", 11),
    column("姓名/组织名称"),
    column("证件号", 30),
    column("组", 13),
    column("开户行", 28),
    column("账号", 18),
    column("补贴项目", 28),
    column("金额（元）", 22, right=True),
]
_NOTICE = "姓名、证件号和账号已按规定遮掩。对发放情况有疑问的，请向村（社区）、乡镇（街道）或本县经办部门反映。"


class _Row(NamedTuple):
    application_no: str
    name_sealed: str
    id_number_sealed: str
    account_sealed: str
    town_code: str
    village_code: str
    group_name: str | None
    bank_code: str
    item_code: str
    amount_fen: int
    payment_at: datetime | None


@router.get(
    "/flows/{flow_no}/payment-notice",
    summary="发放明细公示表",
    response_class=Response,
    responses=file_answer(MediaType.PDF) | refusals(NOT_FOUND=404, NOTHING_TO_PRINT=409, PRINT_TOO_LARGE=422),
)
async def payment_notice(
    desk: CountyReaders,
    flow_no: str,
    town_code: Annotated[Word | None, Query()] = None,
    village_code: Annotated[Word | None, Query()] = None,
) -> Response:
    """A sheet a village, A4: what has been paid so far, to whom; the same results, the same bytes."""
    async with desk.database.snapshot() as session:
        flow = (
            await session.exec(select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county))
        ).first()
        if flow is None:
            raise not_found("补贴流程")
        names = await names_of(session, desk.county)
        values = {"flow": flow.id, "town": town_code, "village": village_code, "most": MOST_ROWS + 1}
        rows = await fetch(session, _Row, _ROWS, **values)
    until = max((row.payment_at for row in rows if row.payment_at is not None), default=flow.created_at)
    # thousands of sealed values are opened beside the loop
    lines = await asyncio.to_thread(lambda: [_line(desk.shown, names, row) for row in rows])
    form = _form(flow, until, lines)
    place = (town_code or "", village_code or "")
    return await print_form(desk, Template.VILLAGE_LIST, form, "发放明细公示表", flow_no, *place)


def _line(vault: Vault, names: Names, row: _Row) -> Line:
    cells = [
        name_of(vault, row.application_no, row.name_sealed),
        id_number_of(vault, row.application_no, row.id_number_sealed),
        row.group_name or "",
        names.bank(row.bank_code),
        account_of(vault, row.application_no, row.account_sealed),
        names.item(row.item_code),
        yuan_of(row.amount_fen),
    ]
    return f"{names.place(row.town_code)}　{names.place(row.village_code)}", row.amount_fen, cells


def _form(flow: Flow, until: datetime, lines: list[Line]) -> VillageList:
    return {
        "draft": False,
        "dated": seconds_of(until),
        "title": f"{flow.fund_year} 年度补贴发放明细",
        "county": county_name(flow.county_code),
        "number": flow.flow_no,
        "facts": [["区县", county_name(flow.county_code)], ["截至", f"{date_of(until)}已发放成功的"]],
        "columns": _COLUMNS,
        "villages": villages_of(lines),
        "notice": _NOTICE,
        "check_code": "",
        "qr": "",
    }

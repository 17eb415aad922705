"""发放明细公示表: whom a flow has paid, masked, for the village's notice board (S1 2.8)."""

from datetime import datetime
from functools import partial
from typing import NamedTuple

from fastapi import APIRouter, Response
from sqlmodel import select

from api.applications.person import account_of
from api.counter.desk import Desk
from api.counter.names import Names, names_of
from api.counter.roles import CountyReaders
from api.prints.printed import date_of, seconds_of
from api.prints.village_lists import (
    Line,
    OfPlace,
    column,
    line_of,
    lines_of,
    print_villages,
    rows_of_place,
    village_list,
)
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.prints.village_list import VillageList
from models.tables.flows import Flow
from models.wire.words import MediaType

router = APIRouter(tags=["发放结果"])

# What failed or has no result is between the county and whom it concerns.
_ROWS = """
SELECT a.application_no, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code, a.village_code,
  a.group_name, a.bank_code, a.item_code, a.amount_fen, a.payment_at
FROM flow_line a
WHERE a.flow_id = :flow AND a.payment = 'paid'
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
    responses=file_answer(MediaType.PDF)
    | refusals(LINES_MOVED=410, NOT_FOUND=404, NOTHING_TO_PRINT=409, PRINT_TOO_LARGE=422),
)
async def payment_notice(desk: CountyReaders, flow_no: str, place: OfPlace) -> Response:
    """A sheet a village, A4: what has been paid so far, to whom; the same results, the same bytes."""
    async with desk.database.snapshot() as session:
        flow = (
            await session.exec(select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county))
        ).first()
        if flow is None:
            raise not_found("补贴流程")
        names = await names_of(session, desk.county)
        rows = await rows_of_place(session, _Row, _ROWS, place, flow=flow.id)
    until = max((row.payment_at for row in rows if row.payment_at is not None), default=flow.created_at)
    lines = await lines_of(rows, partial(_line, desk, names))
    return await print_villages(desk, _form(flow, until), lines, "发放明细公示表", place)


def _line(desk: Desk, names: Names, row: _Row) -> Line:
    account = account_of(desk.shown, row.application_no, row.account_sealed)
    return line_of(desk.shown, names, row, names.bank(row.bank_code), account)


def _form(flow: Flow, until: datetime) -> VillageList:
    title, facts = f"{flow.fund_year} 年度补贴发放明细", [["截至", f"{date_of(until)}已发放成功的"]]
    return village_list(flow.county_code, flow.flow_no, seconds_of(until), title, facts, _COLUMNS, _NOTICE)

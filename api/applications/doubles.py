"""可能重复: lines whose person and item have another application, or payment, in the same fund year; never refused."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.batches.batch_views import find_batch
from api.counter.chunks import list_lines
from api.counter.desk import Desk
from api.counter.names import Names, names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders
from api.server.problems import not_found
from models.forms.money import format_yuan
from models.store.applications.doubles import (
    OTHERS,
    PAID_ELSEWHERE,
    Doubles,
    doubles,
    find_doubles,
    find_paid_elsewhere,
    these,
    told_elsewhere,
)
from models.store.applications.rows import LIVE
from models.store.database import Row
from models.store.selection import LineFilter, Predicate, filtered
from models.tables.flows import Flow
from models.words.stages import ApplicationStage, PaymentState, label

router = APIRouter(tags=["可能重复"])

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "others_words": "同一对象、同一补贴项目、同一资金年度另有",
}
View = dict[str, object]


@router.get("/batches/{batch_no}/doubles", summary="批次内可能重复的申请")
async def list_doubles(desk: CountyReaders, page: Pages, batch_no: str) -> Response:
    """What joining the batch told, and starting its flow will tell: as it is now."""
    async with desk.database.snapshot() as session:
        await find_batch(desk, session, batch_no)
        chosen = filtered(desk.county, LineFilter(batch_no=batch_no)).also(LIVE)
        found = await find_doubles(session, chosen, page.after or 0, page.rows)
        return await _list(desk, session, page, these(desk.county, found), OTHERS.lines)


@router.get("/flows/{flow_no}/paid-elsewhere", summary="本年度其他流程已发放或正在发放的申请")
async def list_paid_elsewhere(desk: CountyReaders, page: Pages, flow_no: str) -> Response:
    """What the summary counts."""
    async with desk.database.snapshot() as session:
        statement = select(Flow.id).where(Flow.flow_no == flow_no, Flow.county_code == desk.county)
        flow_id = (await session.exec(statement)).first()
        if flow_id is None:
            raise not_found("补贴流程")
        # found once for all pages of an export
        found = await find_paid_elsewhere(session, desk.county, flow_id, page.after or 0, page.rows)
        return await _list(desk, session, page, these(desk.county, found, flow=flow_id), PAID_ELSEWHERE.lines)


async def _list(desk: Desk, session: AsyncSession, page: Pages, chosen: Predicate, source: str) -> Response:
    show = _shown(await names_of(session, desk.county))
    return await list_lines(session, page, chosen, show, HEADERS, source)


async def doubles_block(session: AsyncSession, county: str, chosen: Predicate, url: str) -> View:
    """How an act tells of them: how many, their sum, the first hundred, and where the rest is."""
    return await _block(session, county, await doubles(session, county, chosen), url)


async def paid_elsewhere_block(session: AsyncSession, flow: Flow) -> View:
    """Of a flow's lines those whose person and item another flow of the year has paid or is paying."""
    assert flow.id is not None
    found = await told_elsewhere(session, flow.county_code, flow.id)
    return await _block(session, flow.county_code, found, f"/flows/{flow.flow_no}/paid-elsewhere")


async def _block(session: AsyncSession, county: str, found: Doubles, url: str) -> View:
    show = _shown(await names_of(session, county)) if found.count else None
    lines = [show(row) for row in found.lines] if show else []
    return {"count": found.count, "total_fen": found.total_fen, "lines": lines, "url": url}


def _shown(names: Names) -> Callable[[Row], View]:
    def show(row: Row) -> View:
        others = [_other(each) for each in row.others]
        return {
            "application_no": row.application_no,
            "item_code": row.item_code,
            "item": names.item(row.item_code),
            "amount_fen": row.amount_fen,
            "others": others,
            "others_words": "；".join(_words(other) for other in others),
        }

    return show


def _other(other: Mapping[str, str | int]) -> View:
    view: View = {**other, "stage_label": label(ApplicationStage(str(other["stage"])))}
    if "payment" in other:
        view["payment_label"] = label(PaymentState(str(other["payment"])))
    return view


def _words(other: View) -> str:
    fen = other["amount_fen"]
    assert isinstance(fen, int)
    paid = f"，流程 {other['flow_no']} {other['payment_label']}" if "payment" in other else ""
    return f"{other['application_no']}（{other['stage_label']}，{format_yuan(fen)} 元{paid}）"

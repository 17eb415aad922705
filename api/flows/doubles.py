"""可能重复: lines whose person and item have another application, or payment, in the same fund year; never refused."""

from fastapi import APIRouter, Response
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.double_views import HEADERS, DoubleView, shown
from api.batches.batch_views import find_batch
from api.counter.chunks import list_lines
from api.counter.desk import Desk
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.store.applications.doubles import (
    OTHERS,
    PAID_ELSEWHERE,
    DoubleLine,
    find_doubles,
    find_paid_elsewhere,
    these,
)
from models.store.applications.rows import LIVE
from models.store.selection import LineFilter, Predicate, filtered
from models.tables.flows import Flow

router = APIRouter(tags=["可能重复"])


@router.get(
    "/batches/{batch_no}/doubles",
    summary="批次内可能重复的申请",
    response_model=Listed[DoubleView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_doubles(desk: CountyReaders, page: Pages, batch_no: str) -> Response:
    """What joining the batch told, and starting its flow will tell: as it is now."""
    async with desk.database.snapshot() as session:
        await find_batch(desk, session, batch_no)
        chosen = filtered(desk.county, LineFilter(batch_no=batch_no), desk.for_whom).also(LIVE)
        found = await find_doubles(session, chosen, page.after or 0, page.rows)
        return await _list(desk, session, page, these(desk.county, found), OTHERS.lines)


@router.get(
    "/flows/{flow_no}/paid-elsewhere",
    summary="本年度其他流程已发放或正在发放的申请",
    response_model=Listed[DoubleView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
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
    show = shown(await names_of(session, desk.county))
    return await list_lines(session, page, chosen, show, HEADERS, source, DoubleLine)

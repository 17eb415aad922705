"""Lists of orders and of their lines: what was ordered, by whom, what would change, and what came of it."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.disclosures import WholeNames
from api.counter.export import listed_together, respond
from api.counter.long_poll import LongPoll, stage_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders
from api.counter.run_block import RunBlock, run_of
from api.flows.guard import known_flow
from api.orders.order_line_views import HEADERS as LINE_HEADERS
from api.orders.order_line_views import OrderLineView, read_order_lines
from api.orders.order_views import HEADERS, OrderDetails, OrderView, faults_of, find_order, flow_numbers, order_view
from api.server.answers import Listed, refusals
from models.contracts import RunKind
from models.store.orders.rules import Word
from models.tables.flows import Order
from models.words.stages import OrderKind, OrderState

router = APIRouter(tags=["指令"])


class OrderQuery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kind: OrderKind | None = None
    state: OrderState | None = None
    flow_no: Word | None = None


@router.get("/orders", summary="指令", response_model=Listed[OrderView], responses=refusals(NOT_FOUND=404))
async def list_orders(desk: CountyReaders, page: Pages, query: Annotated[OrderQuery, Query()]) -> Response:
    """Newest first."""
    statement = select(Order).where(Order.county_code == desk.county)
    if query.kind is not None:
        statement = statement.where(Order.kind == query.kind)
    if query.state is not None:
        statement = statement.where(Order.state == query.state)

    async def shown(orders: list[Order]) -> Iterable[tuple[int, OrderView]]:
        numbers = await flow_numbers(session, orders)
        return [(order.id or 0, order_view(desk.shown, order, numbers.get(order.flow_id or 0))) for order in orders]

    async with desk.database.snapshot() as session:
        if query.flow_no is not None:
            statement = statement.where(Order.flow_id == await known_flow(session, desk, query.flow_no))
        return await listed_together(session, page, HEADERS, (statement, Order.id), shown)


@router.get("/orders/{order_no}", responses=refusals(NOT_FOUND=404))
async def show_order(desk: CountyReaders, order_no: str, long_poll: LongPoll) -> OrderDetails:
    """With the run that carries it out: its own for evidence, the flow's for the others."""
    await long_poll.until_other(desk, stage_of("operator_order", "order_no", "state"), order_no)
    async with desk.database.snapshot() as session:
        order = await find_order(session, desk, order_no)
        flow_no = (await flow_numbers(session, [order])).get(order.flow_id or 0)
        run = await _run_of(desk, session, order, flow_no)
        return {**order_view(desk.shown, order, flow_no), "faults": await faults_of(session, order), "run": run}


async def _run_of(desk: Desk, session: AsyncSession, order: Order, flow_no: str | None) -> RunBlock | None:
    if order.kind is OrderKind.EVIDENCE:
        return await run_of(desk, session, RunKind.EVIDENCE, order.order_no)
    return await run_of(desk, session, RunKind.SUBSIDY_FLOW, flow_no) if flow_no is not None else None


@router.get(
    "/orders/{order_no}/lines",
    summary="指令明细",
    response_model=Listed[OrderLineView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_order_lines(desk: CountyReaders, order_no: str, page: Pages) -> Response:
    """Every line with whom it is about, what would change (before and after, while undecided), what came of it.

    Names and corrections are whole to operator and reviewer, who decide; whose were shown to whom is noted.
    """
    whole = WholeNames(desk)
    async with desk.database.snapshot() as session:
        order = await find_order(session, desk, order_no)
        rows = await read_order_lines(desk, session, page, order, whole)
    await whole.note(order_no, page, rows)
    return await respond(page, LINE_HEADERS, rows)

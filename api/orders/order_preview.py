"""What an order would be, before it is entered: the lines, whom they are about, what is left out and why."""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.disclosures import WholeNames
from api.counter.desk import Reply
from api.counter.export import View, respond
from api.counter.paging import Pages
from api.orders.order_acts import take_order
from api.orders.order_forms import NewOrder, check_shape
from api.orders.order_views import LINE_HEADERS, find_order, read_order_lines
from api.orders.orders import Operators, catalogs_of

router = APIRouter(tags=["指令"])
_TOLD = ("count", "total_fen", "left_out", "needs_confirmation", "warnings")


class OrderPreview(NewOrder):
    """An order whose reason may still be missing."""

    reason: str = "预览"


@dataclass
class _TakenBack(Exception):
    """The order was entered, read, and is undone with its transaction: a preview judges just as the entry does."""

    told: View
    rows: list[tuple[int, View]]


@router.post("/orders/preview", summary="指令预览")
async def preview_order(desk: Operators, page: Pages, wanted: OrderPreview) -> Response:
    """Count, sum, what is left out, and the lines as `GET /orders/{order_no}/lines` would show them; changes nothing.

    For 按平台更正姓名 both names are whole, noted in the trail. No Idempotency-Key.
    """
    check_shape(wanted)
    catalogs = await catalogs_of(desk, wanted)
    whole = WholeNames(desk)

    async def work(session: AsyncSession) -> Reply:
        entered = (await take_order(desk, session, wanted, catalogs)).body
        assert isinstance(entered, dict)
        order = await find_order(session, desk, str(entered["order_no"]))
        rows = await read_order_lines(desk, session, page, order, whole)
        raise _TakenBack({name: entered[name] for name in _TOLD}, rows)

    try:
        await desk.database.run(work)
    except _TakenBack as preview:
        told, rows = preview.told, preview.rows
    await whole.note(wanted.flow_no or desk.county, page, rows)
    return await respond(page, LINE_HEADERS, rows, told)

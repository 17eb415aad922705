"""What an order would be, before it is entered: the lines, whom they are about, what is left out and why."""

from fastapi import APIRouter, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import taken_back
from api.counter.disclosures import WholeNames
from api.counter.export import ListedRows, respond
from api.counter.paging import Pages
from api.counter.roles import Operators
from api.orders.order_acts import REFUSALS, take_order
from api.orders.order_forms import NewOrder, check_shape
from api.orders.order_line_views import HEADERS, OrderLineView, read_order_lines
from api.orders.order_views import OrderEntered, OrderTold, find_order
from api.orders.orders import catalogs_of
from api.server.answers import Listed

router = APIRouter(tags=["指令"])


class OrderPreview(NewOrder):
    """An order whose reason may still be missing."""

    reason: str = "预览"


class PreviewedOrder(OrderTold, Listed[OrderLineView]):
    """录入以后会是什么，和其中各笔。"""


@router.post("/orders/preview", summary="指令预览", response_model=PreviewedOrder, responses=REFUSALS)
async def preview_order(desk: Operators, page: Pages, wanted: OrderPreview) -> Response:
    """Count, sum, what is left out, and the lines as `GET /orders/{order_no}/lines` would show them; changes nothing.

    For 按平台更正姓名 both names are whole, and noted. No Idempotency-Key.
    """
    check_shape(wanted)
    catalogs = await catalogs_of(desk, wanted)
    whole = WholeNames(desk)

    async def look(session: AsyncSession) -> tuple[OrderTold, ListedRows]:
        """Entered and read: a preview judges just as the entry does."""
        entered = await take_order(desk, session, wanted, catalogs)
        order = await find_order(session, desk, entered["order_no"])
        return _told(entered), await read_order_lines(desk, session, page, order, whole)

    told, rows = await taken_back(desk.database, look)
    await whole.note(wanted.flow_no or desk.county, page, rows)
    return await respond(page, HEADERS, rows, told)


def _told(entered: OrderEntered) -> OrderTold:
    return {
        "count": entered["count"],
        "total_fen": entered["total_fen"],
        "left_out": entered["left_out"],
        "needs_confirmation": entered["needs_confirmation"],
        "warnings": entered["warnings"],
    }

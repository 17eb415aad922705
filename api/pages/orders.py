"""指令: the county's orders, one order with its lines, and another person's decision on it (S1 2.7)."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.window import Staff
from models.words.stages import OrderKind, OrderState

router = APIRouter(prefix="/console/orders", include_in_schema=False)
LIST = ListPage(
    chinese="指令",
    english="Orders",
    path="/console/orders",
    api="/orders",
    key="order_no",
    opens_with={"state": "entered"},
    help=(
        "操作员录入、由另一人复核的办理：修改、确认需发放、不通过数据、撤回、补发、撤销流程、提交材料、更正姓名。",
        "What an operator enters and another person confirms: corrections, confirmations, withdrawals, repayments.",
    ),
    columns=(
        Column("指令编号", "Order", "order_no", link="/console/orders/{order_no}"),
        Column("类别", "Kind", "kind_label", kind="label"),
        Column("流程", "Flow", "flow_no"),
        Column("笔数", "Lines", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "total_fen", kind="money"),
        Column("理由", "Reason", "reason"),
        Column("录入人", "Entered by", "entered_by", kind="person"),
        Column("录入时间", "Entered", "entered_at", kind="when"),
        Column("状态", "State", "state_label", kind="tag", tone="state"),
    ),
    filters=(
        Filter("state", "状态", "State", labelled(OrderState)),
        Filter("kind", "类别", "Kind", labelled(OrderKind)),
        Filter("flow_no", "流程", "Flow"),
    ),
)


serve_list(router, LIST)


@router.get("/{order_no}")
async def show_order(window: Staff, order_no: str) -> Response:
    order = await window.ask.get(f"/orders/{order_no}")
    lines = await window.ask.get(f"/orders/{order_no}/lines", after=window.query("after"))
    entered = order["entered_by"] == window.signed.subject
    return window.show("order.html", order=order, lines=lines, entered_it=entered)


@router.get("/{order_no}/lines/export")
async def export_order_lines(window: Staff, order_no: str) -> Response:
    return window.ask.file(f"/orders/{order_no}/lines", format="xlsx")


@router.post("/{order_no}/decision")
async def decide(window: Staff, order_no: str) -> Response:
    """复核通过 or 复核不通过, by the button that was pressed; with a code where the act wants one."""
    confirmed, remark = window.form.text("decision") == "confirm", window.form.maybe("remark")
    act = "confirmation" if confirmed else "refusal"
    asked = window.ask.post(f"/orders/{order_no}/{act}", {"remark": remark if confirmed else remark or ""})
    done = "order_confirmed" if confirmed else "order_refused"
    return await window.act(asked, done, f"/console/orders/{order_no}", lambda: show_order(window, order_no))

"""The lines of a flow: a list with conditions, from which orders are entered, and its sums (S1 2.7)."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.columns import ACCOUNT, APPLICATION, NAME, TOWN
from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list, show_sums
from api.pages.previews import ActOnSeveral
from api.pages.window import Staff, Window
from models.words.staff import Role
from models.words.stages import LineState, OrderKind, PaymentState, Verification

router = APIRouter(prefix="/console/flows/{flow_no}/lines", include_in_schema=False)
LINES = ListPage(
    chinese="流程明细",
    english="Lines of the flow",
    path="/console/flows/{}/lines",
    api="/flows/{}/lines",
    figures="/console/flows/{}/lines/figures",
    key="application_no",
    template="flow_lines.html",
    columns=(
        APPLICATION,
        NAME,
        TOWN,
        Column("银行", "Bank", "bank"),
        ACCOUNT,
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("校验", "Verification", "verification_label", kind="tag", tone="verification"),
        Column("提交方式", "Round", "mode_label", kind="label"),
        Column("提交状态", "State", "state_label", kind="tag", tone="state"),
        Column("暂缓原因", "Held for", "held_label", kind="label"),
        Column("提交失败原因", "Why not", "reason", kind="said"),
        Column("发放结果", "Payment", "payment_label", kind="tag", tone="payment"),
    ),
    filters=(
        Filter("state", "提交状态", "State", labelled(LineState)),
        Filter("verification", "校验", "Verification", labelled(Verification)),
        Filter("payment", "发放结果", "Payment", labelled(PaymentState)),
        Filter("town_code", "乡镇", "Town", catalog="towns"),
        Filter("bank_code", "银行", "Bank", catalog="banks"),
        Filter("application_no", "申请编号", "Application"),
    ),
)


# What is entered of lines that were chosen; the rest of a flow's acts is about all that they are for.
ACTS = tuple(
    ActOnSeveral(kind.value, kind.label, english, "/orders", "order_entered", (Role.OPERATOR,), "required", grave=grave)
    for kind, english, grave in (
        (OrderKind.CONFIRMED, "Submit as meant", False),
        (OrderKind.UNVERIFIED, "Submit unverified", False),
        (OrderKind.REPAYMENT, "Pay again", False),
        (OrderKind.WITHDRAWAL, "Withdraw", True),
    )
)


@router.get("")
async def list_lines(window: Staff, flow_no: str) -> Response:
    allowed = {each["act"] for each in await acts_of(window, flow_no) if each["allowed"]}
    acts = [act for act in ACTS if act.name in allowed]
    return await show_list(window, lines_of(flow_no), flow_no=flow_no, acts=acts)


@router.get("/export")
async def export_lines(window: Staff, flow_no: str) -> Response:
    return export(window, lines_of(flow_no))


@router.get("/figures")
async def line_figures(window: Staff, flow_no: str) -> Response:
    return await show_sums(window, lines_of(flow_no))


def lines_of(flow_no: str) -> ListPage:
    """The list of one flow's lines."""
    paths = {name: getattr(LINES, name).format(flow_no) for name in ("path", "api", "figures")}
    return replace(LINES, **paths)


async def acts_of(window: Window, flow_no: str) -> list[Any]:
    """The buttons of a flow; none for who reads figures only."""
    try:
        return list((await window.ask.get(f"/flows/{flow_no}/acts"))["items"])
    except Refused as refused:
        if refused.status != 403:
            raise
        return []

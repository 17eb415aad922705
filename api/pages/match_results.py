"""数据初始化结果, line by line in the seed's four sentences, and 按平台更正姓名 as an order (S1 2.4.1)."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.columns import ACCOUNT, BANK, ID_NUMBER, NAME, TOWN
from api.pages.lists import Column, Filter, ListPage, chosen_form, export, show_list
from api.pages.previews import NOTHING_CHOSEN, ActOnSeveral, acts_of
from api.pages.window import Staff, Window
from models.words.staff import Role
from models.words.stages import OrderKind

PATH = "/console/beneficiaries/{list_no}/results"
router = APIRouter(prefix=PATH, include_in_schema=False)
_OUTCOMES = (
    ("matched", "匹配成功", "Matched"),
    ("name_differs", "身份证存在，但姓名不同", "Another name"),
    ("not_found", "无此对象", "Nobody of this id"),
    ("no_account", "无该银行的惠民惠农账号", "No account at this bank"),
)
CORRECT = ActOnSeveral(
    *("correct", OrderKind.NAME_CORRECTION.label, "Take the platform's names", "/orders", "order_entered"),
    roles=(Role.OPERATOR,),
    reason="required",
)
LIST = ListPage(
    chinese="数据初始化结果",
    english="Results of the match",
    path=PATH,
    api="/beneficiary-lists",
    key="application_no",
    template="match_results.html",
    columns=(
        Column("编号", "Number", "application_no", link="/console/applications/{application_no}"),
        NAME,
        ID_NUMBER,
        TOWN,
        BANK,
        ACCOUNT,
        Column("项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("初始化结果", "Match", "result", kind="said"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("登记账号", "Account on file", "registered_note", kind="label"),
    ),
    filters=(
        Filter("outcome", "初始化结果", "Match", _OUTCOMES),
        Filter(
            "other_account", "登记账号不同", "Other account on file", (("true", "是", "Yes"), ("false", "否", "No"))
        ),
    ),
)


@router.get("")
async def list_results(window: Staff, list_no: str) -> Response:
    return await show_list(window, _of(list_no), acts=acts_of(window, (CORRECT,)), list_no=list_no)


@router.get("/export")
async def export_results(window: Staff, list_no: str) -> Response:
    return export(window, _of(list_no))


@router.post("/acts")
async def preview_correction(window: Staff, list_no: str) -> Response:
    return await _preview(window, list_no)


@router.post("/correction")
async def enter(window: Staff, list_no: str) -> Response:
    body = {**_order(window, list_no), "reason": window.form.text("reason")}
    asked = window.ask.post("/orders", body)
    place = "/console/orders/{}".format
    return await window.act(
        asked, "order_entered", lambda answer: place(answer["order_no"]), lambda: _preview(window, list_no)
    )


async def _preview(window: Window, list_no: str) -> Response:
    """Both names of each, what is left out and why; or why it can't be."""
    told = None
    try:
        order = _order(window, list_no)
        if order["selection"] == {"application_nos": []}:
            raise Refused(422, NOTHING_CHOSEN)
        told = await window.ask.search("/orders/preview", order, limit="100")
    except Refused as refused:
        if window.problem is None:
            window.problem, window.status = refused.document, refused.status
    kept = [("chosen", number) for number in chosen_form(window.form)]
    kept += [("everything", "true")] if window.form.ticked("everything") else []
    return window.show("name_correction.html", list_no=list_no, told=told, kept=kept)


def _order(window: Window, list_no: str) -> dict[str, Any]:
    """Of the rows that were ticked, or of all of the list whose name differs."""
    everything = window.form.ticked("everything")
    chosen = {"filter": {"list_no": list_no}} if everything else {"application_nos": chosen_form(window.form)}
    return {"kind": OrderKind.NAME_CORRECTION.value, "selection": chosen}


def _of(list_no: str) -> ListPage:
    path = PATH.replace("{list_no}", list_no)
    return replace(LIST, path=path, api=f"/beneficiary-lists/{list_no}/results")

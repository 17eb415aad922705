"""发放结果查询: over the county and per flow, its bar and reasons, and one line's results as they came (S1 2.8)."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.flow_lines import acts_of
from api.pages.formats import label, words
from api.pages.lists import (
    Column,
    Filter,
    ListPage,
    Sought,
    catalogs_of,
    conditions,
    export,
    labelled,
    show_list,
    show_sums,
)
from api.pages.live import show_live
from api.pages.window import Staff, Window
from models.words.flow_words import FAILURES
from models.words.staff import Role
from models.words.stages import PaymentState

router = APIRouter(prefix="/console/payments", include_in_schema=False)
LIST = ListPage(
    chinese="发放结果查询",
    english="Payment results",
    path="/console/payments",
    api="/payments",
    search="/payments/search",
    figures="/console/payments/figures",
    key="application_no",
    template="payments.html",
    columns=(
        Column("申请编号", "Application", "application_no", link="/console/payments/{flow_no}/{application_no}"),
        Column("姓名", "Name", "name"),
        Column("乡镇", "Town", "town"),
        Column("银行", "Bank", "bank"),
        Column("账号", "Account", "account_no", kind="account"),
        Column("项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("第几次", "Attempt", "attempt", kind="number"),
        Column("结果", "Result", "payment_label", kind="tag", tone="payment"),
        Column("说明", "Explanation", "explanation", kind="said"),
        Column("流水号", "Serial no.", "bank_serial_no"),
        Column("时间", "Time", "payment_at", kind="when"),
        Column("来源", "Source", "source_label", kind="label"),
        Column("流程结束后", "After the end", "after_end", kind="yes"),
        Column("材料", "Evidence", "evidence_sent_at", kind="when"),
        Column("流程", "Flow", "flow_no", link="/console/payments?flow_no={flow_no}"),
    ),
    filters=(
        Filter("payment", "结果", "Result", labelled(PaymentState)),
        Filter("flow_no", "流程", "Flow"),
        Filter("fund_year", "年份", "Year"),
        Filter("batch_no", "申请结算批次", "Batch"),
        Filter("payment_reason_code", "失败原因", "Reason", [(code, word, word) for code, word in FAILURES.items()]),
        Filter("town_code", "乡镇", "Town", catalog="towns"),
        Filter("bank_code", "银行", "Bank", catalog="banks"),
    ),
    sought=(
        Sought("name", "姓名", "Name"),
        Sought("id_number", "证件号", "Id number"),
        Sought("account_no", "账号", "Account"),
    ),
    help=(
        "平台发放以后推送每份申请的结果：成功、失败和原因，先后到达的都留着。发放成功后提交材料；失败的换卡后可以补发。",
        "The platform reports each payment: paid, or failed and why; every result is kept as it came. What was paid"
        " needs its evidence handed in, what failed can be paid again to another account.",
    ),
)
# For whom the lines are nobody's business: the same conditions, and sums alone.
SUMS = replace(LIST, sought=(), exports=False)
# All but the one that the bar itself tells apart.
_OF_BAR = ("flow_no", "fund_year", "batch_no", "town_code", "bank_code")


@router.get("")
async def list_payments(window: Staff) -> Response:
    return await (_summed(window) if window.signed.role is Role.OPS else _listed(window))


@router.post("")
async def search_payments(window: Staff) -> Response:
    return await _listed(window)


@router.get("/export")
async def export_payments(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/figures")
async def payment_sums(window: Staff) -> Response:
    return await show_sums(window, LIST)


@router.get("/bar")
async def payment_bar(window: Staff) -> Response:
    """The results of the same conditions in one bar, and 失败 by reason; live while a flow is being paid."""
    given = {name: value for name in _OF_BAR if (value := window.query(name))}
    figures = await window.ask.get("/payments/figures", **given)
    # a flow's days; over a year there would be too many to look at
    days = (await window.ask.get("/payments/days", **given))["items"] if given.get("flow_no") else []
    going = bool(given.get("flow_no")) and any(each["code"] == PaymentState.AWAITING for each in figures["states"])
    return show_live(window, "payment_bar.html", (figures, days), figures=figures, given=given, going=going, days=days)


@router.get("/{flow_no}/{application_no}")
async def show_payment(window: Staff, flow_no: str, application_no: str) -> Response:
    """One line: its latest result, and all of them as they came."""
    line = await window.ask.get(f"/flows/{flow_no}/payments/{application_no}")
    return window.show("payment.html", line=line, way=[_step(result) for result in line["results"]])


async def _listed(window: Window) -> Response:
    """With the acts of the flow, where one flow's results are asked for."""
    given = conditions(window, LIST)
    flow_no, failed = given.get("flow_no", ""), given.get("payment") == PaymentState.FAILED
    more = {
        "flow_no": flow_no,
        "flow_acts": await acts_of(window, flow_no) if flow_no else [],
        "settles": window.signed.role is Role.REVIEWER,
        # 补发 is offered where the register has another account by now
        "repayable": await window.ask.get("/applications/total", repayable="true") if flow_no or failed else None,
    }
    return await show_list(window, LIST, **more)


async def _summed(window: Window) -> Response:
    named = {each.name for each in SUMS.filters}
    given = {name: value for name, value in conditions(window, SUMS).items() if name in named}
    figures = await window.ask.get("/payments/figures", **given)
    catalogs = await catalogs_of(window, SUMS, given)
    return window.show("payment_figures.html", page=SUMS, given=given, figures=figures, catalogs=catalogs)


def _step(result: dict[str, Any]) -> dict[str, Any]:
    """One result as an entry of the way."""
    told = [label(result["source_label"]), label(result["reason_label"]), result["bank_serial_no"]]
    mark = "done" if result["status"] == PaymentState.PAID else "bad"
    late = words("流程结束后到达", "after the flow's end") if result["after_end"] else ""
    text, quotes = " · ".join(each for each in [*told, late] if each), [result["reason"] or ""]
    return {"mark": mark, "title": result["label"], "at": result["at"], "by": "", "text": text, "quotes": quotes}

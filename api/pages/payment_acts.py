"""After the payments: 提交材料 with what still lacks photos, and 无结果的核实 with its proof (S1 2.8)."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.columns import APPLICATION, NAME
from api.pages.flow_lines import acts_of
from api.pages.form import bad_field
from api.pages.lists import Column, ListPage, chosen_form, show_list
from api.pages.one import stored_files
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/payments/{flow_no}/acts", include_in_schema=False)
MISSING = ListPage(
    chinese="缺少材料的申请",
    english="What lacks photos",
    path="/console/payments/{}/acts/evidence",
    api="/flows/{}/missing-evidence",
    key="application_no",
    template="evidence.html",
    columns=(
        APPLICATION,
        NAME,
        Column("项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("缺少", "Lacking", "missing_label", kind="label"),
        Column("上次提交", "Last sent", "evidence_sent_at", kind="when"),
    ),
)
_SHOWN = 500


@router.get("/evidence")
async def evidence_page(window: Staff, flow_no: str) -> Response:
    """What an order would leave out for lack of photos, each with the way to add them; then the order itself."""
    page = ListPage(**{**vars(MISSING), "path": MISSING.path.format(flow_no), "api": MISSING.api.format(flow_no)})
    acts = [each for each in await acts_of(window, flow_no) if each["act"] == "evidence"]
    return await show_list(window, page, flow_no=flow_no, flow_acts=acts)


@router.get("/settlement")
async def settlement_page(window: Staff, flow_no: str) -> Response:
    """The lines without a result, to be ticked; what the bank's proof says of them."""
    lines = await window.ask.get(f"/flows/{flow_no}/payments", payment="unresolved", limit=_SHOWN)
    return window.show("settlement.html", flow_no=flow_no, lines=lines["items"], following=lines["next"])


@router.post("/settlement/preview")
async def preview_settlement(window: Staff, flow_no: str) -> Response:
    """The proof is stored, and what would be settled is shown; nothing is settled yet."""
    try:
        told, body = await _previewed(window, flow_no)
    except Refused as refused:
        return await window.shown_again(refused, lambda: settlement_page(window, flow_no))
    return window.show("settlement_preview.html", flow_no=flow_no, told=told, body=body)


@router.post("/settlement")
async def settle(window: Staff, flow_no: str) -> Response:
    asked = window.ask.post(f"/flows/{flow_no}/settlements", _body(window, window.form.whole("proof_file_id")))
    place = f"/console/payments?flow_no={flow_no}"
    return await window.act(asked, "settled", place, lambda: settlement_page(window, flow_no))


async def _previewed(window: Window, flow_no: str) -> tuple[Any, Mapping[str, Any]]:
    if not chosen_form(window.form):
        raise bad_field("chosen", "请勾选要核实的申请")
    if window.form.text("status") not in ("paid", "failed"):
        raise bad_field("status", "请按银行凭证选择发放成功或发放失败")
    [proof, *_] = await stored_files(window, "proof_file_id", "请选择银行出具的凭证（PDF、PNG 或 JPEG）")
    body = _body(window, proof)
    return await window.ask.search(f"/flows/{flow_no}/settlements", {**body, "preview": True}), body


def _body(window: Window, proof: object) -> dict[str, Any]:
    return {
        "selection": {"application_nos": chosen_form(window.form)},
        "status": window.form.text("status"),
        "reason": window.form.text("reason"),
        "proof_file_id": proof,
        "seen": window.form.maybe("seen"),
    }

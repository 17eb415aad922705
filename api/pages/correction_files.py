"""修改申请提交 by file: the edited export is shown as the order that it would be, then entered as that one (S1 2.7)."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.corrections import corrections_page
from api.pages.form import bad_field
from api.pages.one import sent_file
from api.pages.row_faults import groups
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/flows/{flow_no}/corrections/file", include_in_schema=False)
_SHOWN = 100


@router.post("")
async def preview_file(window: Staff, flow_no: str) -> Response:
    """A file that was chosen, or, for the next lines, what was read of it before."""
    try:
        read = _kept(window) if window.form.text("read") else await _read(window, flow_no)
    except Refused as refused:
        return await window.shown_again(refused, lambda: corrections_page(window, flow_no))
    return await _preview(window, flow_no, read)


@router.post("/order")
async def enter(window: Staff, flow_no: str) -> Response:
    read = _kept(window)
    body = {**_order(flow_no, read), "reason": window.form.text("reason")}
    asked = window.ask.post("/orders", body)
    place = "/console/orders/"
    return await window.act(
        asked,
        "order_entered",
        lambda entered: f"{place}{entered['order_no']}",
        lambda: _preview(window, flow_no, read),
    )


async def _read(window: Window, flow_no: str) -> Any:
    sent = sent_file(window, "file", "请选择改好的 xlsx 或 csv 文件")
    return await window.ask.upload("POST", f"/flows/{flow_no}/correction-files/preview", {}, sent)


def _kept(window: Window) -> Any:
    """What was read, as the page has kept it; the API judges it anew."""
    try:
        return json.loads(window.form.text("read"))
    except ValueError:
        raise bad_field("file", "请重新选择文件") from None


def _order(flow_no: str, read: Any) -> dict[str, Any]:
    return {"kind": "modified", "flow_no": flow_no, "corrections": read["corrections"]}


async def _preview(window: Window, flow_no: str, read: Any) -> Response:
    """Before and after of each line; or every fault, and nothing is done."""
    told = None
    if read["corrections"]:
        try:
            paging = {"limit": _SHOWN, "after": window.form.text("after")}
            told = await window.ask.search("/orders/preview", _order(flow_no, read), **paging)
            told["warnings"] = [_at_its_line(each, read) for each in told["warnings"]]
        except Refused as refused:
            # why the act was refused goes before why it can't be shown any more
            if window.problem is None:
                window.problem, window.status = refused.document, refused.status
    elif read["faults"]:
        window.status = 422
    kept = json.dumps(read, ensure_ascii=False)
    shown = {"faults": groups(read["faults"]), "warnings": groups(read["warnings"])}
    return window.show("correction_file.html", flow_no=flow_no, read=read, kept=kept, told=told, **shown)


def _at_its_line(warning: dict[str, Any], read: Any) -> dict[str, Any]:
    """The API counts the corrections that it was sent, people know lines by their number."""
    place = str(warning.get("pointer", "")).split("/")[2:3]
    if not place or not place[0].isdigit():
        return warning
    return {**warning, "detail": f"{read['corrections'][int(place[0])]['application_no']} · {warning['detail']}"}

"""Orders from a flow's page: what one would be, shown first, then entered with a reason (S1 2.7)."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.flow_lines import LINES
from api.pages.previews import NOTHING_CHOSEN, selection
from api.pages.window import Staff, Window
from models.words.stages import OrderKind

router = APIRouter(prefix="/console/flows/{flow_no}", include_in_schema=False)
DEFERRAL = "deferral"
_SHOWN = 100
Selection = Mapping[str, Any] | None


@router.get("/order")
async def order_of_all(window: Staff, flow_no: str) -> Response:
    """All lines that a kind of order is for."""
    return await _preview(window, flow_no, window.query("kind"), None)


@router.post("/lines/acts")
async def order_of_chosen(window: Staff, flow_no: str) -> Response:
    """Of lines that were ticked, or of all that the list's conditions find; nothing is done yet."""
    return await _preview(window, flow_no, window.form.text("act"), selection(window.form, LINES))


@router.post("/orders")
async def enter(window: Staff, flow_no: str) -> Response:
    kind, chosen = window.form.text("kind"), _selection(window)
    body = {"kind": kind, "flow_no": flow_no, "reason": window.form.text("reason"), **_chosen(chosen)}
    asked = window.ask.post("/orders", body)

    async def again() -> Response:
        return await _preview(window, flow_no, kind, chosen)

    return await window.act(asked, "order_entered", lambda order: f"/console/orders/{order['order_no']}", again)


@router.post("/deferral")
async def defer(window: Staff, flow_no: str) -> Response:
    chosen, seen = _selection(window), window.form.text("seen")
    body = {"reason": window.form.text("reason"), "seen": seen or None, **_chosen(chosen)}
    asked = window.ask.post(f"/flows/{flow_no}/deferrals", body)

    async def again() -> Response:
        return await _preview(window, flow_no, DEFERRAL, chosen)

    return await window.act(asked, "deferred", f"/console/flows/{flow_no}", again)


def _selection(window: Window) -> Selection:
    """As the preview has kept it; none where all lines are meant that the act is for."""
    return selection(window.form, LINES) if window.form.ticked("everything") or window.form.all("chosen") else None


def _chosen(chosen: Selection) -> dict[str, Any]:
    return {"selection": chosen} if chosen else {}


async def _preview(window: Window, flow_no: str, kind: str, chosen: Selection) -> Response:
    """Count, sum, what is left out and the lines themselves; or why it can't be."""
    told = None
    try:
        told = await _told(window, flow_no, kind, chosen)
    except Refused as refused:
        # why the act was refused goes before why it can't be shown any more
        if window.problem is None:
            window.problem, window.status = refused.document, refused.status
    label = "转入下批" if kind == DEFERRAL else OrderKind(kind).label if kind in set(OrderKind) else ""
    shown = {"flow_no": flow_no, "kind": kind, "kind_label": label, "told": told, "selection": _kept(chosen, told)}
    return window.show("flow_order.html", **shown)


async def _told(window: Window, flow_no: str, kind: str, chosen: Selection) -> Any:
    if chosen == {"application_nos": []}:
        raise Refused(422, NOTHING_CHOSEN)
    if kind != DEFERRAL:
        body = {"kind": kind, "flow_no": flow_no, **_chosen(chosen)}
        return await window.ask.search("/orders/preview", body, limit=_SHOWN)
    body = {"reason": "预览", "preview": True, **_chosen(chosen)}
    return {"warnings": [], "items": [], "next": None, **await window.ask.post(f"/flows/{flow_no}/deferrals", body)}


def _kept(chosen: Selection, told: Any) -> Selection:
    """What was shown whole is entered by number: nothing joins it that nobody saw."""
    if told is None or not told["items"] or told["next"] is not None or told.get("act"):
        return chosen
    return {"application_nos": [line["application_no"] for line in told["items"]]}

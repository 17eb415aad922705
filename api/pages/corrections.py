"""修改申请提交: the platform's rejected lines in an editable table, its reason beside each; an order of corrections."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.application_fields import PHOTOS
from api.pages.asking import Document, Refused
from api.pages.lists import catalog
from api.pages.one import stored_if_any
from api.pages.window import Staff, Window
from models.words.calendar import china_today

router = APIRouter(prefix="/console/flows/{flow_no}/corrections", include_in_schema=False)
TEXTS = ("name", "phone", "group", "account_no")
CODES = ("town_code", "village_code", "bank_code", "household_registration", "card_type")
_A_PAGE = 20
Line = Mapping[str, Any]


@router.get("")
async def corrections_page(window: Staff, flow_no: str) -> Response:
    after = window.form.text("after") if window.request.method == "POST" else window.query("after")
    lines = await window.ask.get(f"/flows/{flow_no}/correctible-lines", limit=_A_PAGE, after=after)
    places = (await window.ask.get("/catalogs/towns", limit=500, fund_year=china_today().year))["items"]
    shown = {"lines": lines["items"], "following": lines["next"], "towns": places, "after": after, "kinds": PHOTOS}
    return window.show("corrections.html", flow_no=flow_no, banks=await catalog(window, "banks"), **shown)


@router.get("/export")
async def export_lines(window: Staff, flow_no: str) -> Response:
    return window.ask.file(f"/flows/{flow_no}/correctible-lines", format="xlsx")


@router.post("")
async def order(window: Staff, flow_no: str) -> Response:
    """Of the lines that were ticked, what was typed otherwise than it stood."""
    asked = _ordered(window, flow_no, window.form.all("row"))
    return await window.act(
        asked,
        "order_entered",
        lambda entered: f"/console/orders/{entered['order_no']}",
        lambda: corrections_page(window, flow_no),
    )


async def _ordered(window: Window, flow_no: str, rows: Sequence[str]) -> Any:
    corrections = [await _correction(window, row) for row in rows]
    body = {"kind": "modified", "flow_no": flow_no, "reason": window.form.text("reason"), "corrections": corrections}
    try:
        return await window.ask.post("/orders", body)
    except Refused as refused:
        raise Refused(refused.status, _placed(refused.document, rows)) from None


async def _correction(window: Window, row: str) -> dict[str, Any]:
    """Only what was changed goes out; `was` is what the page had shown."""
    form, found = window.form, dict[str, Any]()
    for name in (*TEXTS, *CODES):
        value = form.text(field(row, name))
        if value != form.text(field(row, f"was.{name}")) and (value or name == "group"):
            found[name] = value
    if form.text(field(row, "amount_fen")) != form.text(field(row, "was.amount_fen")):
        found["amount_fen"] = form.fen(field(row, "amount_fen"))
    if form.text(field(row, "family_size")) != form.text(field(row, "was.family_size")):
        found["family_size"] = form.whole(field(row, "family_size"))
    photos = await _photos(window, row)
    return {
        "application_no": row,
        **found,
        **({"photos": photos} if photos else {}),
    }


async def _photos(window: Window, row: str) -> dict[str, int]:
    """New pictures of any kind, stored first; the review of the order shows them."""
    found = {kind: await stored_if_any(window, field(row, f"photos.{kind}")) for kind, _, _ in PHOTOS}
    return {kind: stored[0] for kind, stored in found.items() if stored}


def field(row: str, name: str) -> str:
    """By the line's number: what was typed stays with its line, whatever the list holds meanwhile."""
    return f"corrections.{row}.{name}"


def _placed(document: Document, rows: Sequence[str]) -> Document:
    """The API counts the corrections that it was sent, the page names lines."""
    return {**document, "errors": [_moved(error, rows) for error in document.get("errors") or []]}


def _moved(error: Document, rows: Sequence[str]) -> Document:
    steps = str(error.get("pointer", "")).split("/")
    if len(steps) > 3 and steps[1] == "corrections" and steps[2].isdigit() and int(steps[2]) < len(rows):
        steps[2] = rows[int(steps[2])]
        return {**error, "pointer": "/".join(steps)}
    return error

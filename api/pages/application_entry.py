"""录入申请 and 编辑: kind first, the manual's order, photos; what the API warns of is shown as 提醒 (S1 2.1, 2.2)."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.application_fields import ORGANIZATION, PERSONAL, PHOTOS, form_of, options_of, with_amount
from api.pages.application_saved import saved
from api.pages.asking import Refused
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.refusals import Refusal

router = APIRouter(prefix="/console/applications", include_in_schema=False)
PATH = "/console/applications"


@router.get("/new")
async def choose_kind(window: Staff) -> Response:
    return window.show("application_kind.html")


@router.get("/villages")
async def villages(window: Staff) -> Response:
    """Of the town that was just chosen."""
    year, town = window.query("fund_year") or str(china_today().year), window.query("form.town_code")
    options = await options_of(window, year, town)
    return window.show_part("parts/villages.html", villages=options["villages"], chosen="")


@router.get("/new/{kind}")
async def entry_page(window: Staff, kind: str) -> Response:
    return await _show(window, kind, f"{PATH}/new/{kind}")


@router.post("/new/{kind}")
async def enter(window: Staff, kind: str) -> Response:
    try:
        entered = await _entered(window, kind)
    except Refused as refused:
        return await window.shown_again(refused, lambda: _show(window, kind, f"{PATH}/new/{kind}"))
    return await saved(window, entered["application_no"], entered["warnings"], "entered")


@router.get("/{application_no}/edit")
async def edit_page(window: Staff, application_no: str) -> Response:
    return await _edit(window, application_no)


@router.post("/{application_no}/edit")
async def edit(window: Staff, application_no: str) -> Response:
    try:
        corrected = await _corrected(window, application_no)
    except Refused as refused:
        return await window.shown_again(refused, lambda: _edit(window, application_no))
    return await saved(window, application_no, corrected["warnings"], "corrected")


async def _entered(window: Window, kind: str) -> Any:
    fields, wrong = form_of(window.form, kind)
    body: dict[str, object] = {"fund_year": window.form.whole("fund_year"), "form": fields}
    body["channel"] = "mobile" if window.form.text("channel") == "mobile" else "pc"
    try:
        return await window.ask.post("/applications", body)
    except Refused as refused:
        raise with_amount(refused, wrong) from None


async def _corrected(window: Window, number: str) -> Any:
    fields, wrong = form_of(window.form, window.form.text("kind"))
    try:
        body = {"version": window.form.whole("version"), "form": fields}
        return await window.ask.put(f"/applications/{number}", body)
    except Refused as refused:
        if refused.document.get("code") == Refusal.VERSION_CHANGED and await _is_so(window, number, fields):
            return {"warnings": []}
        raise with_amount(refused, wrong) from None


async def _is_so(window: Window, number: str, fields: Mapping[str, Any]) -> bool:
    """Pressed twice: what is asked for was saved by the first."""
    whole = await window.ask.search(f"/applications/{number}/disclosures", {"purpose": "edit"})
    return all(whole[name if name != "kind" else "applicant_kind"] == value for name, value in fields.items())


async def _show(window: Window, kind: str, action: str) -> Response:
    if kind not in (PERSONAL, ORGANIZATION):
        raise Refused(404, {"code": Refusal.NOT_FOUND, "title": "没有这一页", "detail": "请选择个人或组织"})
    year = str(window.value("fund_year", china_today().year))
    return await _form(window, kind, action, {"fund_year": year}, ())


async def _edit(window: Window, number: str) -> Response:
    """In clear, which is noted; after a change by somebody else what is so now stands beside what was typed."""
    whole = await window.ask.search(f"/applications/{number}/disclosures", {"purpose": "edit"})
    acts = await window.ask.get(f"/applications/{number}/acts")
    why = next(act["why"] for act in acts["items"] if act["act"] == "edit")
    history = await window.ask.get(f"/applications/{number}/history")
    present = whole if window.problem and window.problem["code"] == Refusal.VERSION_CHANGED else None
    return await _form(
        *(window, whole["applicant_kind"], f"{PATH}/{number}/edit", whole, whole["photos"]),
        why=why,
        present=present,
        last=history["entries"][-1] if history["entries"] else None,
    )


async def _form(
    window: Window, kind: str, action: str, values: Mapping[str, Any], photos: Any, **more: Any
) -> Response:
    town = str(window.value("form.town_code", values.get("town_code", "")))
    options = await options_of(window, str(values["fund_year"]), town)
    beside = {"why": None, "present": None, "last": None, **more}
    shown = {"kind": kind, "action": action, "of": values, "photos": photos, "photo_kinds": PHOTOS, **options}
    return window.show("application_form.html", **shown, **beside)

"""新申请 on a phone in four steps, kept at each: 我是谁 · 住址 · 银行卡 · 项目和照片; then entered like any other."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.application_fields import (
    MAYBE,
    OF_PERSONS,
    PERSONAL,
    PHOTOS,
    form_of,
    options_of,
    photos_in,
    with_amount,
)
from api.pages.application_saved import saved
from api.pages.asking import Refused
from api.pages.form import bad_fields
from api.pages.window import Staff, Window
from models.words.calendar import china_today

router = APIRouter(prefix="/console/applications/drafts", include_in_schema=False)
PATH = "/console/applications"
DRAFTS = f"{PATH}/drafts"
# Chinese, English, the fields of the step.
STEPS = (
    ("我是谁", "Who I am", ("name", "id_number")),
    ("住址", "Address", ("town_code", "village_code", "group", "phone")),
    ("银行卡", "Bank card", ("bank_code", "account_no", "card_type", "household_registration", "family_size")),
    ("项目和照片", "Item and photos", ("item_code", "amount_fen")),
)


@router.post("")
async def begin(window: Staff) -> Response:
    asked = window.ask.post("/application-drafts", {"kind": window.form.text("kind"), "fund_year": china_today().year})
    return await window.act(
        asked, "draft_begun", lambda draft: f"{DRAFTS}/{draft['draft_id']}/1", lambda: _kinds(window)
    )


@router.get("/{draft_id}/{step}")
async def step_page(window: Staff, draft_id: str, step: int) -> Response:
    return await _show(window, draft_id, step)


@router.post("/{draft_id}/{step}")
async def fill(window: Staff, draft_id: str, step: int) -> Response:
    """Kept first, whatever is wrong with it; the last step enters it, and 以后再填 too where it brings photos."""
    draft = await _kept(window, draft_id, step)
    if draft is None or (window.form.text("then") == "later" and not photos_in(window.form)):
        return window.done("saved", PATH)
    if step < len(STEPS):
        return await _go_on(window, draft, step)
    return await _enter(window, draft)


async def _go_on(window: Window, draft: dict[str, Any], step: int) -> Response:
    """What has to be filled in is asked for where it stands, and not three steps later."""
    left = [name for name in STEPS[_place(step)][2] if not draft["form"].get(name) and _is_asked(name, draft["kind"])]
    if left:
        refused = bad_fields({f"form.{name}": "还没有填写" for name in left})
        return await window.shown_again(refused, lambda: _show(window, str(draft["draft_id"]), step))
    return window.done("saved", f"{DRAFTS}/{draft['draft_id']}/{step + 1}")


def _is_asked(name: str, kind: str) -> bool:
    return name not in MAYBE and (kind == PERSONAL or name not in OF_PERSONS)


@router.post("/{draft_id}")
async def remove(window: Staff, draft_id: str) -> Response:
    asked = window.ask.post(f"/application-drafts/{draft_id}/removal")
    return await window.act(asked, "removed", PATH, lambda: _kinds(window))


async def _kinds(window: Window) -> Response:
    return window.show("application_kind.html")


async def _kept(window: Window, draft_id: str, step: int) -> Any:
    """The draft with what was filled in; an amount as it was typed. None once it was entered: pressed twice."""
    names = STEPS[_place(step)][2]
    typed = {_typed(name): window.form.text(f"form.{name}") for name in names}
    try:
        return await window.ask.put(f"/application-drafts/{draft_id}", {"form": typed})
    except Refused as refused:
        if refused.status == 404 and step == len(STEPS):
            return None
        raise


def _typed(name: str) -> str:
    return "amount" if name == "amount_fen" else name


async def _enter(window: Window, draft: dict[str, Any]) -> Response:
    draft_id = str(draft["draft_id"])
    try:
        entered = await _entered(window, draft)
    except Refused as refused:
        step = _step_of(refused)
        return await window.shown_again(refused, lambda: _show(window, draft_id, step))
    await window.ask.post(f"/application-drafts/{draft_id}/removal", part="removal")
    return await saved(window, entered["application_no"], entered["warnings"], "entered")


def _place(step: int) -> int:
    return min(max(step, 1), len(STEPS)) - 1


async def _entered(window: Window, draft: dict[str, Any]) -> Any:
    typed = {f"form.{'amount_fen' if name == 'amount' else name}": value for name, value in draft["form"].items()}
    fields, wrong = form_of(window.form.beside(typed), draft["kind"])
    body = {"fund_year": draft["fund_year"], "channel": "mobile", "form": fields}
    try:
        return await window.ask.post("/applications", body)
    except Refused as refused:
        raise with_amount(refused, wrong) from None


def _step_of(refused: Refused) -> int:
    """The first step that something is wrong at; the last, where it is about no field."""
    wrong = {str(error.get("pointer", "")).rpartition("/")[2] for error in refused.document.get("errors", [])}
    return next((step for step, (_, _, names) in enumerate(STEPS, 1) if wrong & set(names)), len(STEPS))


async def _show(window: Window, draft_id: str, step: int) -> Response:
    draft = await window.ask.get(f"/application-drafts/{draft_id}")
    of = {**draft["form"], "fund_year": draft["fund_year"], "application_no": None, "amount_fen": None}
    town = str(window.value("form.town_code", of.get("town_code", "")))
    shown = {
        "kind": draft["kind"],
        "of": of,
        "photos": (),
        "photo_kinds": PHOTOS,
        "steps": STEPS,
        "step": _place(step) + 1,
    }
    options = await options_of(window, str(draft["fund_year"]), town)
    return window.show("application_step.html", draft_id=draft_id, **shown, **options)

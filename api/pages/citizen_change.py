"""变更卡: the form, the page that shows old and new before anything is asked for, and the asking (S2 1.1, 1.2)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Document, Refused
from api.pages.citizen_window import ENTRY, Citizen, CitizenWindow

router = APIRouter(prefix=f"{ENTRY}/change", include_in_schema=False)


@router.get("")
async def change_page(window: Citizen) -> Response:
    """The form for one card face, by its place on the account page: no account stands in an address."""
    return await _form_page(window)


@router.post("")
async def check_page(window: Citizen) -> Response:
    if window.form.text("back"):
        # back from the page that shows old and new: everything as it was typed
        window.problem = {}
        return await _form_page(window)
    try:
        return await _checked(window)
    except Refused as refused:
        return await window.shown_again(refused, lambda: _form_page(window))


@router.post("/submit")
async def submit(window: Citizen) -> Response:
    asked = window.ask.post("/citizen/card-changes", _body(window))
    return await window.act(asked, "asked", _its_page, lambda: _again(window))


def _its_page(matter: Document) -> str:
    return f"{ENTRY}/matters/{matter['request_no']}"


async def _again(window: CitizenWindow) -> Response:
    """Refused at a field: the form; else the page with the button, so that the same act can be sent again."""
    if window.errors() and window.status == 422:
        return await _form_page(window)
    try:
        return await _checked(window)
    except Refused:
        return await _form_page(window)


async def _checked(window: CitizenWindow) -> Response:
    body = _body(window)
    weighed = await window.ask.search("/citizen/card-changes/preview", body)
    return window.show("citizen/check.html", weighed=weighed, card=window.form.text("card"), body=body)


async def _form_page(window: CitizenWindow) -> Response:
    account = await window.ask.get("/citizen/account")
    banks = await window.ask.get("/citizen/banks")
    place = window.form.text("card") if window.is_act else window.query("card")
    cards = account["cards"]
    at = int(place) if place.isascii() and place.isdigit() and int(place) < len(cards) else 0
    if not cards:
        return window.go(f"{ENTRY}/account")
    return window.show("citizen/change.html", cards=cards, card=cards[at], place=at, banks=banks)


def _body(window: CitizenWindow) -> dict[str, Any]:
    form = window.form
    return {
        "counties": form.all("counties"),
        "card_type": form.maybe("card_type"),
        "account_no": form.text("account_no"),
        "bank_code": form.text("bank_code"),
        "reason": form.maybe("reason"),
        "authorised": form.ticked("authorised"),
    }

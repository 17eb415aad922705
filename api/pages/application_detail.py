"""One application: facts, what may be done and why not, its photos, flows and payments, and its whole life (S1 2.7)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.application_fields import PHOTOS
from api.pages.applications import ACTS, LIST
from api.pages.formats import is_word, label, words
from api.pages.previews import acts_of
from api.pages.window import Staff, Window
from models.words.staff import Role

router = APIRouter(prefix="/console/applications", include_in_schema=False)
PATH = "/console/applications"


@router.get("/{application_no}")
async def show_application(window: Staff, application_no: str) -> Response:
    found = await window.ask.get(f"/applications/{application_no}")
    return await _detail(window, found, whole=False)


@router.post("/{application_no}/whole")
async def show_whole(window: Staff, application_no: str) -> Response:
    """显示完整信息: by POST, since it is noted each time."""
    found = await window.ask.search(f"/applications/{application_no}/disclosures", {"purpose": "look"})
    return await _detail(window, found, whole=True)


@router.get("/{application_no}/photos/{kind}")
async def show_photo(window: Staff, application_no: str, kind: str) -> Response:
    width = window.query("width")
    return window.ask.file(f"/applications/{application_no}/photos/{kind}", width=width)


async def _detail(window: Window, found: Any, *, whole: bool) -> Response:
    number = found["application_no"]
    acts = (await window.ask.get(f"/applications/{number}/acts"))["items"]
    history = await window.ask.get(f"/applications/{number}/history")
    return window.show(
        "application.html",
        of=found,
        whole=whole,
        buttons=_buttons(window, acts),
        steps=[_step(entry) for entry in history["entries"]],
        photos=_photos(found["photos"]),
        may_open=window.signed.role in (Role.OPERATOR, Role.REVIEWER, Role.APPLICANT),
        may_see_lookers=window.signed.role in (Role.COUNTY_ADMIN, Role.AUDITOR),
        list_path=LIST.path,
    )


def _buttons(window: Window, acts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the person's role, each with why it can't be pressed."""
    mine = {act.name for act in acts_of(window, ACTS)} | ({"edit"} if _enters(window) else set())
    mine |= {"object"} if window.signed.role is Role.OPERATOR else set()
    return [act for act in acts if act["act"] in mine]


def _enters(window: Window) -> bool:
    return window.signed.role in (Role.OPERATOR, Role.APPLICANT)


def _step(entry: dict[str, Any]) -> dict[str, Any]:
    number, said = entry["number"] or "", entry["said"] or ""
    # what somebody wrote stands by itself, as it was written
    parts = [number, label(entry["order_label"]), label(said) if is_word(said) else ""]
    text = " · ".join(part for part in parts if part)
    quotes = [said] if said and not is_word(said) else []
    link = f"/console/flows/{number}" if "-L" in number else ""
    shown = {name: entry[name] for name in ("mark", "at", "by")}
    return {**shown, "title": entry["label"], "text": text, "quotes": quotes, "link": link}


def _photos(stored: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    """In the order of the form, whatever the API's."""
    return [(code, words(zh, en), each) for code, zh, en in PHOTOS for each in stored if each["kind"] == code]

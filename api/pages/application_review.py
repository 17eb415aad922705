"""资料审核, one after the other: photos left, fields right, what was changed since it came back marked (S1 2.2)."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.application_fields import PHOTOS
from api.pages.applications import RETURNS
from api.pages.formats import words
from api.pages.previews import reason_of
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/applications", include_in_schema=False)
PATH = "/console/applications"
_ACTS = {
    "approve": ("/application-approvals", "former_approved"),
    "return": ("/application-returns", "former_returned"),
}


@router.get("/review")
async def begin_review(window: Staff) -> Response:
    """The first that waits; the list where nothing does."""
    return window.go(_place(await _waiting(window), "", 0))


@router.get("/{application_no}/review")
async def review_page(window: Staff, application_no: str) -> Response:
    return await _review(window, application_no)


@router.post("/{application_no}/review")
async def decide(window: Staff, application_no: str) -> Response:
    """保存后打开下一份."""
    act = window.form.text("act")
    path, done = _ACTS.get(act, _ACTS["return"])
    more = {"seen": window.form.text("seen") or None} if act == "approve" else {"reason": reason_of(window.form)}
    body = {**_only(application_no), **{name: value for name, value in more.items() if value}}
    following = _place(await _waiting(window), application_no, _handled(window) + 1)
    return await window.act(window.ask.post(path, body), done, following, lambda: _review(window, application_no))


def _only(number: str) -> dict[str, object]:
    return {"selection": {"application_nos": [number]}}


async def _review(window: Window, number: str) -> Response:
    """What is approved is what stands here: marked before it is read, so that no change in between goes unnoticed."""
    acts = {act["act"]: act for act in (await window.ask.get(f"/applications/{number}/acts"))["items"]}
    seen = await _mark(window, number) if acts["approve"]["allowed"] else ""
    whole = await window.ask.search(f"/applications/{number}/disclosures", {"purpose": "review"})
    history = await window.ask.get(f"/applications/{number}/history")
    waiting, handled = await _waiting(window), _handled(window)
    return window.show(
        "application_review.html",
        of=whole,
        seen=seen,
        why=acts["approve"]["why"],
        may_return=acts["return"]["allowed"],
        changed=set(history["changed_since_return"]),
        returned=next((e for e in reversed(history["entries"]) if e["event"] == "applications.returned"), None),
        photos=_photos(whole),
        usual=RETURNS,
        queue=await _queue(window, number, waiting),
        handled=handled,
        following=_place(waiting, number, handled) if set(waiting) - {number} else None,
    )


async def _mark(window: Window, number: str) -> str:
    told = await window.ask.search("/application-approvals", {**_only(number), "preview": True})
    return str(told["seen"])


def _photos(whole: dict[str, Any]) -> list[tuple[str, str]]:
    present = {each["kind"] for each in whole["photos"]}
    return [(code, words(zh, en)) for code, zh, en in PHOTOS if code in present]


async def _queue(window: Window, number: str, waiting: Sequence[str]) -> dict[str, int | None]:
    """第 n 件，共 N 件 of this walk, the decided ones counted; and how many are of the own hand, to be skipped."""
    mine = (await window.ask.get("/applications/total", to_do="true"))["count"]
    others = (await window.ask.get("/applications/total", stage="in_review", approved="false"))["count"]
    handled = _handled(window)
    place = handled + waiting.index(number) + 1 if number in waiting else None
    return {"waiting": mine, "own": others - mine, "place": place, "all": max(handled + mine, place or 0)}


def _handled(window: Window) -> int:
    """How many were decided on the way here; the address and the form say so, nobody else remembers it."""
    told = window.form.text("handled") if window.is_act else window.query("handled")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 7 else 0


async def _waiting(window: Window) -> list[str]:
    """The first of those that wait for this person, in the order of their entry."""
    found = (await window.ask.get("/applications", to_do="true", limit="500"))["items"]
    return [item["application_no"] for item in found]


def _place(waiting: Sequence[str], number: str, handled: int) -> str:
    """The next one after this, from the beginning again where it was the last; the list where no other waits."""
    place = waiting.index(number) + 1 if number in waiting else 0
    others = [each for each in (*waiting[place:], *waiting[:place]) if each != number]
    if not others:
        return f"{PATH}?to_do=true"
    return f"{PATH}/{others[0]}/review" + (f"?handled={handled}" if handled else "")

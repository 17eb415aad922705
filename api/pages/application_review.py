"""资料审核, one after the other: photos left, fields right, what was changed since it came back marked (S1 2.2)."""

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
    return window.go(await _next(window, "") or f"{PATH}?to_do=true")


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
    following = await _next(window, application_no) or f"{PATH}?to_do=true"
    return await window.act(window.ask.post(path, body), done, following, lambda: _review(window, application_no))


def _only(number: str) -> dict[str, object]:
    return {"selection": {"application_nos": [number]}}


async def _review(window: Window, number: str) -> Response:
    """What is approved is what stands here: marked before it is read, so that no change in between goes unnoticed."""
    acts = {act["act"]: act for act in (await window.ask.get(f"/applications/{number}/acts"))["items"]}
    seen = await _mark(window, number) if acts["approve"]["allowed"] else ""
    whole = await window.ask.search(f"/applications/{number}/disclosures", {"purpose": "review"})
    history = await window.ask.get(f"/applications/{number}/history")
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
        queue=await _queue(window),
        following=await _next(window, number),
    )


async def _mark(window: Window, number: str) -> str:
    told = await window.ask.search("/application-approvals", {**_only(number), "preview": True})
    return str(told["seen"])


def _photos(whole: dict[str, Any]) -> list[tuple[str, str]]:
    present = {each["kind"] for each in whole["photos"]}
    return [(code, words(zh, en)) for code, zh, en in PHOTOS if code in present]


async def _queue(window: Window) -> dict[str, int]:
    """How many wait for this person, and how many were entered by the own hand and are skipped."""
    mine = (await window.ask.get("/applications/figures", to_do="true"))["count"]
    waiting = (await window.ask.get("/applications/figures", stage="in_review", approved="false"))["count"]
    return {"waiting": mine, "own": waiting - mine}


async def _next(window: Window, number: str) -> str | None:
    """The next one after this, from the beginning again where it was the last; None where no other waits."""
    found = (await window.ask.get("/applications", to_do="true", limit="500"))["items"]
    waiting = [item["application_no"] for item in found]
    place = waiting.index(number) + 1 if number in waiting else 0
    others = [each for each in (*waiting[place:], *waiting[:place]) if each != number]
    return f"{PATH}/{others[0]}/review" if others else None

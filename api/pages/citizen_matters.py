"""事项办理: what is under way and what is finished, its steps, and 撤销 (S2 1.1, 1.2)."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.citizen_window import ENTRY, Citizen, CitizenWindow
from api.pages.live import show_live

router = APIRouter(prefix=ENTRY, include_in_schema=False)


@router.get("/matters")
async def show_open(window: Citizen) -> Response:
    return await _list(window, "open")


@router.get("/finished")
async def show_finished(window: Citizen) -> Response:
    return await _list(window, "ended")


@router.get("/matters/{request_no}")
async def show_matter(window: Citizen, request_no: str) -> Response:
    matter = await window.ask.get(f"/citizen/matters/{request_no}")
    return show_live(window, "citizen/matter.html", matter, matter=matter)


@router.get("/matters/{request_no}/withdrawal")
async def withdrawal_page(window: Citizen, request_no: str) -> Response:
    return window.show("citizen/withdrawal.html", matter=await window.ask.get(f"/citizen/matters/{request_no}"))


@router.post("/matters/{request_no}/withdrawal")
async def withdraw(window: Citizen, request_no: str) -> Response:
    asked = window.ask.post(f"/citizen/matters/{request_no}/withdrawal")
    its_page = f"{ENTRY}/matters/{request_no}"
    return await window.act(asked, "taken_back", its_page, lambda: withdrawal_page(window, request_no))


async def _list(window: CitizenWindow, state: str) -> Response:
    found = await window.ask.get("/citizen/matters", state=state, after=window.query("after"))
    shown = {"matters": found["items"], "following": found["next"]}
    return show_live(window, "citizen/matters.html", shown, state=state, **shown)

"""我的“一卡通”账号: card faces, counties in use, notices, own sign-ins (S2 1.1, 1.2)."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.citizen_window import ENTRY, Citizen
from api.pages.live import show_live

router = APIRouter(prefix=ENTRY, include_in_schema=False)
_NEWEST = 5


@router.get("/account")
async def show_account(window: Citizen) -> Response:
    """Faces, newest matters and the count of notices, as they come to be while the page is open."""
    account = await window.ask.get("/citizen/account")
    matters = await window.ask.get("/citizen/matters", limit=_NEWEST)
    shown = {"account": account, "matters": matters["items"], "more": matters["next"]}
    return show_live(window, "citizen/account.html", shown, **shown)


@router.get("/counties")
async def show_counties(window: Citizen) -> Response:
    account = await window.ask.get("/citizen/account")
    return window.show("citizen/counties.html", account=account)


@router.get("/notices")
async def show_notices(window: Citizen) -> Response:
    """What is shown is read; what is new is marked this once. What comes while the page is open stays new."""
    notices = await window.ask.get("/citizen/notices", after=window.query("after"))
    if window.query("live") != "1" and any(not each["read"] for each in notices["items"]):
        newest = notices["items"][0]["notice_no"]
        await window.ask.mark("/citizen/notices/read", {"notice_no": newest})
    return show_live(window, "citizen/notices.html", [each["notice_no"] for each in notices["items"]], found=notices)


@router.get("/sign-ins")
async def show_sign_ins(window: Citizen) -> Response:
    found = await window.ask.get("/citizen/sign-ins", after=window.query("after"))
    return window.show("citizen/sign_ins.html", found=found)

"""上线准备: what the county still lacks, each with where it is mended and by whom, until all of it is there."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.live import show_live
from api.pages.menu import menu_of
from api.pages.window import Staff

PATH = "/console/going-live"
router = APIRouter(prefix=PATH, include_in_schema=False)
# Where each is mended; trying the platform is done here.
_PLACES = {
    "people": ("/console/people", "人员", "People"),
    "policy_unit": ("/console/policies", "补贴政策管理", "Subsidy policies"),
    "catalogs": ("/console/catalogs", "平台目录", "Platform catalogs"),
    "register": ("/console/register-loads", "初始导入", "First load"),
    "callbacks": ("/console/inbox", "平台来件", "What the platform says"),
}


@router.get("")
async def show_readiness(window: Staff) -> Response:
    found = await window.ask.get("/going-live")
    mine = {entry.path for group in menu_of(window.signed.role) for entry in group.entries}
    places = {check: place for check, place in _PLACES.items() if place[0] in mine}
    return show_live(window, "going_live.html", found, found=found, places=places, path=PATH)


@router.post("/trial")
async def try_platform(window: Staff) -> Response:
    asked = window.ask.post("/platform-trials")
    return await window.act(asked, "trial_asked", PATH, lambda: show_readiness(window))

"""How a person likes the pages to look, and addresses at which there is no page."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.pages.asking import Refused
from api.pages.door import door_of
from api.pages.formats import seconds_until
from api.pages.looks import COOKIE, look
from api.pages.origin import is_own
from api.pages.window import Staff
from models.words.refusals import Refusal

router = APIRouter(include_in_schema=False)
last = APIRouter(include_in_schema=False)
# A little more than two minutes: pages ask every half.
WARNED_SECONDS = 150
_A_YEAR = 365 * 24 * 3600


@router.get("/console/look")
async def change_look(request: Request, to: str = "", back: str = "") -> Response:
    """Nothing but a cookie of taste changes, so a link is enough; it says nothing about anybody."""
    answer = RedirectResponse(back if is_own(back) else "/console", 303)
    wanted = look(*to.split(".")).written()
    secure = door_of(request).cookies_secure
    answer.set_cookie(COOKIE, wanted, max_age=_A_YEAR, path="/", httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/console/leaving")
async def leaving(window: Staff) -> Response:
    """Asked by every open page: says so before the session ends by itself."""
    if seconds_until(window.signed.ends_at) > WARNED_SECONDS:
        return window.nothing_new()
    return window.show_part("parts/leaving.html")


@router.post("/console/leaving")
async def stay(window: Staff) -> Response:
    """继续办理: to have come here is an act already; what was typed on the page stays."""
    return window.show_part("parts/stayed.html")


@last.api_route("/console/{rest:path}", methods=["GET", "POST"])
async def nowhere(window: Staff, rest: str) -> Response:
    """The last of all routes: an address at which there is no page."""
    raise Refused(404, {"code": Refusal.NOT_FOUND, "title": "没有这一页", "detail": "请核对地址，或从菜单进入"})

"""统一身份认证登录: to the province's provider and back; the first time a one-time code binds it to a person here."""

from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.sign_in import send_step
from api.pages.sign_in_steps import first_page, own_place, place_after, step_page, with_cookie
from api.pages.window import Visitor, Window
from models.words.refusals import Refusal
from models.words.staff import SignInStep

PLACE = "/console/sign-in/oidc"
router = APIRouter(prefix=PLACE, include_in_schema=False)
# Comes back with the provider's answer, which is another site's link: a strict one would stay away.
_COOKIE, _SECONDS = "onecard_sign_in", 900
_LONGEST_PLACE = 1_000


@router.post("")
async def go_to_provider(window: Visitor) -> Response:
    try:
        begun = await window.ask.post("/staff/sign-ins/oidc")
    except Refused as refused:
        return await window.shown_again(refused, lambda: first_page(window))
    place = place_after(window)
    kept = f"{begun['attempt']}.{quote(place, safe='') if len(place) <= _LONGEST_PLACE else ''}"
    return _with_attempt(window, _leave(window, begun["address"]), kept)


@router.get("")
async def come_back(window: Visitor) -> Response:
    attempt, _, place = window.request.cookies.get(_COOKIE, "").partition(".")
    brought = {"attempt": attempt, "state": window.query("state"), "code": window.query("code")}
    try:
        answer = await _judged(window, brought)
    except Refused as refused:
        # what was brought is used up: the page says so, and doesn't open itself again
        refused.document["once"] = True
        return _with_attempt(window, await window.shown_again(refused, lambda: first_page(window)), "")
    return _with_attempt(window, _next_page(window, answer, own_place(unquote(place))), "")


@router.post("/binding")
async def bind(window: Visitor) -> Response:
    body = {"name": window.form.text("name"), "code": window.form.text("code")}
    return await send_step(window, "/oidc/binding", body, SignInStep.BIND)


async def _judged(window: Window, brought: dict[str, str]) -> Any:
    if not all(brought.values()):
        detail = "统一身份认证没有完成登录（可能已取消或超时），没有作任何改动；请重新登录"
        raise Refused(401, {"code": Refusal.SIGN_IN_REFUSED, "title": "登录未通过", "detail": detail})
    return await window.ask.mark("/staff/sign-ins/oidc/return", brought)


def _next_page(window: Window, answer: Any, after: str) -> Response:
    """Not sent on by a 303, which a browser would follow as the provider's link and without the strict cookie."""
    if answer["step"] is not None:
        return step_page(window, answer, after)
    page, _, query = after.partition("?")
    return with_cookie(window, window.show("again.html", address=page, query=query), answer["session"])


def _leave(window: Window, address: str) -> Response:
    """By a page: a form's own answer may lead to our pages only (`form-action`)."""
    if window.request.headers.get("hx-request") == "true":
        return Response(headers={"HX-Redirect": address})
    return window.show("off_to_provider.html", address=address)


def _with_attempt(window: Window, answer: Response, kept: str) -> Response:
    secure = window.door.cookies_secure
    if kept:
        answer.set_cookie(_COOKIE, kept, max_age=_SECONDS, path=PLACE, httponly=True, samesite="lax", secure=secure)
    else:
        answer.delete_cookie(_COOKIE, path=PLACE, httponly=True, samesite="lax", secure=secure)
    return answer

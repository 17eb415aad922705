"""登录: name and password, a code, the first time a password and an authenticator; choosing a role; 退出."""

import base64
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.door import STAFF_COOKIE, STAFF_PATH
from api.pages.form import bad_field
from api.pages.origin import SIGN_IN, is_own
from api.pages.session_ends import why_over
from api.pages.window import Staff, Visitor, Window
from models.words.refusals import Refusal
from models.words.stages import SignInStep

router = APIRouter(prefix="/console", include_in_schema=False)
# What each step is shown by; its form brings the ticket on.
_STEPS = {
    SignInStep.PASSWORD: "sign_in_password.html",
    SignInStep.ENROL: "sign_in_enrol.html",
    SignInStep.CODE: "sign_in_code.html",
    SignInStep.ROLE: "sign_in_role.html",
}
_AUTHENTICATOR = ("secret", "uri", "qr")


@router.get("/sign-in")
async def sign_in_page(window: Visitor) -> Response:
    return await _first_page(window)


@router.post("/sign-in")
async def sign_in(window: Visitor) -> Response:
    body = {"name": window.form.text("name"), "password": window.form.as_typed("password")}
    return await _step(window, "", body, None)


@router.post("/sign-in/password")
async def set_first_password(window: Visitor) -> Response:
    password = window.form.as_typed("password")
    if password != window.form.as_typed("again"):
        differs = bad_field("again", "两次输入的密码不同，请再输一次")
        return await window.shown_again(differs, lambda: _same(window, SignInStep.PASSWORD))
    return await _step(window, "/password", {"password": password}, SignInStep.PASSWORD)


@router.post("/sign-in/code")
async def give_code_typed(window: Visitor) -> Response:
    step = SignInStep.ENROL if window.form.text("secret") else SignInStep.CODE
    return await _step(window, "/code", {"code": window.form.text("code").replace(" ", "")}, step)


@router.post("/sign-in/role")
async def choose_own_role(window: Visitor) -> Response:
    return await _step(window, "/role", {"role": window.form.text("role")}, SignInStep.ROLE)


@router.get("/signed-in")
async def signed_in_beside(window: Staff) -> Response:
    """For who signed in beside a form that is still open."""
    return window.show("signed_in.html")


@router.post("/sign-out")
async def sign_staff_member_out(window: Staff) -> Response:
    await window.ask.post("/staff/sign-outs")
    return _without_cookie(window, window.go("/console/signed-out"))


@router.get("/signed-out")
async def signed_out(window: Visitor) -> Response:
    return window.show("signed_out.html")


@router.get("/switch")
async def switch_page(window: Staff) -> Response:
    return window.show("switch.html", me=await window.ask.get("/staff/me"))


@router.post("/switch")
async def switch_role(window: Staff) -> Response:
    """Another role is another session: signed in anew."""
    await window.ask.post("/staff/sign-outs")
    return _without_cookie(window, window.go(SIGN_IN))


async def _step(window: Window, path: str, body: dict[str, Any], step: SignInStep | None) -> Response:
    asked = body if step is None else {"ticket": window.form.text("ticket"), **body}
    try:
        answer = await window.ask.post(f"/staff/sign-ins{path}", asked)
    except Refused as refused:
        over = refused.document.get("code") == Refusal.TICKET_OVER
        return await window.shown_again(refused, lambda: _same(window, None if over else step))
    if answer["step"] is None:
        return _with_cookie(window, window.go(_next(window)), answer["session"])
    return _step_page(window, SignInStep(answer["step"]), answer)


async def _same(window: Window, step: SignInStep | None) -> Response:
    """The step again, with what its form had brought."""
    if step is None:
        return await _first_page(window)
    brought = {name: window.form.text(name) for name in _AUTHENTICATOR}
    return _step_page(window, step, {"ticket": window.form.text("ticket"), "authenticator": brought})


async def _first_page(window: Window) -> Response:
    """Whoever was signed in until now is told why that is over."""
    said = window.problem or window.query("done")
    why = None if said else await why_over(window.door, window.request)
    return window.show("sign_in.html", next=_next(window), why=why)


def _step_page(window: Window, step: SignInStep, answer: dict[str, Any]) -> Response:
    return window.show(
        _STEPS[step],
        ticket=answer["ticket"],
        authenticator=with_picture(answer.get("authenticator")),
        roles=answer.get("roles") or [],
        next=_next(window),
    )


def with_picture(authenticator: dict[str, str] | None) -> dict[str, str]:
    """Its QR code as a picture that a page may show."""
    known = authenticator or dict.fromkeys(_AUTHENTICATOR, "")
    picture = base64.b64encode(known["qr"].encode()).decode()
    return {**known, "picture": f"data:image/svg+xml;base64,{picture}"}


def _next(window: Window) -> str:
    wanted = window.form.text("next") if window.is_act else window.query("next")
    return wanted if wanted.startswith(STAFF_PATH) and is_own(wanted) else STAFF_PATH


def _with_cookie(window: Window, answer: Response, secret: str) -> Response:
    secure = window.door.cookies_secure
    answer.set_cookie(STAFF_COOKIE, secret, path=STAFF_PATH, httponly=True, samesite="strict", secure=secure)
    return answer


def _without_cookie(window: Window, answer: Response) -> Response:
    secure = window.door.cookies_secure
    answer.delete_cookie(STAFF_COOKIE, path=STAFF_PATH, httponly=True, samesite="strict", secure=secure)
    return answer

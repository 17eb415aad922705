"""登录: name and password, a code, the first time a password and an authenticator; choosing a role; 退出."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.form import bad_field
from api.pages.origin import SIGN_IN
from api.pages.sign_in_steps import first_page, place_after, same_step, step_page, with_cookie, without_cookie
from api.pages.window import Staff, Visitor, Window
from models.words.refusals import Refusal
from models.words.staff import SignInStep

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(window: Visitor) -> Response:
    return await first_page(window)


@router.post("/sign-in")
async def sign_in(window: Visitor) -> Response:
    body = {"name": window.form.text("name"), "password": window.form.as_typed("password")}
    return await send_step(window, "", body, None)


@router.post("/sign-in/password")
async def set_first_password(window: Visitor) -> Response:
    password = window.form.as_typed("password")
    if password != window.form.as_typed("again"):
        differs = bad_field("again", "两次输入的密码不同，请再输一次")
        return await window.shown_again(differs, lambda: same_step(window, SignInStep.PASSWORD))
    return await send_step(window, "/password", {"password": password}, SignInStep.PASSWORD)


@router.post("/sign-in/code")
async def give_code_typed(window: Visitor) -> Response:
    step = SignInStep.ENROL if window.form.text("secret") else SignInStep.CODE
    return await send_step(window, "/code", {"code": window.form.text("code").replace(" ", "")}, step)


@router.post("/sign-in/role")
async def choose_own_role(window: Visitor) -> Response:
    return await send_step(window, "/role", {"role": window.form.text("role")}, SignInStep.ROLE)


@router.get("/signed-in")
async def signed_in_beside(window: Staff) -> Response:
    """For who signed in beside a form that is still open."""
    return window.show("signed_in.html")


@router.post("/sign-out")
async def sign_staff_member_out(window: Staff) -> Response:
    await window.ask.post("/staff/sign-outs")
    return without_cookie(window, window.go("/console/signed-out"))


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
    return without_cookie(window, window.go(SIGN_IN))


async def send_step(window: Window, path: str, body: dict[str, Any], step: SignInStep | None) -> Response:
    """One step's form to the API; the page of the next, or in."""
    asked = body if step is None else {"ticket": window.form.text("ticket"), **body}
    try:
        answer = await window.ask.post(f"/staff/sign-ins{path}", asked)
    except Refused as refused:
        over = refused.document.get("code") == Refusal.TICKET_OVER
        return await window.shown_again(refused, lambda: same_step(window, None if over else step))
    if answer["step"] is None:
        return with_cookie(window, window.go(place_after(window)), answer["session"])
    return step_page(window, answer)

"""我的账号: who I am, password, authenticator, recent sign-ins."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.form import bad_field
from api.pages.sign_in_steps import with_picture
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/me", include_in_schema=False)


@router.get("")
async def show_own_account(window: Staff) -> Response:
    sign_ins = await window.ask.get("/staff/me/sign-ins")
    return window.show("me.html", me=await window.ask.get("/staff/me"), sign_ins=sign_ins["items"])


@router.post("/password")
async def change_own_password(window: Staff) -> Response:
    old, new = window.form.as_typed("old"), window.form.as_typed("new")
    if new != window.form.as_typed("again"):
        return await window.shown_again(
            bad_field("again", "两次输入的密码不同，请再输一次"), lambda: show_own_account(window)
        )
    asked = window.ask.post("/staff/me/password", {"old": old, "new": new})
    return await window.act(asked, "password_changed", "/console/sign-in", lambda: show_own_account(window))


@router.post("/authenticator")
async def bind_another(window: Staff) -> Response:
    try:
        answer = await window.ask.post("/staff/me/authenticator")
    except Refused as refused:
        return await window.shown_again(refused, lambda: show_own_account(window))
    return _authenticator(window, answer["ticket"], answer["authenticator"])


@router.post("/authenticator/confirmation")
async def confirm_another(window: Staff) -> Response:
    form = window.form
    brought = {name: form.text(name) for name in ("secret", "uri", "qr")}

    async def again() -> Response:
        return _authenticator(window, form.text("ticket"), brought)

    body = {"ticket": form.text("ticket"), "code": form.text("code").replace(" ", "")}
    asked = window.ask.post("/staff/me/authenticator/confirmation", body)
    return await window.act(asked, "authenticator_changed", "/console/me", again)


def _authenticator(window: Window, ticket: str, authenticator: dict[str, str]) -> Response:
    return window.show("me_authenticator.html", ticket=ticket, authenticator=with_picture(authenticator))

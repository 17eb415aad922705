"""The pages of a sign-in: where it begins, each step with its ticket, and the cookie at the end."""

import base64
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from api.pages.door import STAFF_COOKIE, STAFF_PATH
from api.pages.origin import is_own
from api.pages.session_ends import why_over
from api.pages.window import Window
from models.words.staff import SignInStep

# What each step is shown by; its form brings the ticket on.
_STEPS = {
    SignInStep.PASSWORD: "sign_in_password.html",
    SignInStep.ENROL: "sign_in_enrol.html",
    SignInStep.CODE: "sign_in_code.html",
    SignInStep.BIND: "sign_in_bind.html",
    SignInStep.ROLE: "sign_in_role.html",
}
_AUTHENTICATOR = ("secret", "uri", "qr")


async def first_page(window: Window) -> Response:
    """Name and password, or the one button; whoever was signed in until now is told why that is over."""
    said = window.problem or window.query("done")
    why = None if said else await why_over(window.door, window.request)
    ways = await window.ask.get("/staff/sign-ins")
    template = "sign_in.html" if ways["passwords"] else "sign_in_oidc.html"
    return window.show(template, next=place_after(window), why=why)


async def same_step(window: Window, step: SignInStep | None) -> Response:
    """The step again, with what its form had brought."""
    if step is None:
        return await first_page(window)
    brought = {name: window.form.text(name) for name in _AUTHENTICATOR}
    return step_page(window, {"step": step, "ticket": window.form.text("ticket"), "authenticator": brought})


def step_page(window: Window, answer: Mapping[str, Any], after: str = "") -> Response:
    """`after` is where to go in the end, where no form says it."""
    return window.show(
        _STEPS[SignInStep(answer["step"])],
        ticket=answer["ticket"],
        authenticator=with_picture(answer.get("authenticator")),
        roles=answer.get("roles") or [],
        next=after or place_after(window),
    )


def with_picture(authenticator: dict[str, str] | None) -> dict[str, str]:
    """Its QR code as a picture that a page may show."""
    known = authenticator or dict.fromkeys(_AUTHENTICATOR, "")
    picture = base64.b64encode(known["qr"].encode()).decode()
    return {**known, "picture": f"data:image/svg+xml;base64,{picture}"}


def place_after(window: Window) -> str:
    return own_place(window.form.text("next") if window.is_act else window.query("next"))


def own_place(wanted: str) -> str:
    return wanted if wanted.startswith(STAFF_PATH) and is_own(wanted) else STAFF_PATH


def with_cookie(window: Window, answer: Response, secret: str) -> Response:
    secure = window.door.cookies_secure
    answer.set_cookie(STAFF_COOKIE, secret, path=STAFF_PATH, httponly=True, samesite="strict", secure=secure)
    return answer


def without_cookie(window: Window, answer: Response) -> Response:
    """Whoever has signed out: the session that some page has just read is nobody's at once."""
    window.door.quiet.tell(window.signed.county_code)
    secure = window.door.cookies_secure
    answer.delete_cookie(STAFF_COOKIE, path=STAFF_PATH, httponly=True, samesite="strict", secure=secure)
    return answer

"""账户自助变更: the citizens' entry, face recognition in the app or by QR code, the session's end (S2 1.1, 1.2)."""

from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Document, Refused
from api.pages.citizen_window import ACCOUNT, ENTRY, Citizen, CitizenWindow, PasserBy, ended_at
from api.pages.session_ends import WHY_OVER
from models.words.card_stages import LoginStage
from models.words.staff import SessionEnd

router = APIRouter(prefix=ENTRY, include_in_schema=False)
_OPEN = {LoginStage.OPENING.value, LoginStage.WAITING.value, LoginStage.SCANNED.value}
# Said this long before the end.
_WARNED = timedelta(minutes=2)


@router.get("")
async def entry(window: PasserBy) -> Response:
    """Who is signed in already goes on to the account."""
    try:
        await window.ask.get("/citizen/session")
    except Refused:
        return await _entry_page(window)
    return window.go(ACCOUNT)


@router.post("/sign-in")
async def ask_to_sign_in(window: PasserBy) -> Response:
    channel = window.form.text("channel")
    try:
        login = await window.ask.post("/citizen/logins", {"channel": channel})
    except Refused as refused:
        return await window.shown_again(refused, lambda: _entry_page(window))
    return window.go(f"{ENTRY}/sign-in/{login['login_no']}")


@router.get("/sign-in/{login_no}")
async def show_sign_in(window: PasserBy, login_no: str) -> Response:
    login = await window.ask.get(f"/citizen/logins/{login_no}")
    values = {"login": login, "is_open": login["stage"] in _OPEN, "left": _left(login)}
    if window.query("live") != "1":
        return window.go(ACCOUNT) if login["signed_in"] else window.show("citizen/sign_in.html", **values)
    if login["signed_in"]:
        return window.leave_for(ACCOUNT)
    if login["stage"] != window.query("stage"):
        # a code that is of no use any more goes from the screen with the whole page
        return window.leave_for(window.path)
    return window.show_part("citizen/progress.html", **values)


@router.get("/sign-in/{login_no}/code")
async def show_code(window: PasserBy, login_no: str) -> Response:
    return window.ask.file(f"/citizen/logins/{login_no}/qr")


@router.post("/sign-out")
async def sign_out(window: Citizen) -> Response:
    await window.ask.post("/citizen/logout")
    return window.go(f"{ENTRY}/ended?why=signed_out")


@router.get("/ended")
async def show_end(window: PasserBy) -> Response:
    return window.show("citizen/ended.html", why=WHY_OVER.get(window.query("why"), WHY_OVER[SessionEnd.IDLE]))


@router.get("/session")
async def watch_session(window: PasserBy) -> Response:
    """Looked at once a minute, which prolongs nothing: before the end it is said, after it the page is left."""
    try:
        session = await window.ask.get("/citizen/session")
    except Refused as refused:
        return window.leave_for(ended_at(refused.document))
    left = datetime.fromisoformat(session["ends_at"]) - datetime.now().astimezone()
    return window.show_part("citizen/session.html", ending=left < _WARNED)


@router.post("/session")
async def stay(window: Citizen) -> Response:
    """继续办理: any question is a sign of life."""
    await window.ask.get("/citizen/account")
    return window.go(window.back())


async def _entry_page(window: CitizenWindow) -> Response:
    return window.show("citizen/entry.html")


def _left(login: Document) -> tuple[int, int]:
    """Minutes and seconds that the code is still good for."""
    left = datetime.fromisoformat(login["expires_at"]) - datetime.now().astimezone()
    minutes, seconds = divmod(max(0, int(left.total_seconds())), 60)
    return minutes, seconds

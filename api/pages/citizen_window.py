"""The citizens' window: their cookies go on to the API as they came, and what it gives comes back to the browser."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.pages.asking import Ask, Document, Refused
from api.pages.door import Door, door_of
from api.pages.form import KEY, UNSAFE, Form
from api.pages.origin import own_pages_only
from api.pages.window import OtherPerson, SignInFirst, Window

ENTRY = "/citizen/m"
ACCOUNT = f"{ENTRY}/account"
# The session's, and one for each attempt to sign in.
_COOKIES = ("onecard_session", "onecard_browser_")


class CitizenWindow(Window):
    """One request of one citizen; `session` is what the API says of it, None before signing in."""

    layout = "citizen/base.html"
    start = ACCOUNT
    sign_in_beside = ENTRY

    def __init__(self, request: Request, door: Door, ask: Ask, form: Form | None, session: Document | None) -> None:
        super().__init__(request, door, None, ask, form)
        self.session = session

    def is_within(self, path: str) -> bool:
        """Whether this page is in that menu."""
        return self.path == path or self.path.startswith(f"{path}/")

    @property
    def owner(self) -> str:
        return f"citizen/{self.session['person']}" if self.session else "nobody"

    @property
    def called(self) -> str:
        return str(self.session["name"]) if self.session else ""

    def show(self, template: str, /, **values: Any) -> Response:
        return self._with_cookies(super().show(template, **values))

    def show_part(self, template: str, /, **values: Any) -> Response:
        return self._with_cookies(super().show_part(template, **values))

    def go(self, place: str) -> Response:
        return self._with_cookies(super().go(place))

    def leave_for(self, place: str) -> Response:
        """A live fragment sends the whole page on."""
        return self._with_cookies(Response(headers={"HX-Redirect": place}))

    def _with_cookies(self, answer: Response) -> Response:
        for given in self.ask.cookies:
            answer.headers.append("Set-Cookie", given)
        self.ask.cookies.clear()
        return answer


async def citizen(request: Request) -> CitizenWindow:
    """The window of a citizen who is signed in; an act also proves that it comes from the own form."""
    window = await _window(request)
    try:
        window.session = await window.ask.get("/citizen/session")
    except Refused as refused:
        if refused.status != 401:
            raise
        request.state.sign_in = ended_at(refused.document)
        if window.is_act:
            request.state.typed = {**window.form.typed(), KEY: [window.form.text(KEY)]}
        raise SignInFirst from None
    return _held_to_key(window)


async def passer_by(request: Request) -> CitizenWindow:
    """The window at which nobody has signed in yet."""
    return _held_to_key(await _window(request))


async def _window(request: Request) -> CitizenWindow:
    unsafe = request.method in UNSAFE
    if unsafe:
        own_pages_only(request)
    form = Form(await request.form()) if unsafe else None
    return _made(request, form)


def _held_to_key(window: CitizenWindow) -> CitizenWindow:
    if window.is_act and not window.door.form_keys.is_good(window.form.text(KEY), window.owner, window.path):
        raise OtherPerson(window)
    return window


def nobody(request: Request) -> CitizenWindow:
    """For what is refused before anybody stands at a window."""
    return _made(request, None)


def _made(request: Request, form: Form | None) -> CitizenWindow:
    door = door_of(request)
    own = [f"{name}={value}" for name, value in request.cookies.items() if name.startswith(_COOKIES)]
    # a part that asks by itself is no sign of life
    watching = "1" if request.query_params.get("live") == "1" else ""
    headers = {"Cookie": "; ".join(own), "Onecard-Watching": watching}
    ask = door.ask(request, headers, form.text(KEY) if form else "")
    return CitizenWindow(request, door, ask, form, None)


def ended_at(document: Document) -> str:
    """Where somebody without a session is sent: to the beginning, or to the page that says why it is over."""
    codes = [str(error.get("code")) for error in document.get("errors") or ()]
    return f"{ENTRY}/ended?why={codes[0].removeprefix('SESSION_').lower()}" if codes else ENTRY


Citizen = Annotated[CitizenWindow, Depends(citizen)]
PasserBy = Annotated[CitizenWindow, Depends(passer_by)]

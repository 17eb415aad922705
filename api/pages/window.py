"""Who stands at the window, what they ask, and the page they are shown."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from api.pages.asking import Ask, Document, Refused
from api.pages.done_words import DONE, said
from api.pages.door import STAFF_COOKIE, Door, Signed, door_of
from api.pages.form import KEY, UNSAFE, Form, field_of, form_of
from api.pages.formats import LANGUAGE, NAMES, PAGES, label, words
from api.pages.list_behind import ListBehind, beside
from api.pages.looks import Look, look_of
from api.pages.menu import require_open, within_menu
from api.pages.origin import came_from, changed_address, own_pages_only, path_of
from api.pages.rendering import drawn_menu, page_response, render
from api.pages.staff_names import staff_names
from api.pages.things import pages_for
from api.pages.typed_code import StepUpCode
from models.words.staff import Role

# a text, or a function of the answer
Told = str | Callable[[Any], str]
Again = Callable[[], Awaitable[Response]]


class SignInFirst(Exception):
    """Nobody is signed in, or not any more; what was typed is not lost."""


class OtherPerson(Exception):
    """The form was opened by somebody else who was signed in in this browser."""

    def __init__(self, window: "Window") -> None:
        super().__init__("another person's form")
        self.window = window


class Window:
    """One request of one person. `form` is what a POST brings, `problem` why the page is shown again."""

    # what its pages extend, where they begin, and where one signs in beside a form that is open
    layout = "base.html"
    start = "/console"
    sign_in_beside = "/console/sign-in?next=/console/signed-in"

    def __init__(self, request: Request, door: Door, signed: Signed | None, ask: Ask, form: Form | None) -> None:
        self.request, self.door, self.ask = request, door, ask
        self._signed, self._form = signed, form
        self.look: Look = look_of(request)
        # what a page puts together before it is drawn is in the person's language too
        LANGUAGE.set(self.look.language)
        self.problem: Document | None = None
        self.status = 200
        self.code = StepUpCode(self)
        self.behind = ListBehind(self)
        self.labels: dict[str, str] = {}  # of the page's fields, as they are drawn
        request.state.window = self

    @property
    def signed(self) -> Signed:
        """The person; the windows at which nobody is signed in have none."""
        assert self._signed is not None
        return self._signed

    @property
    def form(self) -> Form:
        assert self._form is not None
        return self._form

    @property
    def is_act(self) -> bool:
        return self._form is not None

    @property
    def called(self) -> str:
        """Who is signed in, in words; "" for nobody."""
        person = self._signed
        if person is None:
            return ""
        return words("{}（{}）", "{} ({})").format(person.name or person.subject, label(person.role.label))

    @cached_property
    def path(self) -> str:
        return path_of(self.request)

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "").strip()

    @property
    def wants_part(self) -> bool:
        """A live or lazy fragment is asked for, not the page."""
        return self.request.headers.get("hx-request") == "true" and self.request.headers.get("hx-boosted") != "true"

    # -- answers

    def show(self, template: str, /, **values: Any) -> Response:
        """The page; with the problem and its status when it is shown again after a refusal."""
        answer = page_response(self.request, render(template, self.look, self._beside(values)), self.status)
        # htmx follows a 303 by itself: the address that it shows is this one, and none for what was refused
        answer.headers["HX-Push-Url"] = self.here(done=self.query("done")) if self._is_place() else "false"
        return answer

    def show_part(self, template: str, /, **values: Any) -> Response:
        """A fragment of a page: live, lazy, or answered while somebody types."""
        return page_response(self.request, render(template, self.look, self._beside(values)), self.status)

    async def act(self, asked: Awaitable[Any], done: Told, place: Told, again: Again) -> Response:
        """The act, then 303 to `place` (a path, or a function of the answer) that says what was done.

        `done` is a name in `done_words`, with a count behind it as `approved.1998`; or a function of the answer.

        Refused: the page of `again` once more with what is wrong and with the values as typed.
        """
        try:
            answer = await self.code.then(asked)
        except Refused as refused:
            return await self.shown_again(refused, again)
        if self._signed is not None:
            self.door.quiet.tell(self._signed.county_code)
        act = done if isinstance(done, str) else done(answer)
        return self.done(act, place if isinstance(place, str) else place(answer))

    async def shown_again(self, refused: Refused, again: Again) -> Response:
        self.problem, self.status = refused.document, refused.status
        return await again()

    def done(self, act: str, place: str) -> Response:
        """See `done_words`: the address carries a name, the words come from a list."""
        assert act.partition(".")[0] in DONE
        return self.go(beside(self.behind.stay(place), done=act))

    def go(self, place: str) -> Response:
        return RedirectResponse(place, 303)

    def nothing_new(self) -> Response:
        """For a live fragment that is as it was."""
        return Response(status_code=204)

    # -- what templates ask for

    def form_key(self, act: str = "") -> str:
        """For the form that is sent to the path `act`; the same one again after a 503, so that it is one act."""
        path = act or self.path
        if self.status == 503 and self._form is not None and path == self.path:
            return self._form.text(KEY)
        return self.door.form_keys.mint(self.owner, path)

    @property
    def owner(self) -> str:
        """Whom a form belongs to: the person and not the session, so that it outlives a sign-in."""
        person = self._signed
        return f"{person.county_code}/{person.role.value}/{person.subject}" if person else "nobody"

    def value(self, name: str, otherwise: Any = "") -> Any:
        """What a field holds: as typed when the page is shown again, else what stands."""
        if self._form is not None and self.problem is not None and name in self._form.typed():
            return self._form.text(name)
        return "" if otherwise is None else otherwise

    def values(self, name: str, otherwise: list[str] | None = None) -> list[str]:
        if self._form is not None and self.problem is not None:
            return self._form.all(name)
        return otherwise or []

    def errors(self) -> list[dict[str, str]]:
        """Each with `field` (the form's name, "" where it is about no field) and `detail`."""
        found = (self.problem or {}).get("errors") or []
        return [{"field": field_of(error), "detail": str(error.get("detail", ""))} for error in found]

    def error(self, name: str) -> str:
        return next((error["detail"] for error in self.errors() if error["field"] == name), "")

    def here(self, **changed: object) -> str:
        """This page's address with other conditions; an empty one is left out."""
        return changed_address(self.request, changed)

    def back(self) -> str:
        """The page that a refused act belongs to: where it was sent from, else the act's own thing, else the start."""
        above = self.path.rpartition("/")[0] if self.path.count("/") > 2 else self.start
        return came_from(self.request) or above

    def look_address(self, **changed: str) -> str:
        """Sets the look and comes back here; of an act, to the page it belongs to."""
        return f"/console/look?to={replace(self.look, **changed).written()}&{self._back_here}"

    @cached_property
    def _back_here(self) -> str:
        """As a part of an address: a page has it a dozen times."""
        return urlencode({"back": self.here() if self.request.method == "GET" else self.back()})

    def _is_place(self) -> bool:
        return self.request.method == "GET" and self.status < 400

    def _beside(self, values: Mapping[str, Any]) -> dict[str, Any]:
        person = self._signed
        menu = drawn_menu(self.look.language, person.role, within_menu(self.path)) if person else ""
        beside = {"window": self, "person": person, "menu": menu, "done": said(self.query("done"))}
        return {**beside, "only_list": self.request.headers.get("hx-target") == "list", **values}


async def staff(request: Request) -> AsyncIterator[Window]:
    """The window of a person who is signed in; an act also proves that it comes from that person's own form."""
    door = door_of(request)
    if request.method in UNSAFE:
        own_pages_only(request)
    # a badge that asks by itself is no sign of life
    polls = request.method == "GET" and request.query_params.get("live") == "1"
    cookie = request.cookies.get(STAFF_COOKIE, "")
    signed = await (door.who_asks_again if polls else door.who_looks if request.method == "GET" else door.who)(cookie)
    # a long body of nobody known was not let in (api/server/limits.py)
    async with form_of(request) as form:
        if signed is None:
            request.state.typed = {**form.typed(), KEY: [form.text(KEY)]} if form else {}
            raise SignInFirst
        window = _window(request, door, signed, form, {"Authorization": f"Bearer {door.token(signed)}"})
        require_open(signed.role, window.path)
        # what ops read is not their county's alone
        if polls and signed.role is not Role.OPS:
            window.ask.remember(door.quiet, window.owner, signed.county_code)
        await window.code.check()
        PAGES.set(pages_for(signed.role))
        NAMES.set(await staff_names(door, signed, window.ask))
        yield window


async def visitor(request: Request) -> AsyncIterator[Window]:
    """The window at which nobody has signed in yet; its forms are held to our own pages, and have a key too."""
    if request.method in UNSAFE:
        own_pages_only(request)
    async with form_of(request) as form:
        yield _window(request, door_of(request), None, form, {})


def _window(request: Request, door: Door, signed: Signed | None, form: Form | None, headers: dict[str, str]) -> Window:
    key = form.text(KEY) if form else ""
    window = Window(request, door, signed, door.ask(request, headers, key), form)
    if form is not None and not door.form_keys.is_good(key, window.owner, window.path):
        raise OtherPerson(window)
    return window


Staff = Annotated[Window, Depends(staff)]
Visitor = Annotated[Window, Depends(visitor)]

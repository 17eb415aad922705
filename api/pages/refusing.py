"""Refusals as pages: what the API said, word for word, what stands now, and the way on."""

import orjson
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.pages import citizen_window, public_window
from api.pages.asking import Refused
from api.pages.door import door_of
from api.pages.origin import is_citizens, is_own, is_public, path_of, sign_in_address
from api.pages.session_ends import Why, why_over
from api.pages.window import OtherPerson, SignInFirst, Window

_UNSAFE = frozenset({"POST", "PUT"})
# htmx stops asking when it reads this.
_STOP = 286
LEAVING = "/console/leaving"


def install(app: FastAPI) -> None:
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(SignInFirst, _on_nobody)
    app.add_exception_handler(OtherPerson, _on_other_person)


class ProblemPages:
    """ASGI middleware: a problem document that was meant for programs becomes a page, where a page was asked for.

    What no page has refused itself: a body that is too large or too slow, a file that isn't there, an error of ours.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_own(scope["path"]):
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def look(message: Message) -> None:
            if held or (message["type"] == "http.response.start" and _is_problem(message)):
                held.append(message)
            else:
                await send(message)

        await self._app(scope, receive, look)
        if held:
            body = b"".join(message.get("body", b"") for message in held)
            await _shown(Request(scope), Refused(held[0]["status"], orjson.loads(body)))(scope, receive, send)


def _is_problem(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"application/problem+json")
        for name, value in start.get("headers", ())
    )


def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _shown(request, error)


def _shown(request: Request, refused: Refused) -> Response:
    if _is_live(request) or request.query_params.get("part") == "1":
        # the page around it stays as it is; what is live asks again
        return Response(status_code=204)
    window = getattr(request.state, "window", None) or _nobody(request)
    window.problem, window.status = refused.document, refused.status
    return window.show("refused.html")


async def _on_nobody(request: Request, _: Exception) -> Response:
    """A look goes to the sign-in and comes back; an act stays on the screen with its values and is sent again."""
    if request.method in _UNSAFE:
        return await _ended(request)
    if _is_live(request):
        return await _left(request)
    if request.headers.get("sec-fetch-site") == "cross-site":
        # a link from another site arrives without the cookie: the page asks once more, by itself
        return _nobody(request).show("again.html", address=path_of(request), query=request.url.query)
    if request.headers.get("hx-request") == "true":
        return Response(headers={"HX-Redirect": sign_in_address(request)})
    return RedirectResponse(sign_in_address(request), 303)


def _is_live(request: Request) -> bool:
    return request.query_params.get("live") == "1"


async def _left(request: Request) -> Response:
    """Nothing asks any more; where a page watches its session, it says why that is over, and all else stays."""
    if path_of(request) != LEAVING:
        return Response(status_code=_STOP)
    window = _nobody(request)
    window.status = _STOP
    return window.show_part("parts/left.html", why=await _why(request))


async def _why(request: Request) -> Why | None:
    return None if is_citizens(path_of(request)) else await why_over(door_of(request), request)


async def _ended(request: Request) -> Response:
    """What was typed comes back in the answer's form; with scripts, the form on the screen simply stays."""
    # a form with files is chosen anew where there are no scripts
    typed: dict[str, list[str]] = getattr(request.state, "typed", {})
    window = _nobody(request)
    window.status = 401
    answer = window.show("ended.html", typed=typed, address=path_of(request), why=await _why(request))
    answer.headers.update({"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Reselect": "#ended"})
    return answer


def _on_other_person(request: Request, error: Exception) -> Response:
    """Two persons, one browser; or a form of yesterday. Nothing was done."""
    assert isinstance(error, OtherPerson)
    window = error.window
    window.status = 409
    return window.show("other_person.html")


def _nobody(request: Request) -> Window:
    if is_citizens(path_of(request)):
        return citizen_window.nobody(request)
    if is_public(path_of(request)):
        return public_window.nobody(request)
    door = door_of(request)
    return Window(request, door, None, door.ask(request, {}), None)

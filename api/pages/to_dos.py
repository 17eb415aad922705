"""待办, the console's first page: my turn, others', what is wrong; and the badge that counts my turns (G3)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.menu import menu_of
from api.pages.window import Staff, Window

router = APIRouter(include_in_schema=False)
_TITLE = 200
# Where a page has another name than the API's list.
_OTHERWISE = {
    "/policy-unit": "/console/policies",
    "/application-imports": "/console/imports",
    "/health": "/console/runs",
}


@router.get("/console")
async def home(window: Staff) -> Response:
    return window.show("to_dos.html", todos=await window.ask.get("/to-dos"), place=lambda each: place_of(window, each))


@router.get("/console/badge")
async def badge(window: Staff) -> Response:
    """How many kinds of things wait for me, in the bar and in the tab; nothing is said where it is as it was."""
    todos = await window.ask.get("/to-dos")
    if window.query("shown") == str(todos["count"]):
        return window.nothing_new()
    return window.show_part("badge.html", count=todos["count"], title=window.query("title")[:_TITLE])


def place_of(window: Window, to_do: Mapping[str, Any]) -> str:
    """The page on which it is done: the filtered list, or the flow itself; "" where this role has no such page."""
    path, query = to_do["filter"]["path"], dict(to_do["filter"]["query"])
    place = _OTHERWISE.get(path) or f"/console{path}"
    if path.startswith("/flows/") and path.endswith("/summary"):
        place, query = f"/console/summaries/{path.split('/')[2]}", {}
    elif path.startswith("/flows/"):
        place = f"/console/flows/{path.split('/')[2]}"
    opened = (
        entry.path for group in menu_of(window.signed.role) for entry in group.entries if entry.path != "/console"
    )
    if not any(place == mine or place.startswith(f"{mine}/") for mine in opened):
        return ""
    return f"{place}?{urlencode(query)}" if query else place

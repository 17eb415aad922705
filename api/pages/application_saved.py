"""What follows an entry or an edit: photos, the review where that was pressed, and what is worth a second look."""

from typing import Any

from starlette.responses import Response

from api.pages.application_fields import put_photos
from api.pages.asking import Refused
from api.pages.window import Window


async def saved(window: Window, number: str, warnings: list[dict[str, Any]], done: str) -> Response:
    """The entry stands whatever becomes of photos and review; what the API warns of has a page of its own."""
    told = [*warnings, *await put_photos(window, number)]
    unsent = await _submitted(window, number) if window.form.text("then") == "submit" else []
    if told or unsent:
        return window.show("application_saved.html", number=number, warnings=[*told, *unsent], unsent=bool(unsent))
    return window.done(done, f"/console/applications/{number}")


async def _submitted(window: Window, number: str) -> list[dict[str, Any]]:
    try:
        await window.ask.post("/application-submissions", {"selection": {"application_nos": [number]}}, part="submit")
    except Refused as refused:
        return [{"detail": error["detail"]} for error in refused.document.get("errors", [refused.document])]
    return []

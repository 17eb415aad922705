"""A page with a part that asks for itself: nothing is answered while the thing is as it was."""

from typing import Any
from zlib import crc32

import orjson
from starlette.responses import Response

from api.pages.window import Window


def show_live(window: Window, template: str, like: Any, /, **values: Any) -> Response:
    """The page of the template, whose `parts/live.html` asks for it again; `like` is all that may change in it."""
    seen = f"{crc32(orjson.dumps(like)):08x}"
    if window.query("live") != "1":
        return window.show(template, seen=seen, **values)
    if window.query("seen") == seen:
        return window.nothing_new()
    return window.show_part(template, seen=seen, **values)

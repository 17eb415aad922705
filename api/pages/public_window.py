"""The window at which anybody may look: nobody is signed in, nothing is sent, and what many look at is drawn once."""

import gzip
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.pages.door import door_of
from api.pages.drawn import Drawn
from api.pages.rendering import HEADERS, render
from api.pages.window import Window

PUBLIC = "/public"
_HTML = "text/html; charset=utf-8"
_PUBLIC = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Encoding, Cookie",
}


class PublicWindow(Window):
    layout = "public/base.html"
    start = PUBLIC

    def here(self, **changed: object) -> str:
        """The page's number is all that counts: what else somebody wrote into an address is shown to nobody."""
        page = str(changed.get("page", self.query("page")))
        return f"{self.path}?page={page}" if page.isascii() and page.isdigit() else self.path

    def back(self) -> str:
        """The batch's own page."""
        return "/".join(self.path.split("/")[:3])

    async def show_kept(self, template: str, asked: str, **query: str) -> Response:
        """The page of what is asked, drawn for the first who looks; only what has changed is read and drawn anew."""
        name = (self.here(), self.look.written())
        drawn = self.door.drawn.get(name)
        if changed := await self.ask.get_unless(drawn.of if drawn else "", asked, **query):
            shown, tag = changed
            text = render(template, self.look, self._beside({"shown": shown}))
            drawn = self.door.drawn.keep(name, tag, gzip.compress(text.encode(), 5, mtime=0))
        assert drawn is not None
        return self._sent(drawn)

    def _sent(self, drawn: Drawn) -> Response:
        """A browser keeps it and asks each time whether it still is so."""
        headers = {**HEADERS, **_PUBLIC, "ETag": drawn.tag}
        if self.request.headers.get("if-none-match", "").removeprefix("W/") == drawn.tag:
            return Response(status_code=304, headers=headers)
        if "gzip" not in self.request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(drawn.packed), 200, headers, _HTML)
        return Response(drawn.packed, 200, {**headers, "Content-Encoding": "gzip"}, _HTML)

    def _beside(self, values: Any) -> dict[str, Any]:
        """Nothing that an address says beside its page is drawn."""
        return {"window": self, "person": None, "menu": "", "done": None, **values}


def nobody(request: Request) -> PublicWindow:
    door = door_of(request)
    return PublicWindow(request, door, None, door.ask(request, {}), None)


async def _passer(request: Request) -> PublicWindow:
    return nobody(request)


Passer = Annotated[PublicWindow, Depends(_passer)]

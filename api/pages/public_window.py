"""The window at which anybody may look: nobody is signed in, nothing is sent, and what many look at is drawn once."""

import gzip
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from api.pages.door import door_of
from api.pages.rendering import HEADERS, render
from api.pages.window import Window

PUBLIC = "/public"
_NO_SEARCH = {"X-Robots-Tag": "noindex, nofollow, noarchive"}


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

    def show_kept(self, template: str, shown: dict[str, Any]) -> Response:
        """The page of an answer whose `version` says what is in it: drawn for the first who looks."""
        name = (self.here(), str(shown["version"]), self.look.written())
        packed = self.door.drawn.get(name)
        if packed is None:
            text = render(template, self.look, self._beside({"shown": shown}))
            packed = gzip.compress(text.encode(), 5, mtime=0)
            self.door.drawn.keep(name, packed)
        return self._sent(packed)

    def _sent(self, packed: bytes) -> Response:
        headers, kind = {**HEADERS, **_NO_SEARCH}, "text/html; charset=utf-8"
        if "gzip" not in self.request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(packed), 200, headers, kind)
        return Response(packed, 200, {**headers, "Content-Encoding": "gzip"}, kind)

    def _beside(self, values: Any) -> dict[str, Any]:
        """Nothing that an address says beside its page is drawn."""
        return {"window": self, "person": None, "menu": (), "done": None, **values}


def passer(request: Request) -> PublicWindow:
    door = door_of(request)
    return PublicWindow(request, door, None, door.ask(request, {}), None)


Passer = Annotated[PublicWindow, Depends(passer)]

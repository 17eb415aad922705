"""The list that a thing, or an act on some of its rows, was opened from: one comes back to it as it was.

Its conditions and page stand in its address, and go along as `list`, in the address and in forms; whom one has sought
by name is in neither.
"""

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from api.pages.window import Window


class ListBehind:
    def __init__(self, window: "Window") -> None:
        self._window = window

    @cached_property
    def asked(self) -> str:
        """Of a list: what its address asks; "" of one that is sought by POST."""
        window = self._window
        return window.here()[len(window.path) + 1 :]

    @property
    def came_from(self) -> str:
        """Of a thing or an act: what the list asked."""
        window = self._window
        return window.form.text("list") if window.is_act else window.query("list")

    def back(self, path: str) -> str:
        """The list at `path`, as it was."""
        asked = urlencode(parse_qsl(self.came_from))
        return f"{path}?{asked}" if asked else path

    def keep(self, place: str) -> str:
        """One thing's page, that still knows the list behind it."""
        return beside(place, list=self.came_from)

    def stay(self, place: str) -> str:
        """The same where an act of a thing stays on the thing's own page."""
        is_its_own = place.count("/") > 2 and self._window.path.startswith(f"{place}/")
        return self.keep(place) if is_its_own else place


def beside(place: str, **more: str) -> str:
    """An address with these conditions too; an empty one is left out."""
    asked = urlencode({name: value for name, value in more.items() if value})
    return f"{place}{'&' if '?' in place else '?'}{asked}" if asked else place

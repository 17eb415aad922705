"""Routes by the first words of their paths: a request is held against the few near it, and not against all 400."""

from collections.abc import Iterable, Mapping, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

Words = tuple[str, ...]
# As many words of a path are looked at; /console/imports has two.
_LOOKED_AT = 2
_CHOSEN = "onecard.near_route"


class NearRoutes(BaseRoute):
    """Routers as one route: what they find, in their order, is what they would find one after the other."""

    def __init__(self, routers: Iterable[tuple[BaseRoute, Iterable[str]]]) -> None:
        """Each router with the paths of its routes."""
        starts = [(router, {_start(path) for path in paths}) for router, paths in routers]
        known: set[Words] = {(), *(start for _, of_router in starts for start in of_router)}
        self._near: Mapping[Words, Sequence[BaseRoute]] = {
            words: [router for router, of_router in starts if any(words[: len(each)] == each for each in of_router)]
            for words in known
        }

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        partly: Scope | None = None
        for router in self._near_to(scope["path"]):
            match, found = router.matches(scope)
            chosen = {**found, _CHOSEN: router}
            if match is Match.FULL:
                return match, chosen
            if match is Match.PARTIAL and partly is None:
                partly = chosen
        return (Match.NONE, {}) if partly is None else (Match.PARTIAL, partly)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        router: BaseRoute = scope[_CHOSEN]
        await router.handle(scope, receive, send)

    def _near_to(self, path: str) -> Sequence[BaseRoute]:
        words = _words(path)
        while words not in self._near:
            words = words[:-1]
        return self._near[words]


def _words(path: str) -> Words:
    return tuple(path.split("/", _LOOKED_AT + 1)[1 : _LOOKED_AT + 1])


def _start(path: str) -> Words:
    """The words that every address of this path begins with."""
    words = _words(path)
    open_at = next((place for place, word in enumerate(words) if "{" in word), len(words))
    return words[:open_at]

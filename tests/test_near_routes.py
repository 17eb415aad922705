"""A request finds its route by its first words: the same one as if every route were tried in turn."""

from collections.abc import Sequence

import pytest
from starlette.routing import BaseRoute, Match

from api.main import _near_routes, _routes
from api.near_routes import _CHOSEN
from api.pages.routes import ROUTERS as PAGES
from api.routers import ROUTERS

PATHS = sorted({getattr(route, "path", "") for router in (*ROUTERS, *PAGES) for route in router.routes})
ODD = ["/", "", "//", "/console/", "/console/nowhere/at/all", "/nowhere", "/applications/", "/openapi.json", "/docs"]


def _in_turn(routes: Sequence[BaseRoute], path: str, method: str) -> tuple[Match, BaseRoute | None]:
    partly: BaseRoute | None = None
    for route in routes:
        match, _ = route.matches(_scope(path, method))
        if match is Match.FULL:
            return match, route
        partly = partly or (route if match is Match.PARTIAL else None)
    return (Match.PARTIAL, partly) if partly else (Match.NONE, None)


def _scope(path: str, method: str) -> dict[str, object]:
    return {"type": "http", "path": path, "root_path": "", "method": method}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_near_routes_find_what_all_routes_would(method: str) -> None:
    assert len(PATHS) > 300
    filled = [path.replace("{", "").replace("}", "") for path in PATHS]
    for path in [*PATHS, *filled, *ODD]:
        match, chosen = _near_routes().matches(_scope(path, method))
        assert (match, chosen.get(_CHOSEN)) == _in_turn(_routes(), path, method), path


def test_few_are_tried() -> None:
    """But for what has a page below every word of its own."""
    near = [len(_near_routes()._near_to(path)) for path in PATHS]
    assert max(near) <= 16, max(zip(near, PATHS, strict=True))

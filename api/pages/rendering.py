"""Templates to pages: compiled once, escaped always, sent gzipped and kept by nobody."""

import gzip
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from api.pages.cells import cell, rows_of, tag
from api.pages.conditions import conditions
from api.pages.formats import FILTERS, GLOBALS, LANGUAGE
from api.pages.looks import COLOURS, LANGUAGES, SIZES, Look
from api.pages.menu import menu_of
from api.pages.paging import backwards, forwards
from api.pages.spoken import Spoken
from api.pages.static import static_url
from models.words.staff import Role

HERE = Path(__file__).parent
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; form-action 'self';"
    " base-uri 'none'; object-src 'none'"
)
# same-origin: with no-referrer a browser's form would say `Origin: null`, and be refused
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Vary": "Accept-Encoding"}
_WORTH_PACKING = 1024


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=[Spoken],
    )
    made.filters.update(FILTERS)
    made.globals.update(
        GLOBALS,
        LANGUAGE=language,
        cell_by_kind=cell,
        tag_of_stage=tag,
        rows_of=rows_of,
        conditions=conditions,
        backwards=backwards,
        forwards=forwards,
        static=static_url,
        LANGUAGES=LANGUAGES,
        SIZES=SIZES,
        COLOURS=COLOURS,
    )
    return made


def render(template: str, look: Look, values: Mapping[str, Any]) -> str:
    before = LANGUAGE.set(look.language)
    try:
        return _environment(look.language).get_template(template).render(look=look, **values)
    finally:
        LANGUAGE.reset(before)


@lru_cache(maxsize=500)
def drawn_menu(language: str, role: Role, within: str) -> Markup:
    """Drawn once for all who have the role, on the pages of one menu."""
    part = _environment(language).get_template("parts/menu.html")
    return Markup(part.render(menu=menu_of(role), within=within))  # noqa: S704 - escaped by its template


def page_response(request: Request, text: str, status: int = 200) -> Response:
    content, headers = text.encode(), dict(HEADERS)
    if len(content) > _WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, status, headers, "text/html; charset=utf-8")

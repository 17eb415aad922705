"""The addresses of the pages, as their routes have them."""

import re
from functools import cache

from fastapi.routing import APIRoute

from api.pages.routes import ROUTERS

# What is no page: files, fragments, and what only moves on.
NO_PAGE = re.compile(
    r"/(look|badge|leaving|export|sums|file|template|refused-rows|remainder|now|bar|images|files|photos|villages)(/|$)|/prints/|/flows/\{flow_no\}/order$"
    r"|/lines/figures$|/payments/figures$|/sign-in|/signed-|/switch|/drafts/"
)
# Of an address whose part is no number.
CHOSEN = {
    "/console/applications/new/{kind}": "/console/applications/new/personal",
    "/console/batches/{batch_no}/{room}": "/console/batches/{batch_no}/joining",
    "/console/catalogs/{kind}": "/console/catalogs/banks",
    "/console/pre-flight/{whose}/{act}/{kind}": "/console/pre-flight/{batch_no}/start/same_item",
    "/console/indicators/choices/{kind}": "/console/indicators/choices/units",
}


@cache
def readable() -> list[str]:
    """Whatever is read at an address of ours: pages, and the parts of pages that ask for themselves."""
    found = [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods and route.path.startswith(("/console", "/citizen"))
    ]
    return sorted(CHOSEN.get(path, path) for path in found if "{rest" not in path)


@cache
def addresses() -> list[str]:
    """The address of every page of staff."""
    return [path for path in readable() if path.startswith("/console") and not NO_PAGE.search(path)]

"""A thing's own page by its number, `500001-L2026-0001`, as far as a role may open it."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from api.pages.menu import menu_of
from models.words.staff import Role

# By the letter of the number's series; of an account change the county's part has a page, not the request.
_PAGES: Mapping[str, str] = {
    "S": "/console/applications",
    "P": "/console/batches",
    "C": "/console/beneficiaries",
    "L": "/console/flows",
    "Y": "/console/objections",
    "O": "/console/orders",
    "Z": "/console/policies",
    "B": "/console/indicators",
    "D": "/console/imports",
    "K": "/console/card-changes",
    "N": "/console/village-entries",
    "H": "/console/checks",
    "G": "/console/register-loads",
}
_NUMBER = re.compile(r"[0-9]{6}-(?:([A-JL-Z])[0-9]{4}-[0-9]{4,}|(K)[0-9]{4}-[0-9]{4,}\.[0-9]{6})")


@cache
def pages_for(role: Role) -> Mapping[str, str]:
    """Those of the series above whose menu this role has."""
    mine = {entry.path for group in menu_of(role) for entry in group.entries}
    return MappingProxyType({letter: path for letter, path in _PAGES.items() if path in mine})


def page_of(number: str, pages: Mapping[str, str]) -> str:
    """ "" where it is no such number, or none that may be opened."""
    found = _NUMBER.fullmatch(number)
    path = pages.get(found[1] or found[2]) if found else None
    return f"{path}/{number}" if path else ""

"""Names beside acts: what the API says by login is read by name; nothing is asked or decided by a name."""

from collections.abc import Mapping
from typing import Any

from api.pages.asking import Refused
from api.pages.window import Window

BY = frozenset({"by", "entered_by", "confirmed_by", "started_by", "reviewed_by", "submitted_by", "excepted"})


async def with_names(window: Window, *documents: Any) -> None:
    """In place, in whatever depth; a login that nobody has a name for stays."""
    try:
        names = (await window.ask.get("/staff/names"))["names"]
    except Refused as refused:
        if refused.status != 403:
            raise
        return
    for document in documents:
        _name(document, names)


def _name(document: Any, names: Mapping[str, str]) -> None:
    if isinstance(document, list):
        for each in document:
            _name(each, names)
    elif isinstance(document, dict):
        # beside its own label `by` is a role, and no person
        people = BY - {"by"} if "by_label" in document else BY
        for field, value in document.items():
            if field not in people or isinstance(value, dict):
                _name(value, names)
            elif isinstance(value, list):
                document[field] = [names.get(each, each) for each in value]
            else:
                document[field] = names.get(value, value)

"""JSON as the API gives it: whatever stands in a row, the answer goes out, and says which fields could not be read."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.responses import JSONResponse

from models.words.faults import UNREADABLE

_MARK = UNREADABLE.encode()
UNREADABLE_FIELDS = "unreadable"


class Rendered(JSONResponse):
    """The class of every answer that a route gives as a dictionary or model."""

    def render(self, content: Any) -> bytes:
        return rendered(content)


def rendered(content: Any) -> bytes:
    """A row, or a page of rows under `items`, with the names of its unreadable fields where there are any."""
    plain = _dumped(content)
    if _MARK not in plain or not isinstance(content, Mapping):
        return plain
    items = content.get("items")
    if isinstance(items, list):
        return _dumped({**_named({**content, "items": None}), "items": [_named(item) for item in items]})
    return _dumped(_named(content))


def _named(row: Any) -> Any:
    fields = [name for name, value in row.items() if _MARK in _dumped(value)] if isinstance(row, Mapping) else []
    return {**row, UNREADABLE_FIELDS: fields} if fields else row


def _dumped(content: Any) -> bytes:
    try:
        return orjson.dumps(content, default=str)
    except TypeError:  # half a character pair, a number beyond 64 bits: JSON has words for them, orjson hasn't
        return json.dumps(content, default=str).encode()


def json_in(opened: str) -> Any:
    """The JSON in a sealed value of ours; the mark where it could not be opened."""
    return UNREADABLE if opened == UNREADABLE else json.loads(opened)


def content_of(plain: bytes) -> Any:
    """What somebody else sent, as JSON where it is some that can be given on, else as text."""
    try:
        found = json.loads(plain, parse_constant=_no_number)
        orjson.dumps(found)
    except (ValueError, TypeError, RecursionError):
        return plain.decode(errors="replace")
    return found


def _no_number(word: str) -> None:
    raise ValueError(word)

"""What is wrong with a file, as a page tells it: by fault with its count, then row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

from api.pages.formats import words

SHOWN = 200


def groups(faults: Any) -> list[dict[str, Any]]:
    """By fault, the most frequent first; the first of each say which row and column."""
    if not isinstance(faults, list):
        return [{"title": str(faults), "count": 0, "rows": []}]
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for each in faults:
        found.setdefault((each["column"], each["code"]), []).append(each)
    return sorted((_group(rows) for rows in found.values()), key=lambda group: -int(group["count"]))


def _group(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    shown = [{**each, "where": _where(int(each["row"]))} for each in rows[:SHOWN]]
    title = " · ".join(part for part in (rows[0]["column"], rows[0]["message"]) if part)
    return {"title": title, "count": len(rows), "rows": shown}


def _where(row: int) -> str:
    """Row 0 is the file itself."""
    return words(f"第 {row} 行 · ", f"Row {row} · ") if row else ""

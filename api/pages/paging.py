"""Former and next page of a list by keyset: where former pages began stands in the address."""

from collections.abc import Mapping

# More of them are not kept in an address.
_MOST_BACK = 20


def backwards(given: Mapping[str, str]) -> tuple[str, str]:
    """(`after` of the page before, `back` that is left); `back` holds where former pages began, joined by a dot."""
    before = [step for step in given.get("back", "").split(".") if step]
    return (before[-1] if before else "", ".".join(before[:-1]))


def forwards(given: Mapping[str, str]) -> str:
    """`back` of the next page."""
    before = [step for step in given.get("back", "").split(".") if step]
    return ".".join([*before, given.get("after") or "0"][-_MOST_BACK:])

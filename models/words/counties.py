"""Names of counties: GB/T 2260's, overlaid by the province's own list; one that neither has is called by its code."""

import re
from collections.abc import Mapping
from functools import lru_cache

from stdnum import numdb

_YEARS = re.compile(r"^\[[0-9-]*\]")
# Told by whoever plugs a process together; an installation has one list, whoever asks.
_OWN: dict[str, str] = {}


def overlay(names: Mapping[str, str]) -> None:
    """The province's own names from here on, code → name; those of before are gone."""
    _OWN.clear()
    _OWN.update(names)


def county_name(code: str) -> str:
    """大渡口区 for 500104."""
    return _OWN.get(code) or _standard_name(code)


@lru_cache(maxsize=4096)
def _standard_name(code: str) -> str:
    parts = numdb.get("cn/loc").info(code)
    words = str(parts[-1][1].get("county", "")) if len(parts) > 1 else ""
    # a code given anew has one name per span of years, the newest last
    newest = words.split(",")[-1]
    return _YEARS.sub("", newest) or code


def county_words(code: str) -> str:
    """As pages show a county: [500104] 大渡口区."""
    name = county_name(code)
    return f"[{code}] {name}" if name != code else f"[{code}]"

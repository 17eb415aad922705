"""Names of counties (GB/T 2260); one that the standard doesn't list is called by its code."""

import re
from functools import lru_cache

from stdnum import numdb

_YEARS = re.compile(r"^\[[0-9-]*\]")


@lru_cache(maxsize=4096)
def county_name(code: str) -> str:
    """大渡口区 for 500104."""
    parts = numdb.get("cn/loc").info(code)
    words = str(parts[-1][1].get("county", "")) if len(parts) > 1 else ""
    # a code given anew has one name per span of years, the newest last
    newest = words.split(",")[-1]
    return _YEARS.sub("", newest) or code


def county_words(code: str) -> str:
    """As the citizen's pages show a county: [500104] 大渡口区."""
    name = county_name(code)
    return f"[{code}] {name}" if name != code else f"[{code}]"

"""Names of files that are given out: they say what it is, for whom and when, and nothing of anybody (RFC 6266)."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from models.words.calendar import china_today

# Words and numbers only: no file system and no header minds them.
_HARMLESS, _HARMLESS_ASCII = re.compile(r"[^\w-]+"), re.compile(r"[^\w-]+", re.ASCII)


def attachment(suffix: str, *called: str) -> Mapping[str, str]:
    """The header of a file to keep, named by Chinese words and business numbers: 申请-500001-20261124.xlsx.

    Whoever knows only `filename` reads the numbers: 500001-20261124.xlsx. Never give it what a person typed.
    """
    name, plain = _joined(_HARMLESS, called), _joined(_HARMLESS_ASCII, called) or "file"
    quoted = quote(f"{name or 'file'}.{suffix}", safe="")
    return {"Content-Disposition": f"attachment; filename=\"{plain}.{suffix}\"; filename*=UTF-8''{quoted}"}


def _joined(harmful: re.Pattern[str], called: Iterable[str]) -> str:
    return "-".join(filter(None, (harmful.sub("", part).strip("-") for part in called)))


def day() -> str:
    """20261124, today in China."""
    return f"{china_today():%Y%m%d}"

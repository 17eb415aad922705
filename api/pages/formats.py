"""How values look: yuan from fen, times of Shanghai, accounts in groups of four; Chinese first, English by switch."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from functools import lru_cache
from string import Formatter
from types import MappingProxyType
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from api.pages.tones import tone
from api.pages.words import ENGLISH, title_in_english, wait_in_english

_SHANGHAI = ZoneInfo("Asia/Shanghai")
LANGUAGE: ContextVar[str] = ContextVar("language", default="zh")
# of the county's staff by login, as far as whoever reads the page may know them
NAMES: ContextVar[Mapping[str, str]] = ContextVar("names", default=MappingProxyType({}))

# where things have their pages, as far as whoever reads the page may open them (api/pages/things.py)
PAGES: ContextVar[Mapping[str, str]] = ContextVar("pages", default=MappingProxyType({}))


def is_english() -> bool:
    return LANGUAGE.get() == "en"


def words(chinese: str, english: str) -> str:
    """`_("待办", "To do")` in a template: both stand beside each other, so neither is forgotten."""
    return english if is_english() else chinese


def is_word(text: str) -> bool:
    """One that the API says, or several of them; anything else was written by somebody."""
    return all(each in ENGLISH for each in text.split("、"))


def label(chinese: Any) -> str:
    """A word that the API says, or several of them; what has no English is shown as it is."""
    several = chinese if isinstance(chinese, list | tuple) else () if chinese is None else (chinese,)
    text = "、".join(map(str, several))
    if not is_english():
        return text
    told = ENGLISH.get(text) or wait_in_english(text)
    return told or (", ".join(ENGLISH[each] for each in text.split("、")) if is_word(text) else text)


def said(text: Any) -> Markup:
    """A word of the API's, or what somebody wrote: in English the one is translated, the other marked as Chinese."""
    told = label(text)
    if not is_english() or told.isascii() or is_word(str(text)):
        return escape(told)
    return Markup('<span lang="zh-CN">{}</span>').format(told)


def person(login: Any) -> str:
    """Who acted, by name; a login that nobody has a name for stays."""
    return NAMES.get().get(login) or label(login)


def title_of(problem: Mapping[str, Any]) -> str:
    """A refusal's title."""
    code, title = str(problem.get("code", "")), str(problem.get("title", ""))
    return title_in_english(code, title) if is_english() else title


def yuan(fen: int | None) -> str:
    """Fen as `1,234.56`."""
    if fen is None:
        return ""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02d}"


def number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


@lru_cache(maxsize=2_000)
def when(value: str | datetime | None) -> str:
    """`2026-11-24 16:05` of Shanghai, of an ISO time."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(_SHANGHAI).isoformat(" ", "minutes")[:16]


def moment(value: str | None) -> str:
    """`2023-07-17 15:07:36`, as a citizen reads it."""
    return datetime.fromisoformat(value).astimezone(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if value else ""


def day(value: str | date | None) -> str:
    return "" if not value else str(value)[:10]


def since(value: str | datetime | None) -> str:
    """How long ago: `1 天 22 小时`."""
    if not value:
        return ""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return lasting(datetime.now(at.tzinfo) - at)


def seconds_until(at: datetime) -> float:
    return (at - datetime.now(at.tzinfo)).total_seconds()


def lasting(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return words(f"{days} 天 {hours} 小时", f"{days} d {hours} h")
    return words(f"{hours} 小时 {rest} 分", f"{hours} h {rest} min") if hours else words(f"{rest} 分钟", f"{rest} min")


def grouped(account: str | None) -> list[str]:
    """An account in groups of four; the gaps are made by the style, so it is copied without blanks."""
    text = account or ""
    return [text[at : at + 4] for at in range(0, len(text), 4)]


def at(item: Mapping[str, Any], field: str) -> Any:
    """`run.stage_label` of nested answers; None where something on the way isn't there."""
    if "." not in field:
        return item.get(field)
    value: Any = item
    for step in field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def address(pattern: str, item: Mapping[str, Any]) -> str:
    """`/console/flows/{flow_no}` with the item's own values."""
    return "".join([f"{before}{_quoted(str(item[name])) if name else ''}" for before, name in _parts_of(pattern)])


@lru_cache(maxsize=500)
def _parts_of(pattern: str) -> list[tuple[str, str]]:
    return [(before, name or "") for before, name, _, _ in Formatter().parse(pattern)]


def _quoted(value: str) -> str:
    """As a part of an address; most are numbers of ours."""
    return value if value.isascii() and value.replace("-", "").isalnum() else quote(value, safe="")


def seconds_to_wait(problem: Mapping[str, Any]) -> int:
    """Until it is worth while to ask again, as the API said; a page asks at least every minute."""
    said = str(problem.get("retry_after") or "")
    return min(int(said), 60) if said.isdigit() else 5


FILTERS = {
    "yuan": yuan,
    "number": number,
    "when": when,
    "day": day,
    "moment": moment,
    "since": since,
    "grouped": grouped,
    "label": label,
    "said": said,
    "person": person,
    "title_of": title_of,
}


def pairs(options: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Options (value, Chinese, English) as a field wants them: (value, words)."""
    return [(value, label(words(chinese, english))) for value, chinese, english in options]


GLOBALS = {
    "_": words,
    "pairs": pairs,
    "seconds_to_wait": seconds_to_wait,
    "at": at,
    "address": address,
    "is_english": is_english,
    "tone": tone,
}

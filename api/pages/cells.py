"""One value by its kind, the same in tables, facts and cards; and the rows of a list.

Made here and not by macros: a page of a list has seven hundred cells, and calling a macro costs more than they do.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeGuard
from urllib.parse import urlencode

from markupsafe import Markup, escape

from api.pages.formats import (
    PAGES,
    address,
    at,
    day,
    grouped,
    is_english,
    label,
    number,
    person,
    said,
    when,
    words,
    yuan,
)
from api.pages.things import page_of
from api.pages.tones import tone

Row = Mapping[str, Any]
_NOTHING = "—"
_IS_CURRENT = ' aria-current="true"'
_ACCOUNT, _GROUP = Markup('<span class="account">{}</span>'), Markup("<span>{}</span>")
_RUN = Markup('<a href="{}" rel="noreferrer">{}</a>')
_SIGN = re.compile("[&<>\"']").search
_TEXTS, _WORDS = frozenset({"text"}), frozenset({"label", "said", "long"})
_CHINESE = frozenset({"text", "person"})
# Words may stand in two lines where the window is narrow, numbers not.
_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("money", "number"), ' class="right"'),
    **dict.fromkeys(("label", "said", "tag"), ' class="word"'),
    "long": ' class="long"',
}


class Shown(Protocol):
    """What a column says of its cells; see `lists.Column`."""

    @property
    def chinese(self) -> str: ...
    @property
    def english(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def tone(self) -> str: ...


def cell(kind: str, value: Any, code: object = "") -> Markup:
    """A value as it is read, escaped; `code` is the stage behind a tag, which its colour goes by."""
    return Markup(_shown(kind, value, code))  # noqa: S704 - escaped below


def tag(word: object, code: object = "") -> Markup:
    """A stage or state: a word on a tinted ground; the colour is never the only sign."""
    return Markup(_tag(tone(code), label(word)))  # noqa: S704 - escaped below


@lru_cache(maxsize=2_000)
def _tag(colour: str, words: str) -> str:
    return f'<span class="tag {escape(colour)}">{escape(words)}</span>'


def _shown(kind: str, value: Any, code: object = "") -> str:
    if value is None or value == "":
        return _NOTHING
    return _tag(tone(code), label(value)) if kind == "tag" else _KINDS.get(kind, _plain)(value)


def escaped(text: str) -> str:
    """Most values have no sign of HTML in them, and to look costs less than to escape."""
    return text if _SIGN(text) is None else escape(text)


def rows_of(
    columns: Iterable[Shown],
    rows: Sequence[Row],
    key: str,
    chosen: Collection[str] | None,
    current: object,
    asked: tuple[str, str] = ("", ""),
) -> Markup:
    """A list's rows, with a tick each where `chosen` are ticked; made column by column, each worked out once a page.

    `asked`: the list's path and its conditions, which links to its things take along, so that one comes back to it.
    """
    made = [_cells(column, rows, _beside(column.link, *asked)) for column in columns]
    if chosen is not None:
        made.insert(0, [_tick(str(row[key]), chosen) for row in rows])
    begun = ["<tr>" if current is None or row[key] != current else f"<tr{_IS_CURRENT}>" for row in rows]
    whole = zip(begun, *made, ["</tr>"] * len(rows), strict=True)
    # what each of them makes is escaped; escaped again by a join it would cost twice as much
    return Markup("\n".join(map("".join, whole)))  # noqa: S704


def _tick(value: str, chosen: Collection[str]) -> str:
    shown, ticked = escaped(value), " checked" if value in chosen else ""
    return (
        '<td><input class="form-check-input" type="checkbox" name="chosen"'
        f' value="{shown}" aria-label="{shown}"{ticked}></td>'
    )


def _beside(link: str, path: str, asked: str) -> str:
    own = asked and link.startswith(f"{path}/")
    return f"{'&' if '?' in link else '?'}{urlencode({'list': asked})}" if own else ""


def _cells(column: Shown, rows: Sequence[Row], beside: str) -> list[str]:
    """The column's cell of each row."""
    opened, values = _opened(column), _values(column, rows)
    if not column.link:
        return [f"{opened}{value}</td>" for value in values]
    # an address has no sign of HTML but those of its pattern
    link, beside = column.link.replace("&", "&amp;"), beside.replace("&", "&amp;")
    return [
        f'{opened}<a href="{address(link, row)}{beside}">{value}</a></td>'
        for row, value in zip(rows, values, strict=True)
    ]


def _values(column: Shown, rows: Sequence[Row]) -> list[str]:
    """The column's value of each row, as it is read."""
    field, code, kind = column.field, column.tone, column.kind
    found = [at(row, field) for row in rows] if "." in field else [row.get(field) for row in rows]
    if kind == "tag":
        codes = [at(row, code) if code else "" for row in rows]
        return [_shown(kind, value, code) for value, code in zip(found, codes, strict=True)]
    if (kind in _TEXTS or (kind in _WORDS and not is_english())) and _are_plain(found):
        return found
    form = _KINDS.get(kind, _plain)
    return [_NOTHING if value is None or value == "" else form(value) for value in found]


def _are_plain(found: list[Any]) -> TypeGuard[list[str]]:
    """Whether all are texts without a sign of HTML: most columns are, and are looked at once and not cell by cell."""
    try:
        return "" not in found and _SIGN("".join(found)) is None
    except TypeError:
        return False


def _opened(column: Shown) -> str:
    """On a phone the column's name stands beside the value."""
    language = ' lang="zh-CN"' if column.kind in _CHINESE and is_english() else ""
    kept = _CLASSES.get(column.kind, "")
    return f'<td data-label="{escape(words(column.chinese, column.english))}"{language}{kept}>'


def _account(value: str) -> str:
    if "*" in value:
        return escaped(value)
    return _ACCOUNT.format(Markup("").join(_GROUP.format(part) for part in grouped(value)))


def _said(text: Any) -> str:
    return said(text) if is_english() else escaped(label(text))


def _thing(number: str) -> str:
    """Its number, which leads to it where the reader may go there."""
    place = page_of(number, PAGES.get())
    return f'<a href="{place}">{number}</a>' if place else escaped(number)


def _run(value: str) -> Markup:
    return _RUN.format(value, words("运行", "Run"))


def _plain(value: Any) -> str:
    if type(value) is str:
        return escaped(value)
    return escaped(_joined(value))


def _joined(value: Any) -> str:
    return words("、", ", ").join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# What is made of numbers and times needs no escape.
_KINDS: Mapping[str, Callable[[Any], str]] = {
    "money": yuan,
    "number": number,
    "when": when,
    "day": lambda at: escaped(day(at)),
    "person": lambda login: escaped(person(login)),
    "label": lambda word: escaped(label(word)),
    "said": _said,
    "long": lambda value: _said(_joined(value)),
    "yes": lambda value: words("是", "Yes") if value else words("否", "No"),
    "account": _account,
    "thing": _thing,
    "run": _run,
    "opens": lambda place: f"{words('打开', 'Open')} {place}",
}

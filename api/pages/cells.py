"""One value by its kind, the same in tables, facts and cards; the rows of a list, and the options of a condition.

Made here and not by macros: a page of a list has seven hundred cells, and calling a macro costs more than they do.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlencode

from markupsafe import Markup, escape

from api.pages.formats import address, at, day, grouped, label, number, person, said, when, words, yuan
from api.pages.tones import tone

Row = Mapping[str, Any]
_NOTHING = "—"
_IS_CURRENT = ' aria-current="true"'
_ACCOUNT, _GROUP = Markup('<span class="account">{}</span>'), Markup("<span>{}</span>")
_RUN = Markup('<a href="{}" rel="noreferrer">{}</a>')
_SIGN = re.compile("[&<>\"']").search
_CHINESE = frozenset({"text", "long", "person"})
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


def _escaped(text: str) -> str:
    """Most values have no sign of HTML in them, and to look costs less than to escape."""
    return text if _SIGN(text) is None else escape(text)


def rows_of(
    columns: Iterable[Shown],
    rows: Iterable[Row],
    key: str,
    chosen: Collection[str] | None,
    current: object,
    asked: tuple[str, str] = ("", ""),
) -> Markup:
    """A list's rows, with a tick each where `chosen` are ticked; the columns are worked out once a page.

    `asked`: the list's path and its conditions, which links to its things take along, so that one comes back to it.
    """
    makers = [_maker(column, _beside(column.link, *asked)) for column in columns]
    if chosen is not None:
        makers.insert(0, lambda row: _tick(str(row[key]), chosen))
    lines = [
        f"<tr{_IS_CURRENT if current is not None and row[key] == current else ''}>"
        f"{''.join([make(row) for make in makers])}</tr>"
        for row in rows
    ]
    # what each of them makes is escaped; escaped again by a join it would cost twice as much
    return Markup("\n".join(lines))  # noqa: S704


def _tick(value: str, chosen: Collection[str]) -> str:
    shown, ticked = _escaped(value), " checked" if value in chosen else ""
    return (
        '<td><input class="form-check-input" type="checkbox" name="chosen"'
        f' value="{shown}" aria-label="{shown}"{ticked}></td>'
    )


def _beside(link: str, path: str, asked: str) -> str:
    own = asked and link.startswith(f"{path}/")
    return f"{'&' if '?' in link else '?'}{urlencode({'list': asked})}" if own else ""


def _maker(column: Shown, beside: str) -> Callable[[Row], str]:
    opened, show, link = _opened(column), _reader(column), column.link
    if not link:
        return lambda row: f"{opened}{show(row)}</td>"
    # an address has no sign of HTML but those of its pattern
    return lambda row: f'{opened}<a href="{(address(link, row) + beside).replace("&", "&amp;")}">{show(row)}</a></td>'


def _reader(column: Shown) -> Callable[[Row], str]:
    """The column's value of a row, as it is read."""
    field, code, form = column.field, column.tone, _KINDS.get(column.kind, _plain)
    if column.kind == "tag":
        return lambda row: _shown("tag", at(row, field), at(row, code) if code else "")

    def shown(row: Row) -> str:
        value = row.get(field)
        return _NOTHING if value is None or value == "" else form(value)

    def shown_within(row: Row) -> str:
        value = at(row, field)
        return _NOTHING if value is None or value == "" else form(value)

    return shown_within if "." in field else shown


def _opened(column: Shown) -> str:
    """On a phone the column's name stands beside the value."""
    language = ' lang="zh-CN"' if column.kind in _CHINESE else ""
    kept = _CLASSES.get(column.kind, "")
    return f'<td data-label="{escape(words(column.chinese, column.english))}"{language}{kept}>'


def options_of(options: Iterable[tuple[object, str, str]], chosen: object, *, chinese: bool) -> Markup:
    """Of a condition that is one of several; `chinese`: their words are the same in both languages."""
    language = ' lang="zh-CN"' if chinese else ""
    made = [
        f'<option value="{_escaped(str(value))}"{language}{" selected" if chosen == str(value) else ""}>'
        f"{_escaped(label(words(zh, en)))}</option>"
        for value, zh, en in options
    ]
    return Markup("\n".join(made))  # noqa: S704


def _account(value: str) -> str:
    if "*" in value:
        return escape(value)
    return _ACCOUNT.format(Markup("").join(_GROUP.format(part) for part in grouped(value)))


def _run(value: str) -> Markup:
    return _RUN.format(value, words("运行", "Run"))


def _plain(value: Any) -> str:
    if type(value) is str:
        return _escaped(value)
    if isinstance(value, list | tuple):
        value = words("、", ", ").join(map(str, value))
    return _escaped(str(value))


# What is made of numbers and times needs no escape.
_KINDS: Mapping[str, Callable[[Any], str]] = {
    "money": yuan,
    "number": number,
    "when": when,
    "day": lambda at: _escaped(day(at)),
    "person": lambda login: _escaped(person(login)),
    "label": lambda word: _escaped(label(word)),
    "said": said,
    "yes": lambda value: words("是", "Yes") if value else words("否", "No"),
    "account": _account,
    "run": _run,
}

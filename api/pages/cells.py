"""One value by its kind, the same in tables, facts and cards; and the cells of a list's rows.

Made here and not by macros: a page of a list has seven hundred cells, and calling a macro costs more than they do.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from markupsafe import Markup, escape

from api.pages.formats import address, at, day, grouped, label, number, person, when, words, yuan
from api.pages.tones import tone

Row = Mapping[str, Any]
_NOTHING = Markup("—")
_TAG = Markup('<span class="tag {}">{}</span>')
_ACCOUNT, _GROUP = Markup('<span class="account">{}</span>'), Markup("<span>{}</span>")
_RUN = Markup('<a href="{}" rel="noreferrer">{}</a>')
_RIGHT, _CHINESE = frozenset({"money", "number"}), frozenset({"text", "long", "person"})


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
    if value is None or value == "":
        return _NOTHING
    return _KINDS.get(kind, _plain)(value) if kind != "tag" else tag(value, code)


def tag(said: object, code: object = "") -> Markup:
    """A stage or state: a word on a tinted ground; the colour is never the only sign."""
    return _TAG.format(tone(code), label(said))


def cells_of(columns: Iterable[Shown]) -> Callable[[Row], Markup]:
    """What makes a row's cells; the columns are worked out once a page."""
    makers = [_maker(column) for column in columns]
    # what each of them makes is escaped; escaped again by a join it would cost twice as much
    return lambda row: Markup("".join([make(row) for make in makers]))  # noqa: S704


def _maker(column: Shown) -> Callable[[Row], str]:
    opened, field, kind, code = _opened(column), column.field, column.kind, column.tone

    def shown(row: Row) -> str:
        return cell(kind, at(row, field), at(row, code) if code else "")

    if not column.link:
        return lambda row: f"{opened}{shown(row)}</td>"
    return lambda row: f'{opened}<a href="{escape(address(column.link, row))}">{shown(row)}</a></td>'


def _opened(column: Shown) -> str:
    """On a phone the column's name stands beside the value."""
    language = ' lang="zh-CN"' if column.kind in _CHINESE else ""
    kept = ' class="right"' if column.kind in _RIGHT else ' class="long"' if column.kind == "long" else ""
    return f'<td data-label="{escape(words(column.chinese, column.english))}"{language}{kept}>'


def _account(value: str) -> Markup:
    if "*" in value:
        return escape(value)
    return _ACCOUNT.format(Markup("").join(_GROUP.format(part) for part in grouped(value)))


def _run(value: str) -> Markup:
    return _RUN.format(value, words("运行", "Run"))


def _plain(value: Any) -> Markup:
    return escape(words("、", ", ").join(map(str, value)) if isinstance(value, list | tuple) else value)


_KINDS: Mapping[str, Callable[[Any], Markup]] = {
    "money": lambda fen: escape(yuan(fen)),
    "number": lambda value: escape(number(value)),
    "when": lambda at: escape(when(at)),
    "day": lambda at: escape(day(at)),
    "person": lambda login: escape(person(login)),
    "label": lambda said: escape(label(said)),
    "yes": lambda value: escape(words("是", "Yes") if value else words("否", "No")),
    "account": _account,
    "run": _run,
}

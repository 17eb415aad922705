"""The fields of a list's conditions; made here and not by macros, as its cells are: a list has twenty of them."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from markupsafe import Markup

from api.pages.cells import escaped
from api.pages.formats import is_english, label, words

Option = tuple[object, str, str]
Options = Iterable[Option]


class Asked(Protocol):
    """What a condition is; see `lists.Filter`."""

    @property
    def name(self) -> str: ...
    @property
    def chinese(self) -> str: ...
    @property
    def english(self) -> str: ...
    @property
    def options(self) -> Options: ...
    @property
    def catalog(self) -> str: ...
    @property
    def kind(self) -> str: ...


def conditions(those: Iterable[Asked], given: Mapping[str, str], catalogs: Mapping[str, Options]) -> Markup:
    """A field for each, with what was asked in it."""
    fields = [_field(asked, given.get(asked.name, ""), catalogs) for asked in those]
    return Markup("".join(fields))  # noqa: S704 - escaped below


def _field(asked: Asked, value: str, catalogs: Mapping[str, Options]) -> str:
    """A catalog's words are the same in both languages."""
    options = catalogs[asked.name] if asked.catalog else asked.options
    named = f'id="q-{asked.name}" name="{asked.name}"'
    if options or asked.catalog:
        choices = _options(options, value, chinese=bool(asked.catalog))
        everything = f'<option value="">{words("全部", "All")}</option>'
        field = f'<select class="form-select" {named}>{everything}{choices}</select>'
    else:
        kind = "date" if asked.kind == "day" else "text"
        field = f'<input class="form-control" {named} value="{escaped(value)}" type="{kind}">'
    called = escaped(words(asked.chinese, asked.english))
    return f'<div class="field"><label for="q-{asked.name}">{called}</label>{field}</div>'


def _options(options: Options, chosen: str, *, chinese: bool) -> str:
    """With the chosen one marked; a list's choices are the same for hours, and a county has hundreds of villages."""
    made, this = _choices(tuple(options), chinese, is_english()), f'<option value="{escaped(chosen)}"'
    return made.replace(this, f"{this} selected", 1) if chosen else made


@lru_cache(maxsize=200)
def _choices(options: tuple[Option, ...], chinese: bool, english: bool) -> str:
    language = ' lang="zh-CN"' if chinese and english else ""
    return "".join(
        f'<option value="{escaped(str(value))}"{language}>{escaped(label(en if english else zh))}</option>'
        for value, zh, en in options
    )

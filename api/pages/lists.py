"""Lists: what a list page shows, as data; asking the API for a page of it; one template for all of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.form import Form
from api.pages.formats import NAMES
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.staff import Role

SIZES = (20, 50, 100)
# What an address says beside its list's conditions.
NO_CONDITIONS = frozenset({"done", "part"})
_USUAL_SIZE = 50

Option = tuple[str, str, str]


@dataclass(frozen=True)
class Column:
    """One column: Chinese, English, field of the API's row (`run.stage_label`), and how it is shown.

    `kind`: text, long (said in several lines, so that the others stay in sight), person (who acted, by login), label (a
    word that the API says), said (such a word, or what somebody wrote), tag (a label with a tone), money (fen), number,
    when, day, account, yes (a bool), thing (a number of ours, which leads to its page), opens (a row's place in the
    list, beside the word that opens it). `link` is an address with the row's fields in it. `tone` names the field that
    `TONES` judges.
    """

    chinese: str
    english: str
    field: str
    kind: str = "text"
    link: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Filter:
    """One condition: the API's parameter, and its options (value, Chinese, English), or none for a text.

    `catalog` names a catalog of the platform to choose from instead, or `people`, the county's staff; with a `parent`,
    what belongs to the value that this other condition has. `kind`: choice, text, day, month, hidden (what a tab asks).
    """

    name: str
    chinese: str
    english: str
    options: Sequence[Option] = ()
    catalog: str = ""
    kind: str = "choice"
    parent: str = ""


# Of what has happened: from one day to another, both with it.
FROM_TO = (Filter("since", "自", "From", kind="day"), Filter("until", "至", "To", kind="day"))


@dataclass(frozen=True)
class Sought:
    """A condition that never stands in an address (name, id, account, phone): sent by POST to the API's search."""

    name: str
    chinese: str
    english: str


@dataclass(frozen=True)
class Tab:
    """A usual view of the list; `asks` are its conditions."""

    chinese: str
    english: str
    asks: Mapping[str, str]


@dataclass(frozen=True)
class ListPage:
    """`api` is asked with the filters, `search` where one is sought; `key` names the row's own number."""

    chinese: str
    english: str
    path: str
    api: str
    columns: Sequence[Column]
    filters: Sequence[Filter] = ()
    search: str = ""
    sought: Sequence[Sought] = ()
    # what is open or mine, when the list is opened without conditions
    opens_with: Mapping[str, str] = field(default_factory=dict)
    tabs: Sequence[Tab] = ()
    # of lists that know an order: `newest` first
    order: str = ""
    # how the API calls what an act on all of the list is about
    chooses: str = "filter"
    # always asked, never shown as a condition
    always: Mapping[str, str] = field(default_factory=dict)
    help: tuple[str, str] = ("", "")
    key: str = ""
    figures: str = ""
    exports: bool = True
    template: str = "list.html"

    @cached_property
    def shown(self) -> Sequence[Filter]:
        """The conditions that have a field."""
        return [each for each in self.filters if each.kind != "hidden"]

    @cached_property
    def hidden(self) -> Sequence[Filter]:
        return [each for each in self.filters if each.kind == "hidden"]


def labelled(words_of: Any) -> tuple[Option, ...]:
    """The members of a vocabulary as options."""
    return tuple((word.value, word.label, word.label) for word in words_of)


async def show_list(window: Window, page: ListPage, **more: Any) -> Response:
    """A GET with conditions in the address, or a POST that seeks by what never stands there."""
    given = conditions(window, page)
    answer = await ask_for(window, page, given)
    if given.get("after") and not answer["items"] and window.request.method == "GET":
        # an act has emptied the last page
        return window.go(window.here(after="", back="", done=window.query("done")))
    shown = {
        "page": page,
        "given": given,
        "rows": answer["items"],
        "following": answer.get("next"),
        "beside": answer,
        "catalogs": await catalogs_of(window, page, given),
        "acts": (),
        "sizes": SIZES,
        "size": _size(given),
    }
    return window.show(page.template, **{**shown, **more})


def conditions(window: Window, page: ListPage) -> dict[str, str]:
    """What is asked, by name: from the form of a search, else from the address, else what the list opens with."""
    if window.request.method == "POST":
        return {name: window.form.text(name) for name in _names(page) if window.form.text(name)}
    given = {name: window.query(name) for name in _names(page) if window.query(name)}
    asked_before = set(window.request.query_params) - NO_CONDITIONS
    return given if asked_before else dict(page.opens_with)


async def ask_for(window: Window, page: ListPage, given: Mapping[str, str], **more: str) -> Any:
    """The API's page of the list: `items`, `next` and what stands beside."""
    names = {filtered.name for filtered in page.filters}
    sought = {each.name: given[each.name] for each in page.sought if each.name in given}
    chosen = {**page.always, **{name: value for name, value in given.items() if name in names}}
    paging = {"limit": str(_size(given)), "after": given.get("after", ""), **more}
    if page.order:
        paging["order"] = page.order
    if sought:
        return await window.ask.search(page.search, {**sought, "filter": chosen or None}, **paging)
    return await window.ask.get(page.api, **chosen, **paging)


def export(window: Window, page: ListPage) -> Response:
    """导出: the whole filtered list as Excel, handed through as the API writes it."""
    names = {filtered.name for filtered in page.filters}
    given = {name: value for name, value in conditions(window, page).items() if name in names}
    return window.ask.file(page.api, **{**page.always, **given}, order=page.order, format="xlsx")


def serve_list(router: APIRouter, page: ListPage, enters: Role | None = None) -> None:
    """The two routes of a list that is no more than that: the list, and 导出. Who `enters` is shown where."""

    @router.get("")
    async def listed(window: Staff) -> Response:
        return await show_list(window, page, enters=window.signed.role is enters)

    @router.get("/export")
    async def exported(window: Staff) -> Response:
        return export(window, page)


async def show_sums(window: Window, page: ListPage) -> Response:
    """Count and sum of the whole list, for its foot: `page.figures` leads here."""
    names = {filtered.name for filtered in page.filters}
    given = {name: value for name, value in conditions(window, page).items() if name in names}
    total = await window.ask.get(f"{page.api}/total", **{**page.always, **given})
    return window.show_part("parts/sums.html", total=total)


async def catalogs_of(window: Window, page: ListPage, given: Mapping[str, str]) -> dict[str, list[Option]]:
    """Options of the filters that choose from a catalog of the platform."""
    found: dict[str, list[Option]] = {}
    for filtered in page.filters:
        if filtered.catalog == "people":
            found[filtered.name] = [*filtered.options, *_people()]
            continue
        above = given.get(filtered.parent, "")
        if filtered.catalog and (above or not filtered.parent):
            # the list is there although the platform's catalogs are just being fetched
            with suppress(Refused):
                found[filtered.name] = await catalog(window, filtered.catalog, parent=above)
    return {filtered.name: found.get(filtered.name, []) for filtered in page.filters if filtered.catalog}


def _people() -> list[Option]:
    """Whoever acts or has acted here; two of one name are told apart by their logins."""
    told = {login: f"{name}（{login}）" for login, name in sorted(NAMES.get().items())}
    return [(login, words, words) for login, words in told.items()]


async def catalog(window: Window, kind: str, **query: str) -> list[Option]:
    """A catalog's entries as options; they change once a day, and every list has some."""
    asked = {"limit": "500", "fund_year": str(china_today().year), **query}

    async def options() -> list[Option]:
        answer = await window.ask.get(f"/catalogs/{kind}", **asked)
        return [(entry["code"], entry["name"], entry["name"]) for entry in answer["items"]]

    return await window.door.kept.get(f"{window.signed.county_code}/{kind}/{sorted(asked.items())}", options)


def _names(page: ListPage) -> list[str]:
    filters = [filtered.name for filtered in page.filters]
    return [*filters, *(each.name for each in page.sought), "after", "limit", "back"]


def _size(given: Mapping[str, str]) -> int:
    size = given.get("limit", "")
    return int(size) if size.isascii() and size.isdigit() and int(size) in SIZES else _USUAL_SIZE


def chosen_form(form: Form) -> list[str]:
    """The rows that were ticked, each once."""
    return list(dict.fromkeys(form.all("chosen")))

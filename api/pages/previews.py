"""An act on several, from a list: chosen there, shown on a page of its own, and only then confirmed.

A list is given its acts (`show_list(window, LIST, acts=acts_of(window, ACTS))`) and two routes beside it: POST
`{path}/acts` answers `preview(…)` of the act that was pressed, POST `{path}/acts/{name}` does it by `carry_out(…)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.form import Form
from api.pages.formats import words
from api.pages.lists import ListPage, chosen_form
from api.pages.window import Window
from models.words.refusals import Refusal
from models.words.staff import Role

NOT_FOUND = {"code": Refusal.NOT_FOUND.value, "title": "没有这一项", "detail": "请从列表中选择要办理的事项"}
NOTHING_CHOSEN = {
    "code": "NOTHING_CHOSEN",
    "title": "没有选择任何一行",
    "detail": "请在列表中勾选要办理的行，或选择符合条件的全部",
}


@dataclass(frozen=True)
class ActOnSeveral:
    """`api` is the act's route; `reason` is "" where none is asked, else "asked" or "required", with usual ones.

    `done` is a name in `done_words`; `key` names one thing in addresses of what was left out.
    """

    name: str
    chinese: str
    english: str
    api: str
    done: str
    roles: tuple[Role, ...]
    reason: str = ""
    usual: Sequence[str] = ()
    grave: bool = False
    # what the act means, for who has to decide
    says: tuple[str, str] = ("", "")
    # of what happens to a batch: to which
    batch_no: str = ""


def acts_of(window: Window, acts: Sequence[ActOnSeveral]) -> tuple[ActOnSeveral, ...]:
    """Those of the person's role."""
    return tuple(act for act in acts if window.signed.role in act.roles)


def act_named(window: Window, acts: Sequence[ActOnSeveral], name: str) -> ActOnSeveral:
    """The act; what isn't offered to this role isn't there."""
    found = next((act for act in acts_of(window, acts) if act.name == name), None)
    if found is None:
        raise Refused(404, NOT_FOUND)
    return found


def selection(form: Form, page: ListPage) -> dict[str, Any]:
    """The rows that were ticked, or all that the list's conditions find, as the API's `selection`.

    A list by numbers has those as its condition.
    """
    if form.ticked("everything") and form.text("numbers"):
        return {"application_nos": form.text("numbers").split()}
    if form.ticked("everything"):
        given = {each.name: form.text(each.name) for each in page.filters if form.text(each.name)}
        return {page.chooses: {**page.always, **given}}
    return {"application_nos": chosen_form(form)}


async def preview(
    window: Window, page: ListPage, act: ActOnSeveral, *, api: str = "", back: str = "", chosen: bool = True
) -> Response:
    """The page that shows what the act would do and leave out. `api`: the act's route where it is about one thing."""
    told: Mapping[str, Any] = {}
    body = {"selection": selection(window.form, page)} if chosen else {}
    if chosen and body["selection"] == {"application_nos": []}:
        return await _nothing_chosen(window, page, act, back)
    told = await window.ask.search(api or act.api, {**body, "preview": True})
    return _shown(window, page, act, told, back)


def _shown(window: Window, page: ListPage, act: ActOnSeveral, told: Mapping[str, Any], back: str) -> Response:
    filters = [each.name for each in page.filters if window.form.text(each.name)]
    kept = [(name, window.form.text(name)) for name in ("everything", "numbers", *filters) if window.form.text(name)]
    kept += [("chosen", number) for number in chosen_form(window.form)]
    back = back or window.behind.back(page.path)
    name = words(act.chinese, act.english)
    return window.show("preview.html", page=page, act=act, told=told, kept=kept, back=back, titled=name)


async def _nothing_chosen(window: Window, page: ListPage, act: ActOnSeveral, back: str) -> Response:
    window.status = 422
    window.problem = dict(NOTHING_CHOSEN)
    return _shown(window, page, act, {"count": 0, "total_fen": 0, "left_out": []}, back)


async def carry_out(
    window: Window,
    page: ListPage,
    act: ActOnSeveral,
    *,
    api: str = "",
    place: str = "",
    chosen: bool = True,
    more: Mapping[str, object] | None = None,
) -> Response:
    """Done just as it was shown (`seen`), then back to `place`, else the list as it was; refused, it is shown anew."""
    body: dict[str, object] = {"seen": window.form.text("seen"), **(more or {})}
    if chosen:
        body["selection"] = selection(window.form, page)
    if act.reason:
        body["reason"] = reason_of(window.form)
    back = place or window.behind.back(page.path)
    asked = window.ask.post(api or act.api, {name: value for name, value in body.items() if value not in (None, "")})
    return await window.act(
        asked,
        lambda answer: f"{act.done}.{answer.get('count', '')}",
        back,
        lambda: preview(window, page, act, api=api, back=back, chosen=chosen),
    )


def reason_of(form: Form) -> str | None:
    """A usual one, what was added to it, or both."""
    return "；".join(part for part in (form.text("usual"), form.text("reason")) if part) or None

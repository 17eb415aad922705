"""设置预算单位, 设置预算项目, 设置指标文号: chosen from the platform's lists before registering (S1 2.3.1)."""

from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.one import choices_of
from api.pages.window import Staff
from models.words.calendar import china_today
from models.words.refusals import Refusal

PATH = "/console/indicators/choices"
router = APIRouter(prefix=PATH, include_in_schema=False)
_MOST = 100


class Kind(NamedTuple):
    """`field` is what the API is told, `chosen` what it answers; documents are named by their number."""

    chinese: str
    english: str
    catalog: str
    field: str
    chosen: str


KINDS = {
    "units": Kind("设置预算单位", "Set budget units", "budget-units", "budget_unit_codes", "budget_units"),
    "projects": Kind(
        "设置预算项目", "Set budget projects", "budget-projects", "budget_project_codes", "budget_projects"
    ),
    "documents": Kind("设置指标文号", "Set documents", "indicator-documents", "document_nos", "documents"),
}
NO_KIND = {"code": Refusal.NOT_FOUND, "title": "没有这一项", "detail": "只有预算单位、预算项目和指标文号可以设置"}


@router.get("/{kind}")
async def choose_page(window: Staff, kind: str) -> Response:
    """What was chosen and what the search finds, ticked where it is chosen."""
    what, year = _kind(kind), int(window.query("fund_year") or china_today().year)
    chosen = (await window.ask.get("/budget-choices", fund_year=year))[what.chosen]
    found = await choices_of(window, what.catalog, fund_year=str(year), like=window.query("like"))
    kept = {_word(what, one["code"], one["name"]): one["name"] for one in chosen}
    offered = kept | {_word(what, code, name): name for code, name in found[:_MOST]}
    more = len(found) > _MOST
    return window.show("budget_choice.html", what=what, offered=offered, chosen=list(kept), year=year, more=more)


@router.post("/{kind}")
async def choose(window: Staff, kind: str) -> Response:
    what = _kind(kind)
    body = {"fund_year": window.form.whole("fund_year"), what.field: window.form.all(what.field)}
    asked = window.ask.put("/budget-choices", body)
    return await window.act(asked, "saved", "/console/indicators", lambda: choose_page(window, kind))


def _word(what: Kind, code: str, name: str) -> str:
    return name if what.field == "document_nos" else code


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise Refused(404, NO_KIND)
    return KINDS[kind]

"""指标内容管理: indicators registered, corrected and submitted, several at once (S1 2.3)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.form import bad_field, is_nothing
from api.pages.lists import Column, Filter, ListPage, chosen_form, export, labelled, show_list
from api.pages.live import show_live
from api.pages.previews import ActOnSeveral, acts_of
from api.pages.window import Staff, Window
from models.forms.money import parse_yuan
from models.words.calendar import china_today
from models.words.staff import Role
from models.words.stages import ReviewStage

PATH = "/console/indicators"
PARTS = ("central_fen", "provincial_fen", "municipal_fen", "county_fen")
router = APIRouter(prefix=PATH, include_in_schema=False)
ACTS = (ActOnSeveral("submit", "提交", "Submit", "/indicator-submissions", "indicators_submitted", (Role.OPERATOR,)),)
LIST = ListPage(
    chinese="指标内容管理",
    english="Indicators",
    path=PATH,
    api="/indicators",
    key="indicator_no",
    template="indicators.html",
    help=(
        "先设置预算单位、预算项目和指标文号，再登记指标；选择待提交的指标，提交给一卡通发放系统审核。审核不通过的修改后重新提交。",
        "Set budget units, projects and documents, then register indicators; choose those to be submitted and hand"
        " them to the platform. A refused one is corrected and submitted again.",
    ),
    columns=(
        Column("编号", "Number", "indicator_no", link=f"{PATH}/{{indicator_no}}"),
        Column("资金年度", "Year", "fund_year"),
        Column("指标文号", "Document", "document_no"),
        Column("预算单位", "Budget unit", "budget_unit_name"),
        Column("预算单位代码", "Unit code", "budget_unit_code"),
        Column("预算项目", "Budget project", "budget_project_name"),
        Column("总额（元）", "Total (yuan)", "total_fen", kind="money"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("原因", "Reason", "opinion", kind="long"),
    ),
    filters=(
        Filter("fund_year", "资金年度", "Year", kind="text"),
        Filter("stage", "状态", "Stage", labelled(ReviewStage)),
        Filter("document_no", "指标文号", "Document", kind="text"),
    ),
)


@router.get("")
async def list_indicators(window: Staff) -> Response:
    choices = await window.ask.get("/budget-choices", fund_year=china_today().year)
    return await show_list(window, LIST, acts=acts_of(window, ACTS), choices=choices)


@router.get("/export")
async def export_indicators(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/new")
async def register_page(window: Staff) -> Response:
    return await _form_page(window, None)


@router.post("/new")
async def register(window: Staff) -> Response:
    asked = _asked(window, "POST", "/indicators")
    return await window.act(
        asked, "registered", lambda answer: f"{PATH}/{answer['indicator_no']}", lambda: register_page(window)
    )


@router.get("/remainder")
async def remainder(window: Staff) -> Response:
    """While somebody types: what the four parts lack."""
    total, *parts = [_typed(window.query(name)) for name in ("total_fen", *PARTS)]
    known = [part for part in parts if part is not None]
    left = total - sum(known) if total is not None and len(known) == len(parts) else None
    return window.show_part("parts/remainder.html", left=left)


@router.post("/acts")
async def preview_submission(window: Staff) -> Response:
    """What would be submitted, and what would be left out with why."""
    numbers = await _chosen(window)
    body = {"indicator_nos": numbers, "preview": True}
    told = await window.ask.search("/indicator-submissions", body) if numbers else None
    return window.show("indicator_submission.html", told=told, numbers=numbers)


@router.post("/submission")
async def submit(window: Staff) -> Response:
    """Just what was shown."""
    body = {"indicator_nos": chosen_form(window.form), "seen": window.form.maybe("seen")}
    asked = window.ask.post("/indicator-submissions", body)
    told = "indicators_submitted.{count}".format_map
    return await window.act(asked, told, PATH, lambda: preview_submission(window))


@router.get("/{indicator_no}")
async def show_indicator(window: Staff, indicator_no: str) -> Response:
    one = await window.ask.get(f"/indicators/{indicator_no}")
    like = (one["stage"], one["opinion"], one["reserved_fen"], one["paid_fen"], one["run"] and one["run"]["since"])
    return show_live(window, "indicator.html", like, one=one)


@router.get("/{indicator_no}/edit")
async def edit_page(window: Staff, indicator_no: str) -> Response:
    return await _form_page(window, await window.ask.get(f"/indicators/{indicator_no}"))


@router.post("/{indicator_no}/edit")
async def edit(window: Staff, indicator_no: str) -> Response:
    asked = _asked(window, "PUT", f"/indicators/{indicator_no}")
    return await window.act(asked, "saved", f"{PATH}/{indicator_no}", lambda: edit_page(window, indicator_no))


async def _chosen(window: Window) -> list[str]:
    """Those that were ticked, or all that the list's conditions find on one page of the API."""
    if not window.form.ticked("everything"):
        return chosen_form(window.form)
    given = {each.name: window.form.text(each.name) for each in LIST.filters}
    return [row["indicator_no"] for row in (await window.ask.get("/indicators", limit="100", **given))["items"]]


def _typed(amount: str) -> int | None:
    """In fen; None for what is no amount yet."""
    found = 0 if is_nothing(amount) else parse_yuan(amount.replace(",", "").replace("，", ""))
    return found if isinstance(found, int) else None


async def _form_page(window: Window, one: Any) -> Response:
    year = one["fund_year"] if one else int(window.query("fund_year") or china_today().year)
    choices = await window.ask.get("/budget-choices", fund_year=year)
    return window.show("indicator_form.html", one=one, choices=choices, year=year)


async def _asked(window: Window, method: str, path: str) -> Any:
    form = window.form
    words = ("document_no", "budget_unit_code", "budget_project_code", "fund_nature")
    body = {name: form.text(name) for name in words if form.text(name)}
    parts = {name: form.fen_or_zero(name) for name in PARTS}
    if not form.text("total_fen"):
        raise bad_field("total_fen", "请填写总额")
    given = {**body, **parts, "total_fen": form.fen("total_fen"), "fund_year": form.whole("fund_year")}
    return await (window.ask.post(path, given) if method == "POST" else window.ask.put(path, given))

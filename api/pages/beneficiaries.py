"""补贴对象管理: lists for the platform to match, the province's one place, and the four results (S1 2.4)."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import applications
from api.pages.lists import Column, Filter, ListPage, export, show_list, show_sums
from api.pages.live import show_live
from api.pages.previews import ActOnSeveral, act_named, acts_of, carry_out, preview
from api.pages.window import Staff
from models.words.staff import Role

PATH = "/console/beneficiaries"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = ListPage(
    chinese="补贴对象管理",
    english="Beneficiaries",
    path=PATH,
    api="/beneficiary-lists",
    key="list_no",
    template="beneficiaries.html",
    help=(
        "申请到公示状态后进行数据初始化，与一卡通发放系统的补贴对象匹配。全省同一时间只能有一个区县有未审核完的名单，其余排队。",
        "Publicised cases are matched with the platform's beneficiaries. In the whole province one county at a time"
        " may have a list under review; the others queue.",
    ),
    columns=(
        Column("名单", "List", "list_no", link=f"{PATH}/{{list_no}}"),
        Column("资金年度", "Year", "fund_year"),
        Column("份数", "Cases", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "total_fen", kind="money"),
        Column("暂缓", "Held", "held_count", kind="number"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("在等", "Waiting for", "run.waiting_for", kind="label"),
        Column("提交人", "Submitted by", "entered_by", kind="person"),
        Column("提交时间", "Handed in at", "created_at", kind="when"),
    ),
    filters=(Filter("fund_year", "资金年度", "Year", kind="text"),),
)
INITIALISE = ActOnSeveral(
    *("initialise", "数据初始化", "Match at the platform", "/beneficiary-lists", "initialised", (Role.OPERATOR,)),
    says=(
        "推送给一卡通发放系统匹配；账号变更中的暂缓，不列入名单",
        "Sent to the platform to be matched; cases whose account is being changed are held and stay out",
    ),
)
PUBLICISED = replace(
    applications.LIST,
    chinese="数据初始化",
    english="Match at the platform",
    path=f"{PATH}/new",
    figures=f"{PATH}/new/sums",
    opens_with={"stage": "publicised"},
    filters=[each for each in applications.LIST.filters if each.kind != "hidden"],
    sought=(),
    tabs=(),
    help=("", ""),
)
SHOWN_STAGES = ("prepared", "waiting_slot", "under_review")


@router.get("")
async def list_lists(window: Staff) -> Response:
    slot = await window.ask.get("/province-slot")
    return await show_list(window, LIST, slot=slot)


@router.get("/export")
async def export_lists(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/new")
async def choose(window: Staff) -> Response:
    return await show_list(window, PUBLICISED, acts=acts_of(window, (INITIALISE,)))


@router.get("/new/sums")
async def sum_chosen(window: Staff) -> Response:
    return await show_sums(window, PUBLICISED)


@router.get("/new/export")
async def export_chosen(window: Staff) -> Response:
    return export(window, PUBLICISED)


@router.post("/new/acts")
async def preview_list(window: Staff) -> Response:
    return await preview(window, PUBLICISED, act_named(window, (INITIALISE,), window.form.text("act")))


@router.post("/new/acts/{name}")
async def initialise(window: Staff, name: str) -> Response:
    return await carry_out(window, PUBLICISED, act_named(window, (INITIALISE,), name), place=PATH)


@router.get("/{list_no}")
async def show_one(window: Staff, list_no: str) -> Response:
    listed = await window.ask.get(f"/beneficiary-lists/{list_no}")
    going = listed["stage"] in SHOWN_STAGES
    slot = await window.ask.get("/province-slot") if going else None
    like = (listed["stage"], listed["results"], listed["run"] and listed["run"]["waiting_for"], slot)
    shown = {"listed": listed, "slot": slot, "going": going, "reads_lines": window.signed.role is not Role.OPS}
    return show_live(window, "beneficiary_list.html", like, **shown)

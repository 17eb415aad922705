"""申请结算批次: the batches, one with its figures, and what comes in and goes out, with preview (S1 2.5)."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import applications
from api.pages.asking import Refused
from api.pages.lists import Column, Filter, ListPage, export, labelled, serve_list, show_list, show_sums
from api.pages.live import show_live
from api.pages.previews import NOT_FOUND, ActOnSeveral, act_named, carry_out, preview
from api.pages.window import Staff
from models.words.calendar import china_today
from models.words.staff import Role
from models.words.stages import BatchStage

PATH = "/console/batches"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = ListPage(
    chinese="申请结算批次",
    english="Batches",
    path=PATH,
    api="/batches",
    key="batch_no",
    template="batches.html",
    help=(
        "把一起校验、公示、发放的申请放进一个批次。提交大数据校验之后批次的内容不能再变。",
        "Cases that are verified, publicised and paid together. Once sent to verification a batch's contents stay.",
    ),
    columns=(
        Column("批次", "Batch", "batch_no", link=f"{PATH}/{{batch_no}}"),
        Column("名称", "Title", "title"),
        Column("年度", "Year", "fund_year"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("份数", "Cases", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "total_fen", kind="money"),
        Column("公示开始", "Publicised from", "publicity_start", kind="day"),
    ),
    filters=(
        Filter("fund_year", "资金年度", "Year", kind="text"),
        Filter("stage", "状态", "Stage", labelled(BatchStage)),
    ),
)
OPERATORS = (Role.OPERATOR,)
JOIN = ActOnSeveral("join", "加入批次", "Add to the batch", "applications", "joined", OPERATORS)
LEAVE = ActOnSeveral("leave", "移出批次", "Take out of the batch", "removals", "left_batch", OPERATORS)
# a list of applications about one batch: its last part of the address, and the act on what is ticked there
ROOMS = {"applications": LEAVE, "joining": JOIN}


serve_list(router, LIST)


@router.get("/new")
async def new_page(window: Staff) -> Response:
    return window.show("batch_form.html", year=china_today().year)


@router.post("/new")
async def open_batch(window: Staff) -> Response:
    body = {"title": window.form.text("title"), "fund_year": window.form.whole("fund_year")}
    asked = window.ask.post("/batches", body)
    return await window.act(
        asked, "batch_opened", lambda answer: f"{PATH}/{answer['batch_no']}", lambda: new_page(window)
    )


@router.get("/{batch_no}")
async def show_batch(window: Staff, batch_no: str) -> Response:
    batch = await window.ask.get(f"/batches/{batch_no}")
    return show_live(window, "batch.html", {**batch, "run": None}, batch=batch)


@router.get("/{batch_no}/{room}")
async def list_lines(window: Staff, batch_no: str, room: str) -> Response:
    page, act = _page(batch_no, room)
    batch = await window.ask.get(f"/batches/{batch_no}")
    may = batch["stage"] == "open" and window.signed.role in act.roles
    return await show_list(window, page, acts=(act,) if may else (), batch=batch)


@router.get("/{batch_no}/{room}/sums")
async def sum_lines(window: Staff, batch_no: str, room: str) -> Response:
    return await show_sums(window, _page(batch_no, room)[0])


@router.get("/{batch_no}/{room}/export")
async def export_lines(window: Staff, batch_no: str, room: str) -> Response:
    return export(window, _page(batch_no, room)[0])


@router.post("/{batch_no}/{room}/acts")
async def preview_lines(window: Staff, batch_no: str, room: str) -> Response:
    page, act = _page(batch_no, room)
    return await preview(window, page, act_named(window, (act,), act.name), api=f"/batches/{batch_no}/{act.api}")


@router.post("/{batch_no}/{room}/acts/{name}")
async def do_lines(window: Staff, batch_no: str, room: str, name: str) -> Response:
    page, act = _page(batch_no, room)
    api, place = f"/batches/{batch_no}/{act.api}", f"{PATH}/{batch_no}"
    return await carry_out(window, page, act_named(window, (act,), name), api=api, place=place)


def _page(batch_no: str, room: str) -> tuple[ListPage, ActOnSeveral]:
    """The applications in the batch, or those that may come in; nothing else lies under a batch."""
    if room not in ROOMS:
        raise Refused(404, NOT_FOUND)
    inside = room == "applications"
    path = f"{PATH}/{batch_no}/{room}"
    page = replace(
        applications.LIST,
        chinese="批次内的申请" if inside else "加入批次",
        english="Cases in the batch" if inside else "Add to the batch",
        path=path,
        figures=f"{path}/sums",
        template="batch_lines.html",
        always={"batch_no": batch_no} if inside else {},
        opens_with={} if inside else {"stage": "pending_settlement"},
        filters=[each for each in applications.LIST.filters if each.name != "batch_no" and each.kind != "hidden"],
        sought=(),
        tabs=(),
        help=("", ""),
    )
    return page, replace(ROOMS[room], batch_no=batch_no)

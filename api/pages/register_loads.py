"""初始导入: hand in the accounts that exist already, watch check and bank, see what would change, confirm."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.formats import when
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.live import show_live
from api.pages.one import sent_file
from api.pages.row_faults import groups
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.card_stages import LoadOutcome, LoadStage
from models.words.staff import Role

PATH = "/console/register-loads"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = ListPage(
    chinese="初始导入",
    english="First load",
    path=PATH,
    api="/register-loads",
    key="load_no",
    template="register_loads.html",
    help=(
        "把平台上已有的一卡通账号登记进来：操作员上传，逐行校对，逐个向银行核验，由另一人复核后登记。以后平台上有变动的，"
        "可以再次导入，先看差异再复核；账号变更办理中的和登记更新的，不会被覆盖。",
        "Accounts that exist at the platform already: uploaded, checked row by row, asked at the bank one by one, and"
        " taken once another person has confirmed. Later again for what changed: the differences are shown first, and"
        " what is being changed or is newer here is never covered.",
    ),
    columns=(
        Column("编号", "Number", "load_no", link=f"{PATH}/{{load_no}}"),
        Column("数据日期", "Data of", "as_of", kind="day"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("总行数", "Rows", "rows_total", kind="number"),
        Column("新登记", "New", "new", kind="number"),
        Column("有变动", "Changed", "changed", kind="number"),
        Column("与登记相同", "Same", "same", kind="number"),
        Column("银行未通过", "Refused by the bank", "refused", kind="number"),
        Column("不登记", "Left out", "left_out", kind="number"),
        Column("导入人", "By", "entered_by", kind="person"),
        Column("提交时间", "Handed in at", "created_at", kind="when"),
        Column("复核人", "Confirmed by", "confirmed_by", kind="person"),
    ),
    filters=(
        Filter("stage", "状态", "Stage", labelled(LoadStage)),
        Filter("to_do", "须改正", "To be corrected", (("true", "是", "Yes"),)),
    ),
)


serve_list(router, LIST, enters=Role.OPERATOR)


@router.get("/new")
async def file_page(window: Staff) -> Response:
    """① The file and its day; which refused one it corrects, where some wait for it."""
    waiting = (await window.ask.get("/register-loads", to_do="true", limit="100"))["items"]
    refused = [(each["load_no"], f"{each['load_no']}（{when(each['created_at'])}）") for each in waiting]
    return window.show("register_load_file.html", refused=refused, today=china_today().isoformat(), path=PATH)


@router.post("/new")
async def hand_in(window: Staff) -> Response:
    place = f"{PATH}/{{load_no}}"
    return await window.act(
        _handed_in(window), "load_handed_in", lambda found: place.format_map(found), lambda: file_page(window)
    )


async def _handed_in(window: Window) -> Any:
    sent = sent_file(window, "file", "请选择要导入的 xlsx 或 csv 文件")
    fields = {name: window.form.text(name) for name in ("as_of", "corrects") if window.form.text(name)}
    return await window.ask.upload("POST", "/register-loads", fields, sent)


@router.get("/template")
async def template(window: Staff) -> Response:
    return window.ask.file("/register-load-template")


@router.get("/{load_no}")
async def show_load(window: Staff, load_no: str) -> Response:
    """② Being checked, ③ asked at the bank, ④ what it would change, ⑤ what came of it."""
    one = await window.ask.get(f"/register-loads/{load_no}")
    like = (one["stage"], one["rows_checked"], one["rows_total"], one["rows_asked"])
    told = {name: groups(one[name]) for name in ("faults", "warnings", "to_confirm")}
    return show_live(window, "register_load.html", like, one=one, path=PATH, outcomes=list(LoadOutcome), told=told)


@router.get("/{load_no}/refused-rows")
async def refused_rows(window: Staff, load_no: str) -> Response:
    return window.ask.file(f"/register-loads/{load_no}/refused-rows")


@router.post("/{load_no}/continuation")
async def go_on(window: Staff, load_no: str) -> Response:
    """仍要登记: what had stopped the file is meant."""
    return await _act(window, load_no, "continuation", "load_confirmed", "reason")


@router.post("/{load_no}/withdrawal")
async def drop(window: Staff, load_no: str) -> Response:
    return await _act(window, load_no, "withdrawal", "load_dropped", "reason")


@router.post("/{load_no}/acknowledgement")
async def acknowledge(window: Staff, load_no: str) -> Response:
    """知道了: not corrected, and no to-do any more."""
    return await _act(window, load_no, "acknowledgement", "import_noted")


@router.post("/{load_no}/decision")
async def decide(window: Staff, load_no: str) -> Response:
    way = "refusal" if window.form.text("passed") == "false" else "confirmation"
    return await _act(window, load_no, way, "load_decided", "remark")


async def _act(window: Window, load_no: str, act: str, done: str, field: str = "") -> Response:
    body = {field: window.form.maybe(field)} if field else None
    asked = window.ask.post(f"/register-loads/{load_no}/{act}", body)
    return await window.act(asked, done, f"{PATH}/{load_no}", lambda: show_load(window, load_no))

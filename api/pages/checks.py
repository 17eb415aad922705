"""账号核验: rounds in which the banks were asked whether the accounts still hold, and a round begun by hand."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list
from api.pages.window import Staff
from models.words.card_stages import RoundStage
from models.words.staff import Role

router = APIRouter(prefix="/console/checks", include_in_schema=False)
PATH = "/console/checks"
LIST = ListPage(
    chinese="账号核验",
    english="Account checks",
    path=PATH,
    api="/account-checks",
    key="round_no",
    template="checks.html",
    help=(
        "每晚自动向银行核验全部账号；也可以在这里发起一次。查出的无效账号当即变为无效卡或清空，并通知本人。",
        "The banks are asked every night; a round may also be begun here. What is not valid any more changes at once.",
    ),
    columns=(
        Column("核验编号", "Round", "round_no", link=f"{PATH}/{{round_no}}"),
        Column("范围", "Of", "scope", kind="label"),
        Column("方式", "How", "trigger_label", kind="label"),
        Column("状态", "State", "stage_label", kind="tag", tone="stage"),
        Column("已核验账号", "Checked", "checked", kind="number"),
        Column("结果", "Result", "outcome", kind="label"),
        Column("发起人", "Begun by", "asked_by", kind="person"),
        Column("开始时间", "Begun", "created_at", kind="when"),
        Column("完成时间", "Ended", "ended_at", kind="when"),
    ),
    filters=(Filter("stage", "状态", "State", labelled(RoundStage)),),
)


@router.get("")
async def list_rounds(window: Staff) -> Response:
    return await show_list(window, LIST, works=window.signed.role in (Role.OPERATOR, Role.REVIEWER))


@router.get("/export")
async def export_rounds(window: Staff) -> Response:
    return export(window, LIST)


@router.post("/rounds")
async def begin_round(window: Staff) -> Response:
    """发起: every account of the county."""
    asked = window.ask.post("/account-checks", {"county": window.signed.county_code})
    place = f"{PATH}/{{round_no}}"
    return await window.act(asked, "check_asked", lambda found: place.format_map(found), lambda: list_rounds(window))


@router.get("/{round_no}")
async def show_round(window: Staff, round_no: str) -> Response:
    return window.show("check_round.html", round=await window.ask.get(f"/account-checks/{round_no}"), path=PATH)

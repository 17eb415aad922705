"""公示异议: an operator enters what was objected to a publicised application, another person decides it (S1 2.6)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.columns import APPLICATION, ITEM, NAME, TOWN
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.one import stored_if_any
from api.pages.window import Staff, Window
from models.words.refusals import Refusal
from models.words.staff import Role
from models.words.stages import ObjectionState

PATH = "/console/objections"
router = APIRouter(prefix=PATH, include_in_schema=False)
_NOT_YOURS = {"code": Refusal.ROLE_NOT_ALLOWED, "title": "没有办理权限", "detail": "公示异议由县操作员录入"}
LIST = ListPage(
    chinese="公示异议",
    english="Objections",
    path=PATH,
    api="/objections",
    key="objection_no",
    template="objections.html",
    opens_with={"state": ObjectionState.OPEN.value},
    help=(
        "公示以后、补贴流程启动以前收到的异议，由操作员录入，另一人裁定。未裁定的，申请在流程中暂缓；不成立的随后续轮次"
        "自动提交，成立的申请撤回。流程启动以后，用撤回指令办理。",
        "What is objected after the publicity and before the flow's start: entered by an operator, decided by another"
        " person. An open one holds its line in the flow; dismissed, the line goes out by itself; upheld, it is"
        " withdrawn. Once the flow has started, a withdrawal order serves.",
    ),
    columns=(
        Column("异议编号", "Number", "objection_no", link=f"{PATH}/{{objection_no}}"),
        Column("结论", "Decision", "state_label", kind="tag", tone="state"),
        APPLICATION,
        NAME,
        TOWN,
        ITEM,
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("批次", "Batch", "batch_no"),
        Column("申请状态", "Application's stage", "stage_label", kind="tag", tone="stage"),
        Column("录入人", "Entered by", "entered_by", kind="person"),
        Column("录入时间", "Entered", "entered_at", kind="when"),
    ),
    filters=(
        Filter("state", "结论", "Decision", labelled(ObjectionState)),
        Filter("batch_no", "批次", "Batch", kind="text"),
        Filter("application_no", "申请编号", "Application", kind="text"),
    ),
)


serve_list(router, LIST, enters=Role.OPERATOR)


@router.get("/new")
async def new_objection(window: Staff) -> Response:
    if window.signed.role is not Role.OPERATOR:
        raise Refused(403, _NOT_YOURS)
    return window.show("objection_form.html", path=PATH, application_no=window.query("application_no"))


@router.post("/new")
async def enter(window: Staff) -> Response:
    place = f"{PATH}/{{objection_no}}"
    asked = _entered(window)
    return await window.act(
        asked, "objection_entered", lambda found: place.format_map(found), lambda: new_objection(window)
    )


async def _entered(window: Window) -> Any:
    """The attachment first, then the objection that names it; each of them once."""
    files = await stored_if_any(window, "file_id")
    body: dict[str, object] = {name: window.form.text(name) for name in ("application_no", "reason")}
    # one that was stored with a form which was refused for something else
    kept = files[0] if files else window.form.whole("kept_file_id")
    return await window.ask.post("/objections", {**body, "file_id": kept}, part="objection")


@router.get("/{objection_no}")
async def show_objection(window: Staff, objection_no: str) -> Response:
    objection = await window.ask.get(f"/objections/{objection_no}")
    decides = window.signed.role is Role.REVIEWER and objection["state"] == ObjectionState.OPEN.value
    opens = window.signed.role in (Role.OPERATOR, Role.REVIEWER)
    return window.show("objection.html", objection=objection, decides=decides, opens=opens, path=PATH)


@router.post("/{objection_no}/decision")
async def decide(window: Staff, objection_no: str) -> Response:
    """Neither answer is chosen beforehand."""
    said = {"true": True, "false": False}.get(window.form.text("upheld"))
    asked = window.ask.post(
        f"/objections/{objection_no}/decision", {"upheld": said, "opinion": window.form.text("opinion")}
    )
    return await window.act(
        asked, "objection_decided", f"{PATH}/{objection_no}", lambda: show_objection(window, objection_no)
    )

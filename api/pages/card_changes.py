"""账号变更审核: the county's parts of citizens' card changes, before and after, decided on one page (S2 1.3)."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.columns import NAME
from api.pages.lists import Column, Filter, ListPage, Sought, export, labelled, show_list
from api.pages.whole import whole_of
from api.pages.window import Staff, Window
from models.words.card_stages import PartStage
from models.words.staff import Role

router = APIRouter(prefix="/console/card-changes", include_in_schema=False)
PATH = "/console/card-changes"
LIST = ListPage(
    chinese="账号变更审核",
    english="Account changes",
    path=PATH,
    api="/card-changes",
    search="/card-changes/search",
    key="part_no",
    template="card_changes.html",
    help=(
        "本人在手机或电脑上申请变更一卡通账号，银行验证通过后到这里。核对变更前后，通过或不通过；不通过的意见本人看得到。",
        "People ask for another account; once the bank agrees it comes here. Compare before and after, then decide.",
    ),
    columns=(
        Column("序号", "No.", "serial", kind="opens", link=f"{PATH}/{{part_no}}"),
        Column("业务类型", "Business", "business", kind="label"),
        Column("数据状态", "State", "stage_label", kind="tag", tone="stage"),
        Column("申请人", "Applicant", "applicant"),
        Column("申请时间", "Asked at", "applied_at", kind="when"),
        NAME,
        Column("身份证号码", "Id number", "id_number"),
        Column("银行名称", "Bank", "bank"),
        Column("银行账号", "Account", "account_no", kind="account"),
    ),
    filters=(
        Filter("bank_code", "开户银行", "Bank", catalog="banks"),
        Filter("finished", "显示完结", "Show finished", (("true", "是", "Yes"), ("false", "否", "No"))),
        Filter("stage", "数据状态", "State", labelled(PartStage)),
    ),
    sought=(
        Sought("name", "姓名", "Name"),
        Sought("id_number", "身份证号", "Id number"),
        Sought("account_no", "银行账号", "Account"),
        Sought("applicant_name", "申请人姓名", "Applicant's name"),
    ),
)
_BAD = {"failed", "refused", "basic_validation_failed", "bank_validation_failed"}


@router.get("")
async def list_parts(window: Staff) -> Response:
    return await _desk(window)


@router.post("")
async def seek_parts(window: Staff) -> Response:
    """What names nobody goes into the address."""
    if any(window.form.text(each.name) for each in LIST.sought):
        return await _desk(window)
    return window.go(_place(window, ""))


@router.get("/export")
async def export_parts(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/{part_no}")
async def show_part(window: Staff, part_no: str) -> Response:
    """In clear for a reviewer who may decide, masked for everybody else."""
    part = await window.ask.get(f"/card-changes/{part_no}")
    decides = part["why_no_decision"] is None or part["why_no_retry"] is None
    whole = await whole_of(window, f"/card-changes/{part_no}", "review") if decides else None
    return await _desk(window, whole or part, is_whole=decides)


@router.post("/{part_no}/whole")
async def show_whole(window: Staff, part_no: str) -> Response:
    return await _desk(window, await whole_of(window, f"/card-changes/{part_no}"), is_whole=True)


@router.post("/{part_no}/decision")
async def decide(window: Staff, part_no: str) -> Response:
    """Saved, then the next one that waits."""
    body = {"passed": window.form.maybe("passed"), "remark": window.form.maybe("remark")}
    place = _place(window, await _next(window, part_no))
    asked = window.ask.post(f"/card-changes/{part_no}/decision", body)
    return await window.act(asked, "card_decided", place, lambda: show_part(window, part_no))


@router.post("/{part_no}/retry")
async def retry(window: Staff, part_no: str) -> Response:
    asked = window.ask.post(f"/card-changes/{part_no}/retry")
    return await window.act(asked, "card_retried", _place(window, part_no), lambda: show_part(window, part_no))


async def _desk(window: Window, part: dict[str, Any] | None = None, *, is_whole: bool = False) -> Response:
    kept = _kept(window)
    link = f"{PATH}/{{part_no}}" + (f"?{urlencode(kept)}" if kept else "")
    linked = [replace(each, link=link) if each.link else each for each in LIST.columns]
    page = replace(LIST, columns=linked)
    works = window.signed.role is Role.REVIEWER
    steps = _steps(part["steps"]) if part else []
    return await show_list(window, page, part=part, is_whole=is_whole, steps=steps, kept=kept, works=works)


def _steps(steps: list[dict[str, str]]) -> list[dict[str, str]]:
    return [
        {"mark": "bad" if step["step"] in _BAD else "done", "title": step["words"], "at": step["at"]} for step in steps
    ]


def _kept(window: Window) -> dict[str, str]:
    """The conditions of the list, which go along with every step on the page."""
    posted = window.request.method == "POST"
    given = {each.name: window.form.text(each.name) if posted else window.query(each.name) for each in LIST.filters}
    return {name: value for name, value in given.items() if value}


def _place(window: Window, part_no: str) -> str:
    kept = _kept(window)
    place = f"{PATH}/{part_no}" if part_no else PATH
    return f"{place}?{urlencode(kept)}" if kept else place


async def _next(window: Window, part_no: str) -> str:
    """The next one that waits after this one, else the first; "" when none does."""
    kept = {name: value for name, value in _kept(window).items() if name == "bank_code"}
    answer = await window.ask.get("/card-changes", stage=PartStage.IN_REVIEW.value, limit=200, **kept)
    waiting = [each["part_no"] for each in answer["items"] if each["part_no"] != part_no]
    return next((each for each in waiting if each > part_no), waiting[0] if waiting else "")

"""补贴政策管理: the county's policy unit, its policies with the platform's review, and their upload (S1 1.1)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list
from api.pages.live import show_live
from api.pages.one import choices_of, stored_files, there_or_none
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.stages import ReviewStage

PATH = "/console/policies"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = ListPage(
    chinese="补贴政策管理",
    english="Subsidy policies",
    path=PATH,
    api="/policies",
    key="policy_no",
    template="policies.html",
    help=(
        "先设置本县政策单位，再上传当前资金年度的补贴政策文件，等待一卡通发放系统审核。审核不通过的重新上传；通过后无需其他操作。",
        "Set the county's policy unit, then upload this year's policy files and wait for the platform's review."
        " A refused one is uploaded again; of an approved one nothing more is to be done.",
    ),
    columns=(
        Column("编号", "Number", "policy_no", link=f"{PATH}/{{policy_no}}"),
        Column("标题", "Title", "title"),
        Column("资金年度", "Year", "fund_year"),
        Column("补贴项目", "Items", "items", kind="long"),
        Column("轮次", "Round", "round", kind="number"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("原因", "Reason", "opinion", kind="long"),
        Column("上传时间", "Uploaded at", "created_at", kind="when"),
    ),
    filters=(
        Filter("fund_year", "资金年度", "Year", kind="text"),
        Filter("stage", "状态", "Stage", labelled(ReviewStage)),
    ),
)


@router.get("")
async def list_policies(window: Staff) -> Response:
    return await show_list(window, LIST, unit=await there_or_none(window, "/policy-unit"))


@router.get("/export")
async def export_policies(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/unit")
async def unit_page(window: Staff) -> Response:
    unit = await there_or_none(window, "/policy-unit")
    return window.show("policy_unit.html", unit=unit, units=await choices_of(window, "policy-units"))


@router.post("/unit")
async def set_unit(window: Staff) -> Response:
    asked = window.ask.put("/policy-unit", {"code": window.form.text("code")})
    return await window.act(asked, "saved", PATH, lambda: unit_page(window))


@router.get("/new")
async def upload_page(window: Staff) -> Response:
    items = await choices_of(window, "subsidy-items")
    return window.show("policy_form.html", policy=None, items=items, year=china_today().year)


@router.post("/new")
async def upload(window: Staff) -> Response:
    def place(answer: Any) -> str:
        return f"{PATH}/{answer['policy_no']}"

    return await window.act(_upload(window, "/policies"), "policy_uploaded", place, lambda: upload_page(window))


@router.get("/{policy_no}")
async def show_policy(window: Staff, policy_no: str) -> Response:
    policy = await window.ask.get(f"/policies/{policy_no}")
    items = dict(await choices_of(window, "subsidy-items"))
    like = (policy["stage"], policy["round"], policy["opinion"], policy["run"] and policy["run"]["waiting_for"])
    return show_live(window, "policy.html", like, policy=policy, items=items, year=china_today().year)


@router.get("/{policy_no}/file")
async def policy_file(window: Staff, policy_no: str) -> Response:
    policy = await window.ask.get(f"/policies/{policy_no}")
    return window.ask.file(f"/files/{policy['file_id']}")


@router.get("/{policy_no}/upload")
async def again_page(window: Staff, policy_no: str) -> Response:
    policy = await window.ask.get(f"/policies/{policy_no}")
    items = await choices_of(window, "subsidy-items")
    return window.show("policy_form.html", policy=policy, items=items, year=policy["fund_year"])


@router.post("/{policy_no}/upload")
async def upload_again(window: Staff, policy_no: str) -> Response:
    asked = _upload(window, f"/policies/{policy_no}/uploads")
    place, again = f"{PATH}/{policy_no}", lambda: again_page(window, policy_no)
    return await window.act(asked, "policy_uploaded", place, again)


async def _upload(window: Window, path: str) -> Any:
    """The file first; of a new policy the year too."""
    form = window.form
    body: dict[str, Any] = {"title": form.text("title"), "item_codes": form.all("item_codes")}
    if path == "/policies" and form.text("fund_year"):
        body["fund_year"] = form.whole("fund_year")
    [file_id] = (await stored_files(window, "file_id", "请选择补贴政策文件（PDF、PNG 或 JPEG）"))[:1]
    return await window.ask.post(path, {**body, "file_id": file_id})

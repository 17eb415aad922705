"""发放汇总审核: the county's flows and their summaries, one whole, its form, its submission (S1 second 2.7)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.flow_stage import stage_now
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.live import show_live
from api.pages.window import Staff, Window
from models.words.staff import Role
from models.words.stages import CountyReview, PlatformReview, Submission

router = APIRouter(prefix="/console/summaries", include_in_schema=False)
DECIDING = (Role.COUNTY_ADMIN, Role.OPERATOR, Role.REVIEWER)
LIST = ListPage(
    chinese="发放汇总审核",
    english="Payment summaries",
    path="/console/summaries",
    api="/summaries",
    key="flow_no",
    # the seed's ten columns in its order, after the number that leads to one
    columns=(
        Column("流程", "Flow", "flow_no", link="/console/summaries/{flow_no}"),
        Column("年份", "Year", "fund_year"),
        Column("申请结算批次", "Batch", "batch_no"),
        Column("发放流程状态", "Flow status", "status_label", kind="tag", tone="status"),
        Column("流程汇总金额（元）", "Total (yuan)", "total_fen", kind="money"),
        Column("流程总户数", "Households", "household_count", kind="number"),
        Column("乡镇汇总", "By town", "towns_words", kind="long"),
        Column("银行汇总", "By bank", "banks_words", kind="long"),
        Column("审核状态", "Review", "review_label", kind="tag", tone="review"),
        Column("审核意见", "Opinion", "opinion", kind="long"),
        Column("提交状态", "Submission", "submission_label", kind="label"),
        Column("平台审核", "Platform's review", "platform_review_label", kind="tag", tone="platform_review"),
    ),
    filters=(
        Filter("fund_year", "年份", "Year"),
        Filter("batch_no", "申请结算批次", "Batch"),
        Filter("status", "发放流程状态", "Flow status", (("active", "启动", "Active"), ("ended", "结束", "Ended"))),
        Filter("review", "审核状态", "Review", labelled(CountyReview)),
        Filter("submission", "提交状态", "Submission", labelled(Submission)),
        Filter("platform_review", "平台审核", "Platform's review", labelled(PlatformReview)),
    ),
    opens_with={"status": "active"},
    help=(
        "全部申请有了结果以后生成汇总：下载汇总审批表签字盖章，审核人上传并审核，操作员提交平台，平台审核通过后由第二位审核人确认发放。",
        "Once every line has its result a summary is made: its form is printed, signed and sealed; a reviewer hands it"
        " in and decides, an operator submits it, and after the platform's approval a second reviewer pays it out.",
    ),
)


serve_list(router, LIST)


@router.get("/{flow_no}")
async def show_summary(window: Staff, flow_no: str) -> Response:
    """Live: what it waits for, what has been answered, which acts are whose turn."""
    shown = await summary_of(window, flow_no)
    return show_live(window, "summary.html", [shown["summary"], shown["acts"], shown["flow"]["run"]], **shown)


@router.get("/{flow_no}/file")
async def summary_form(window: Staff, flow_no: str) -> Response:
    return window.ask.file(f"/flows/{flow_no}/summary/form")


@router.get("/{flow_no}/submission")
async def submission_page(window: Staff, flow_no: str) -> Response:
    return window.show("summary_submission.html", **await summary_of(window, flow_no))


@router.post("/{flow_no}/submission")
async def submit_summary(window: Staff, flow_no: str) -> Response:
    """提交, by an operator."""
    asked = window.ask.post(f"/flows/{flow_no}/summary/submission")
    place = f"/console/summaries/{flow_no}"
    return await window.act(asked, "summary_submitted", place, lambda: submission_page(window, flow_no))


async def summary_of(window: Window, flow_no: str) -> dict[str, Any]:
    """The summary, its flow's run, and what this person may do."""
    summary = await window.ask.get(f"/flows/{flow_no}/summary")
    flow = await window.ask.get(f"/flows/{flow_no}")
    acts = []
    if window.signed.role in DECIDING:
        acts = (await window.ask.get(f"/flows/{flow_no}/summary/acts"))["items"]
    said = stage_now(summary["flow_stage_label"], summary["flow_stage"], summary["platform_review"])
    return {"summary": summary, "flow": flow, "acts": {each["act"]: each for each in acts}, "now": said}

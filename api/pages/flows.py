"""启动补贴流程: the county's flows, and one flow with its way and its figures (S1 2.7)."""

import asyncio
import hashlib
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.flow_lines import acts_of
from api.pages.flow_way import way_of
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.window import Staff, Window
from models.words.stages import FlowStage

router = APIRouter(prefix="/console/flows", include_in_schema=False)
LINES_MOVED = 410
STATUS = (("false", "启动", "Active"), ("true", "结束", "Ended"))
LIST = ListPage(
    chinese="启动补贴流程",
    english="Subsidy flows",
    path="/console/flows",
    api="/flows",
    key="flow_no",
    template="flows.html",
    help=(
        "选批次、政策和指标，点“申请提交”启动一个补贴流程；同一区县一次只能有一个。点流程编号看它的经过和要办的事。",
        "Choose batch, policies and indicators to start a flow; a county has one at a time. Open one to see its way.",
    ),
    columns=(
        Column("流程", "Flow", "flow_no", link="/console/flows/{flow_no}"),
        Column("年份", "Year", "fund_year"),
        Column("批次", "Batch", "batch_no"),
        Column("发放流程状态", "Status", "status_label", kind="label"),
        Column("阶段", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("笔数", "Lines", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "line_fen", kind="money"),
        Column("已付（元）", "Paid (yuan)", "paid_fen", kind="money"),
        Column("在等", "Waiting for", "run.waiting_for", kind="label"),
        Column("启动人", "Started by", "started_by", kind="person"),
        Column("启动时间", "Started", "created_at", kind="when"),
    ),
    filters=(
        Filter("ended", "发放流程状态", "Status", STATUS),
        Filter("stage", "阶段", "Stage", labelled(FlowStage)),
        Filter("fund_year", "年份", "Year"),
        Filter("batch_no", "批次", "Batch"),
    ),
)


serve_list(router, LIST)


@router.get("/{flow_no}")
async def show_flow(window: Staff, flow_no: str) -> Response:
    flow = await window.ask.get(f"/flows/{flow_no}")
    return window.show("flow.html", **await _whole(window, flow))


@router.get("/{flow_no}/now")
async def flow_now(window: Staff, flow_no: str) -> Response:
    """The live part of the page; nothing while the flow is as it was."""
    flow = await window.ask.get(f"/flows/{flow_no}")
    if window.query("seen") == seen(flow):
        return window.nothing_new()
    return window.show_part("flow_now.html", **await _whole(window, flow))


def seen(flow: Any) -> str:
    """A mark of all that the page shows of a flow."""
    return hashlib.sha256(orjson.dumps(flow, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


async def _sums(window: Window, path: str) -> Any:
    """By town and bank; of a year whose lines have been moved out, where they are: the flow's own sums are its own."""
    try:
        return {**await window.ask.get(f"{path}/lines/figures"), "moved": ""}
    except Refused as refused:
        if refused.status != LINES_MOVED:
            raise
        return {"moved": refused.document["detail"], "towns": [], "banks": [], "reasons": []}


async def _whole(window: Window, flow: Any) -> dict[str, Any]:
    path = f"/flows/{flow['flow_no']}"
    history, sums = await asyncio.gather(window.ask.get(f"{path}/history"), _sums(window, path))
    return {
        "flow": flow,
        "history": history,
        "way": way_of(history),
        "sums": sums,
        "acts": await acts_of(window, flow["flow_no"]),
        "seen": seen(flow),
    }

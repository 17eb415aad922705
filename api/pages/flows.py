"""启动补贴流程: the county's flows, and one flow with what it waits for (S1 2.7)."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list
from api.pages.window import Staff
from models.words.stages import FlowStage

router = APIRouter(prefix="/console/flows", include_in_schema=False)
LIST = ListPage(
    chinese="启动补贴流程",
    english="Subsidy flows",
    path="/console/flows",
    api="/flows",
    key="flow_no",
    columns=(
        Column("流程", "Flow", "flow_no", link="/console/flows/{flow_no}"),
        Column("年份", "Year", "fund_year"),
        Column("批次", "Batch", "batch_no"),
        Column("阶段", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("笔数", "Lines", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "line_fen", kind="money"),
        Column("已付（元）", "Paid (yuan)", "paid_fen", kind="money"),
        Column("在等", "Waiting for", "run.waiting_for", kind="label"),
        Column("启动人", "Started by", "started_by"),
    ),
    filters=(Filter("stage", "阶段", "Stage", labelled(FlowStage)), Filter("fund_year", "年份", "Year")),
)


@router.get("")
async def list_flows(window: Staff) -> Response:
    return await show_list(window, LIST)


@router.get("/export")
async def export_flows(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/{flow_no}")
async def show_flow(window: Staff, flow_no: str) -> Response:
    flow = await window.ask.get(f"/flows/{flow_no}")
    return window.show("flow.html", flow=flow)

"""补贴流程: its start, the county's flows, and one flow with all that it waits for (S1 2.7)."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.double_views import DoublesBlock, doubles_block
from api.counter.desk import Desk, Reply
from api.counter.export import listed_together
from api.counter.long_poll import LongPoll, stage_of
from api.counter.paging import Pages
from api.counter.roles import Operators, Readers
from api.counter.run_block import RunBlock, run_of, runs_of
from api.flows.flow_views import (
    CountAndFen,
    FlowDetails,
    FlowHead,
    FlowSums,
    count_and_fen,
    flow_details,
    flow_head,
    line_sums,
)
from api.server.answers import Listed, refusals
from api.server.problems import conflict, not_found
from models.contracts import RunKind
from models.store.applications.doubles import lines_of_flow
from models.store.clock import today_in_china
from models.store.flows.figures import FlowFigures
from models.store.flows.rounds import Moved, note_held
from models.store.flows.start import Started, StartRefused, StartRequest, enter_flow
from models.store.pre_flight.choice import MOST
from models.tables.flows import Flow
from models.words.refusals import Refusal
from models.words.stages import FlowStage, LineState

router = APIRouter(tags=["补贴流程"])

Number = Annotated[str, Field(min_length=1, max_length=80)]

HEADERS: Mapping[str, str] = {
    "flow_no": "流程编号",
    "fund_year": "年份",
    "batch_no": "申请结算批次",
    "status_label": "发放流程状态",
    "stage_label": "阶段",
    "outcome_label": "结果",
    "line_count": "笔数",
    "line_fen": "金额（元）",
    "paid_count": "发放成功笔数",
    "paid_fen": "发放成功金额（元）",
    "started_by": "启动人",
    "created_at": "启动时间",
    "ended_at": "结束时间",
}


class FlowStart(BaseModel):
    """启动: the batch, the policy versions, and the indicators in the order in which they are drawn on."""

    model_config = ConfigDict(extra="forbid")

    batch_no: Number
    policy_nos: list[Number] = Field(min_length=1, max_length=MOST)
    indicator_nos: list[Number] = Field(min_length=1, max_length=MOST)


class StartedFigures(TypedDict):
    """笔数和金额：全部的、按提交状态的、按发放结果的。"""

    lines: CountAndFen
    states: dict[str, CountAndFen]
    payments: dict[str, CountAndFen]


class FlowStarted(FlowHead):
    """启动的流程；doubles 是可能重复的申请，供核对。"""

    figures: StartedFigures
    run: RunBlock | None
    doubles: DoublesBlock


class FlowListed(FlowHead, FlowSums):
    run: RunBlock | None


class FlowView(FlowHead, FlowDetails):
    """一个流程：合计、各次提交、没有办结的指令、结束时的合计和以后来的。"""

    run: RunBlock | None


class FlowFilter(BaseModel):
    model_config = ConfigDict(extra="ignore")

    stage: FlowStage | None = None
    batch_no: Number | None = None
    fund_year: int | None = Field(None, ge=2000, le=2099)
    ended: bool | None = None


@router.post("/flows", status_code=201, response_model=FlowStarted, responses=refusals(FLOW_NOT_READY=409))
async def start(desk: Operators, wanted: FlowStart) -> Response:
    """申请提交: starts the flow, or says everything that is still missing."""
    return await desk.once(lambda session: _start(desk, session, wanted))


async def _start(desk: Desk, session: AsyncSession, wanted: FlowStart) -> Reply:
    request = StartRequest(desk.county, wanted.batch_no, wanted.policy_nos, wanted.indicator_nos, desk.person)
    days = desk.settings.publicity_days
    try:
        today = await today_in_china(session)
        started = await enter_flow(session, desk.vault, request, publicity_days=days, today=today)
    except StartRefused as refusal:
        errors = [
            {"pointer": f"/{each.field}", "code": each.code.value, "detail": each.message} for each in refusal.missing
        ]
        detail = "请按 errors 逐项补齐后再点“申请提交”，没有作任何改动"
        raise conflict(Refusal.FLOW_NOT_READY, "还不能启动补贴流程", detail, errors) from None
    return await _started(desk, session, wanted, started)


async def _started(desk: Desk, session: AsyncSession, wanted: FlowStart, started: Started) -> Reply:
    flow, lines = started.flow, started.figures.lines
    assert flow.id is not None
    mine, url = lines_of_flow(desk.county, flow.id), f"/batches/{flow.batch_no}/doubles"
    beside = await doubles_block(session, desk.county, mine, url)
    detail_of = {"batch_no": flow.batch_no, "policies": wanted.policy_nos, "indicators": wanted.indicator_nos}
    told = detail_of | {"doubles": beside["count"]}
    await desk.trail(session, "flows.started", flow.flow_no, told, lines.count, lines.fen)
    held = started.figures.states[LineState.HELD]
    if held.count:
        await note_held(session, desk.vault, flow, [Moved(LineState.HELD, held.count, held.fen)])
    answer: FlowStarted = {
        **flow_head(flow),
        "figures": _figures(started.figures),
        "run": await run_of(desk, session, RunKind.SUBSIDY_FLOW, flow.flow_no),
        "doubles": beside,
    }
    return Reply(201, answer, f"/flows/{flow.flow_no}")


def _figures(figures: FlowFigures) -> StartedFigures:
    return {
        "lines": count_and_fen(figures.lines),
        "states": {state.value: count_and_fen(figure) for state, figure in figures.states.items()},
        "payments": {payment.value: count_and_fen(figure) for payment, figure in figures.payments.items()},
    }


@router.get("/flows", summary="补贴流程", response_model=Listed[FlowListed])
async def list_flows(desk: Readers, page: Pages, criteria: Annotated[FlowFilter, Query()]) -> Response:
    """Newest first."""
    statement = select(Flow).where(Flow.county_code == desk.county)
    if criteria.stage is not None:
        statement = statement.where(Flow.stage == criteria.stage)
    if criteria.batch_no is not None:
        statement = statement.where(Flow.batch_no == criteria.batch_no)
    if criteria.fund_year is not None:
        statement = statement.where(Flow.fund_year == criteria.fund_year)
    if criteria.ended is not None:
        statement = statement.where((Flow.stage == FlowStage.ENDED) == criteria.ended)

    async def shown(flows: list[Flow]) -> Iterable[tuple[int, FlowListed]]:
        sums = await line_sums(session, [flow.id or 0 for flow in flows])
        runs = await runs_of(desk, session, RunKind.SUBSIDY_FLOW, [flow.flow_no for flow in flows])
        return [(flow.id or 0, _listed(flow, sums, runs)) for flow in flows]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, HEADERS, (statement, Flow.id), shown)


def _listed(flow: Flow, sums: Mapping[int, FlowSums], runs: Mapping[str, RunBlock]) -> FlowListed:
    return {**flow_head(flow), **sums.get(flow.id or 0, {}), "run": runs.get(flow.flow_no)}


@router.get("/flows/{flow_no}", responses=refusals(NOT_FOUND=404))
async def show_flow(desk: Readers, flow_no: str, long_poll: LongPoll) -> FlowView:
    """Figures per state, rounds, open orders, end figures, and what came after the end beside them."""
    await long_poll.until_other(desk, stage_of("flow", "flow_no"), flow_no)
    async with desk.database.snapshot() as session:
        statement = select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county)
        flow = (await session.exec(statement)).first()
        if flow is None:
            raise not_found("补贴流程")
        run = await run_of(desk, session, RunKind.SUBSIDY_FLOW, flow.flow_no)
        return {**flow_head(flow), **await flow_details(session, desk.shown, flow), "run": run}

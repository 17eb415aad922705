"""A flow as it is shown: head, figures, and all that belongs to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.flows.difference import AfterEnd, DifferenceView, EndView, after_end_of, difference_of, end_of
from api.flows.flow_parts import (
    FlowIndicatorView,
    FlowPolicyView,
    FlowRound,
    OpenOrder,
    indicators_of,
    open_orders_of,
    policies_of,
    rounds_of,
)
from api.flows.summary_views import ThreeAnswers, three_answers
from models.store.flows.figures import Figure, FlowFigures, flow_figures
from models.store.flows.summaries import summaries_of
from models.store.sql import fetch, fetch_int
from models.store.vault import Vault
from models.tables.flows import Flow
from models.words.counties import county_name
from models.words.errors import ADVICE
from models.words.flow_words import StatusWords, status_of
from models.words.stages import FlowOutcome, FlowStage, LineState, PaymentState, SummaryStage


class FlowHead(StatusWords):
    flow_no: Annotated[str, Field(description="流程编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    batch_no: Annotated[str, Field(description="申请结算批次")]
    policy_unit_code: Annotated[str, Field(description="政策单位")]
    stage: FlowStage
    stage_label: str
    outcome: Annotated[FlowOutcome | None, Field(description="结果；没有结束的为空")]
    outcome_label: str | None
    balanced: Annotated[bool | None, Field(description="结束时我方与平台的合计是否相符；没有结束的为空")]
    holder: Annotated[str | None, Field(description="占着平台流程的区县代码，启动时在等它结束")]
    holder_name: str | None
    refusal_code: Annotated[str | None, Field(description="平台拒绝的代码")]
    refusal: Annotated[str | None, Field(description="平台拒绝的原因和办法")]
    started_by: Annotated[str, Field(description="启动人")]
    created_at: datetime
    started_at: Annotated[datetime | None, Field(description="平台受理的时间")]
    ended_at: datetime | None


class CountAndFen(TypedDict):
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


class StateFigure(CountAndFen):
    state: LineState
    label: str


class PaymentFigure(CountAndFen):
    payment: PaymentState
    label: str


class FiguresView(TypedDict):
    """全部申请的笔数和金额，按提交状态；受理的按发放结果。"""

    lines: CountAndFen
    states: list[StateFigure]
    payments: list[PaymentFigure]


class FlowSummary(ThreeAnswers):
    number: Annotated[int, Field(description="第几次汇总")]
    stage: SummaryStage


class FlowDetails(TypedDict):
    figures: FiguresView
    end: EndView | None
    after_end: list[AfterEnd]
    difference: Annotated[DifferenceView | None, Field(description="结束时不平的，差在哪里；平的为空")]
    policies: list[FlowPolicyView]
    indicators: list[FlowIndicatorView]
    rounds: list[FlowRound]
    open_orders: Annotated[list[OpenOrder], Field(description="没有办结的指令")]
    summary: Annotated[FlowSummary | None, Field(description="最近一次发放汇总；还没有的为空")]
    contradictions: Annotated[int, Field(description="没有办结的矛盾来件数")]


def flow_head(flow: Flow) -> FlowHead:
    return {
        "flow_no": flow.flow_no,
        "fund_year": flow.fund_year,
        "batch_no": flow.batch_no,
        "policy_unit_code": flow.policy_unit_code,
        "stage": flow.stage,
        "stage_label": flow.stage.label,
        **status_of(flow.stage),
        "outcome": flow.outcome,
        "outcome_label": flow.outcome.label if flow.outcome else None,
        "balanced": flow.balanced,
        "holder": flow.holder,
        "holder_name": county_name(flow.holder) if flow.holder else None,
        "refusal_code": flow.refusal_code,
        "refusal": _advice(flow.refusal_code),
        "started_by": flow.started_by,
        "created_at": flow.created_at,
        "started_at": flow.started_at,
        "ended_at": flow.ended_at,
    }


def _advice(code: str | None) -> str | None:
    return ADVICE.get(code, code) if code else None


async def flow_details(session: AsyncSession, vault: Vault, flow: Flow) -> FlowDetails:
    assert flow.id is not None
    figures = await flow_figures(session, flow.id)
    return {
        "figures": labelled(figures),
        "end": end_of(flow),
        "after_end": await after_end_of(session, flow.id),
        "difference": await difference_of(session, flow),
        "policies": await policies_of(session, vault, flow.id),
        "indicators": await indicators_of(session, flow.id),
        "rounds": await rounds_of(session, flow.id),
        "open_orders": await open_orders_of(session, flow.id),
        "summary": await _summary(session, flow.id),
        "contradictions": await fetch_int(
            session,
            "SELECT count(*) FROM contradiction WHERE number = :number AND state <> 'settled'",
            number=flow.flow_no,
        ),
    }


def labelled(figures: FlowFigures) -> FiguresView:
    """Counts and fen per state and payment, in the order of a line's life, with Chinese words."""
    return {
        "lines": count_and_fen(figures.lines),
        "states": [
            {"state": state, "label": state.label, **count_and_fen(figures.states[state])} for state in LineState
        ],
        "payments": [
            {"payment": payment, "label": payment.label, **count_and_fen(figures.payments[payment])}
            for payment in PaymentState
        ],
    }


def count_and_fen(figure: Figure) -> CountAndFen:
    return {"count": figure.count, "fen": figure.fen}


async def _summary(session: AsyncSession, flow_id: int) -> FlowSummary | None:
    newest, *_ = await summaries_of(session, flow_id)
    if newest.number is None or newest.stage is None:
        return None
    return {"number": newest.number, "stage": SummaryStage(newest.stage), **three_answers(newest)}


class FlowSums(TypedDict, total=False):
    line_count: Annotated[int, Field(description="笔数")]
    line_fen: Annotated[int, Field(description="金额（分）")]
    paid_count: Annotated[int, Field(description="发放成功笔数")]
    paid_fen: Annotated[int, Field(description="发放成功金额（分）")]


class _Sums(NamedTuple):
    flow_id: int
    line_count: int
    line_fen: int
    paid_count: int
    paid_fen: int


async def line_sums(session: AsyncSession, flow_ids: Sequence[int]) -> Mapping[int, FlowSums]:
    rows = await fetch(
        session,
        _Sums,
        "SELECT flow_id, sum(lines)::bigint AS line_count, sum(fen)::bigint AS line_fen,"
        " coalesce(sum(lines) FILTER (WHERE payment = 'paid'), 0)::bigint AS paid_count,"
        " coalesce(sum(fen) FILTER (WHERE payment = 'paid'), 0)::bigint AS paid_fen"
        " FROM flow_tally WHERE flow_id = ANY(:ids) GROUP BY 1",
        ids=list(flow_ids),
    )
    return {
        row.flow_id: {
            "line_count": row.line_count,
            "line_fen": row.line_fen,
            "paid_count": row.paid_count,
            "paid_fen": row.paid_fen,
        }
        for row in rows
    }

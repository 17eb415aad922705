"""What belongs to a flow, as it is shown: its policies, the money of its indicators, its open orders, its rounds."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.sql import fetch
from models.store.texts import open_text
from models.store.vault import Vault
from models.wire.words import RoundMode
from models.words.flow_words import MODES, REJECTIONS
from models.words.labelled import label_of
from models.words.stages import DatasetStage, LineState, OrderKind, OrderState


class FlowPolicyView(TypedDict):
    policy_no: str
    title: Annotated[str, Field(description="政策名称")]
    policy_unit_name: str


class FlowIndicatorView(TypedDict):
    """本流程在一个指标上的金额。"""

    indicator_no: str
    document_no: Annotated[str, Field(description="指标文号")]
    reserved_fen: Annotated[int, Field(description="占用（分）")]
    paid_fen: Annotated[int, Field(description="支付（分）")]
    released_fen: Annotated[int, Field(description="释放（分）")]


class OpenOrder(TypedDict):
    order_no: str
    kind: OrderKind
    kind_label: str
    state: OrderState
    state_label: str
    line_count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    entered_by: Annotated[str, Field(description="录入人")]
    entered_at: datetime


class _Policy(NamedTuple):
    policy_no: str
    policy_unit_name: str
    county_code: str
    title_sealed: str


async def policies_of(session: AsyncSession, vault: Vault, flow_id: int) -> list[FlowPolicyView]:
    rows = await fetch(
        session,
        _Policy,
        "SELECT p.policy_no, p.policy_unit_name, p.county_code, p.title_sealed FROM flow_policy f"
        " JOIN policy p ON p.id = f.policy_id WHERE f.flow_id = :flow ORDER BY p.id",
        flow=flow_id,
    )
    return [
        {
            "policy_no": row.policy_no,
            "title": open_text(vault, row.county_code, row.title_sealed),
            "policy_unit_name": row.policy_unit_name,
        }
        for row in rows
    ]


class _Indicator(NamedTuple):
    indicator_no: str
    document_no: str
    reserved_fen: int
    paid_fen: int
    released_fen: int


async def indicators_of(session: AsyncSession, flow_id: int) -> list[FlowIndicatorView]:
    """What this flow's lines hold of each indicator now."""
    rows = await fetch(
        session,
        _Indicator,
        "SELECT i.indicator_no, i.document_no,"
        " coalesce(sum(t.fen) FILTER (WHERE t.money = 'reserved'), 0)::bigint AS reserved_fen,"
        " coalesce(sum(t.fen) FILTER (WHERE t.money = 'paid'), 0)::bigint AS paid_fen,"
        " coalesce(sum(t.fen) FILTER (WHERE t.money = 'released'), 0)::bigint AS released_fen "
        "FROM flow_indicator f JOIN indicator i ON i.id = f.indicator_id "
        "LEFT JOIN flow_tally t ON t.flow_id = f.flow_id AND t.indicator_id = i.id "
        "WHERE f.flow_id = :flow GROUP BY f.position, i.indicator_no, i.document_no ORDER BY f.position",
        flow=flow_id,
    )
    return [
        {
            "indicator_no": row.indicator_no,
            "document_no": row.document_no,
            "reserved_fen": row.reserved_fen,
            "paid_fen": row.paid_fen,
            "released_fen": row.released_fen,
        }
        for row in rows
    ]


class _OpenOrder(NamedTuple):
    order_no: str
    kind: str
    state: str
    line_count: int
    total_fen: int
    entered_by: str
    entered_at: datetime


async def open_orders_of(session: AsyncSession, flow_id: int) -> list[OpenOrder]:
    rows = await fetch(
        session,
        _OpenOrder,
        "SELECT order_no, kind, state, line_count, total_fen, entered_by, entered_at FROM operator_order "
        "WHERE flow_id = :flow AND state IN ('entered', 'confirmed') ORDER BY id",
        flow=flow_id,
    )
    return [
        {
            "order_no": row.order_no,
            "kind": OrderKind(row.kind),
            "kind_label": OrderKind(row.kind).label,
            "state": OrderState(row.state),
            "state_label": OrderState(row.state).label,
            "line_count": row.line_count,
            "total_fen": row.total_fen,
            "entered_by": row.entered_by,
            "entered_at": row.entered_at,
        }
        for row in rows
    ]


class _Result(NamedTuple):
    dataset_id: int
    outcome: str
    reason_code: str | None
    lines: int
    fen: int


class _Round(NamedTuple):
    id: int
    reference: str
    mode: str
    order_no: str | None
    stage: str
    record_count: int
    total_fen: int
    created_at: datetime
    committed_at: datetime | None
    reviewed_at: datetime | None


class RoundResult(TypedDict):
    """同一结果、同一原因的笔数和金额。"""

    outcome: LineState
    label: str
    reason_code: Annotated[str | None, Field(description="平台给出的原因代码")]
    reason: str | None
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


class FlowRound(TypedDict):
    """一次提交：交给平台的一批申请和平台的审核结果。"""

    reference: Annotated[str, Field(description="业务引用")]
    mode: Annotated[RoundMode, Field(description="提交方式")]
    order_no: Annotated[str | None, Field(description="所依据的指令；申请提交没有")]
    stage: DatasetStage
    record_count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    created_at: datetime
    committed_at: Annotated[datetime | None, Field(description="交给平台审核的时间")]
    reviewed_at: Annotated[datetime | None, Field(description="审核结果收齐的时间")]
    mode_label: str
    stage_label: str
    results: list[RoundResult]


async def rounds_of(session: AsyncSession, flow_id: int) -> list[FlowRound]:
    results = await _results(session, flow_id)
    rows = await fetch(
        session,
        _Round,
        "SELECT id, reference, mode, order_no, stage, record_count, total_fen, created_at, committed_at, reviewed_at"
        " FROM dataset WHERE flow_id = :flow ORDER BY id",
        flow=flow_id,
    )
    return [_round(row, results.get(row.id, [])) for row in rows]


def _round(row: _Round, results: list[RoundResult]) -> FlowRound:
    mode, stage = RoundMode(row.mode), DatasetStage(row.stage)
    return {
        "reference": row.reference,
        "mode": mode,
        "order_no": row.order_no,
        "stage": stage,
        "record_count": row.record_count,
        "total_fen": row.total_fen,
        "created_at": row.created_at,
        "committed_at": row.committed_at,
        "reviewed_at": row.reviewed_at,
        "mode_label": label_of(MODES, mode),
        "stage_label": stage.label,
        "results": results,
    }


async def _results(session: AsyncSession, flow_id: int) -> Mapping[int, list[RoundResult]]:
    rows = await fetch(
        session,
        _Result,
        "SELECT t.dataset_id, t.outcome, nullif(t.reason_code, '') AS reason_code, t.lines, t.fen FROM dataset d"
        " JOIN dataset_tally t ON t.dataset_id = d.id WHERE d.flow_id = :flow AND t.outcome <> '' AND t.lines > 0"
        " ORDER BY 1, 2, 3",
        flow=flow_id,
    )
    found: defaultdict[int, list[RoundResult]] = defaultdict(list)
    for row in rows:
        found[row.dataset_id].append(_result(row))
    return found


def _result(row: _Result) -> RoundResult:
    outcome = LineState(row.outcome)
    return {
        "outcome": outcome,
        "label": outcome.label,
        "reason_code": row.reason_code,
        "reason": REJECTIONS.get(row.reason_code, row.reason_code) if row.reason_code else None,
        "count": row.lines,
        "fen": row.fen,
    }

"""A flow's end as it is shown: its figures, what came after it, and of one that was not balanced what differed.

What is still open of the difference, and who settled it when.
"""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple, cast

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.events.contradictions import open_count
from models.store.flows.difference import COMPARED, unresolved_lines
from models.store.sql import fetch
from models.tables.flows import Flow
from models.words.code_words import called
from models.words.flow_words import SOURCES
from models.words.stages import FlowStage, PaymentState

_WORDS = {
    "paid_count": "发放成功笔数",
    "paid_fen": "发放成功金额",
    "failed_count": "发放失败笔数",
    "failed_fen": "发放失败金额",
}
Settling = Literal["settlement", "contradiction", "late_result"]
_SETTLED_WORDS: dict[Settling, str] = {
    "settlement": "审核人凭证核实",
    "contradiction": "审核人裁定",
    "late_result": "平台迟到的发放结果",
}
# A settlement's person is known from the trail, a late result is the platform's own.
_SETTLED = """
SELECT 'settlement' AS what, act AS kind, actor AS by, at, line_count AS lines, total_fen AS fen FROM trail_entry
 WHERE county_code = :county AND subject = :number AND act = 'payments.settled'
UNION ALL SELECT 'contradiction', kind, decided_by, decided_at, NULL, NULL FROM contradiction
 WHERE number = :number AND state = 'settled' AND decided_at >= :ended_at
UNION ALL SELECT 'late_result', p.status, NULL, max(p.taken_at), count(*), sum(p.amount_fen)::bigint FROM payment p
 WHERE p.flow_id = :flow AND p.source = 'platform' AND p.taken_at > :ended_at
 AND NOT EXISTS (SELECT 1 FROM payment e WHERE e.flow_line_id = p.flow_line_id AND e.id < p.id) GROUP BY p.status
ORDER BY at
"""


class _EndFigures(TypedDict, total=False):
    ours: Annotated[
        dict[str, int], Field(description="我方逐笔结果的合计：paid_count、paid_fen、failed_count、failed_fen")
    ]
    platform: Annotated[dict[str, object] | None, Field(description="平台结束时的说法，合计数的名称与我方相同")]
    sent_on: Annotated[int, Field(description="平台没有受理、转入下批的笔数")]


class EndView(_EndFigures):
    """结束时双方的合计；以后来什么都不再变。"""

    balanced: bool | None
    ended_at: datetime | None


class AfterEnd(TypedDict):
    """结束以后才到的退票、迟到结果和核实。"""

    source: Annotated[str, Field(description="结果来源：platform 平台反馈，settled 审核人凭证核实")]
    source_label: str
    status: PaymentState
    label: str
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]
    last_at: Annotated[datetime, Field(description="最近一次的入账时间")]


class _Settled(NamedTuple):
    what: Settling
    kind: str
    by: str | None
    at: datetime
    lines: int | None
    fen: int | None


class ComparedFigure(TypedDict):
    """我方与平台的一个合计数；以 _fen 结尾的单位为分。"""

    figure: Annotated[str, Field(description="paid_count、paid_fen、failed_count 或 failed_fen")]
    label: str
    ours: Annotated[int, Field(description="我方逐笔结果的合计")]
    platform: Annotated[int | None, Field(description="平台结束时的合计，平台没有说的为空")]
    difference: Annotated[int | None, Field(description="我方减平台")]


class SettlementTold(TypedDict):
    """结束以后核实、裁定或平台补来的一次。"""

    what: Settling
    kind: Annotated[str, Field(description="核实的操作、裁定的类别，或迟到结果的状态")]
    by: Annotated[str | None, Field(description="办理人；平台补来的为空")]
    at: datetime
    count: Annotated[int | None, Field(description="笔数")]
    fen: Annotated[int | None, Field(description="金额（分）")]
    label: str


class DifferenceView(TypedDict):
    """结束时不平的流程：差在哪里，还有什么没有办，何时由谁办结。"""

    figures: list[ComparedFigure]
    sent_on: Annotated[int, Field(description="平台没有受理、转入下批的笔数")]
    unresolved: Annotated[int, Field(description="仍无发放结果的笔数")]
    open_contradictions: Annotated[int, Field(description="未裁定的矛盾来件数")]
    settled: Annotated[bool, Field(description="是否已全部办结")]
    settled_by: Annotated[str | None, Field(description="最后一次的办理人")]
    settled_at: Annotated[datetime | None, Field(description="办结时间")]
    settlements: list[SettlementTold]


def end_of(flow: Flow) -> EndView | None:
    """Ours and the platform's figures as of the end; they stay whatever comes later."""
    if flow.stage is not FlowStage.ENDED or flow.end_figures is None:
        return None
    return {**cast(_EndFigures, flow.end_figures), "balanced": flow.balanced, "ended_at": flow.ended_at}


class _AfterEnd(NamedTuple):
    source: str
    status: str
    lines: int
    fen: int
    last_at: datetime


async def after_end_of(session: AsyncSession, flow_id: int) -> list[AfterEnd]:
    """Returns, late results and settlements: shown beside the end figures, never mixed into them."""
    rows = await fetch(
        session,
        _AfterEnd,
        "SELECT p.source, p.status, count(*) AS lines, sum(p.amount_fen)::bigint AS fen, max(p.taken_at) AS last_at "
        "FROM payment p JOIN flow f ON f.id = p.flow_id WHERE p.flow_id = :flow AND f.stage = 'ended' AND (p.after_end"
        " OR p.page > CAST(f.end_claim ->> 'payment_pages' AS int)) GROUP BY 1, 2 ORDER BY 1, 2",
        flow=flow_id,
    )
    return [
        {
            "source": row.source,
            "source_label": called(SOURCES, row.source),
            "status": PaymentState(row.status),
            "label": PaymentState(row.status).label,
            "count": row.lines,
            "fen": row.fen,
            "last_at": row.last_at,
        }
        for row in rows
    ]


async def difference_of(session: AsyncSession, flow: Flow) -> DifferenceView | None:
    """None for an end that was balanced. The end's own figures stay as they were; this says what became of the rest."""
    ended = flow.ended_at
    if flow.stage is not FlowStage.ENDED or flow.balanced is not False or flow.end_figures is None or ended is None:
        return None
    unresolved, claims = await unresolved_lines(session, flow), await open_count(session, flow.flow_no)
    settlements = await _settlements(session, flow, ended)
    settled = not (unresolved or claims)
    last = settlements[-1] if settled and settlements else None
    return {
        "figures": _figures(flow.end_figures["ours"], flow.end_figures["platform"]),
        "sent_on": flow.end_figures.get("sent_on", 0),
        "unresolved": unresolved,
        "open_contradictions": claims,
        "settled": settled,
        "settled_by": last["by"] if last else None,
        "settled_at": last["at"] if last else ended if settled else None,
        "settlements": settlements,
    }


def _figures(ours: dict[str, int], platform: dict[str, int]) -> list[ComparedFigure]:
    return [
        {
            "figure": field,
            "label": _WORDS[field],
            "ours": ours.get(field, 0),
            "platform": platform.get(field),
            "difference": None if platform.get(field) is None else ours.get(field, 0) - platform[field],
        }
        for field in COMPARED
    ]


async def _settlements(session: AsyncSession, flow: Flow, ended: datetime) -> list[SettlementTold]:
    of_flow = {"county": flow.county_code, "number": flow.flow_no, "flow": flow.id, "ended_at": ended}
    return [
        {
            "what": row.what,
            "kind": row.kind,
            "by": row.by,
            "at": row.at,
            "count": row.lines,
            "fen": row.fen,
            "label": _SETTLED_WORDS[row.what],
        }
        for row in await fetch(session, _Settled, _SETTLED, **of_flow)
    ]

"""An end that was not balanced: what differed, what is still open, and who settled it when (DOMAIN 3, End)."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.contradictions import open_count
from models.store.flows.difference import COMPARED, unresolved_lines
from models.store.sql import loose
from models.tables.flows import Flow
from models.words.stages import FlowStage

View = dict[str, object]
_WORDS = {
    "paid_count": "发放成功笔数",
    "paid_fen": "发放成功金额",
    "failed_count": "发放失败笔数",
    "failed_fen": "发放失败金额",
}
# A settlement's person is known from the trail, a late result is the platform's own.
_SETTLED = """
SELECT 'settlement' AS what, act AS kind, actor AS by, at, line_count AS count, total_fen AS fen FROM trail_entry
 WHERE county_code = :county AND subject = :number AND act = 'payments.settled'
UNION ALL SELECT 'contradiction', kind, decided_by, decided_at, NULL, NULL FROM contradiction
 WHERE number = :number AND state = 'settled' AND decided_at >= :ended_at
UNION ALL SELECT 'late_result', p.status, NULL, max(p.taken_at), count(*), sum(p.amount_fen)::bigint FROM payment p
 WHERE p.flow_id = :flow AND p.source = 'platform' AND p.taken_at > :ended_at
 AND NOT EXISTS (SELECT 1 FROM payment e WHERE e.flow_line_id = p.flow_line_id AND e.id < p.id) GROUP BY p.status
ORDER BY at
"""
_SETTLED_WORDS = {"settlement": "审核人凭证核实", "contradiction": "审核人裁定", "late_result": "平台迟到的发放结果"}


async def difference_of(session: AsyncSession, flow: Flow) -> View | None:
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


def _figures(ours: dict[str, int], platform: dict[str, int]) -> list[View]:
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


async def _settlements(session: AsyncSession, flow: Flow, ended: datetime) -> list[View]:
    rows = await loose(session, _SETTLED, county=flow.county_code, number=flow.flow_no, flow=flow.id, ended_at=ended)
    fields = ("what", "kind", "by", "at", "count", "fen")
    views = [dict(zip(fields, row, strict=True)) for row in rows]
    return [{**view, "label": _SETTLED_WORDS[str(view["what"])]} for view in views]

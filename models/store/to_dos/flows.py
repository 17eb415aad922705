"""What of flows waits: lines of the open one, its summary, orders, lines without result, ends that don't balance."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.makers import MADE_BY, acts_in_flow
from models.store.orders.rules import LINE_IN_ORDER
from models.store.sql import fetch_one
from models.store.to_dos.found import Asker, Found, ToDoSearch
from models.words.makers import Act, closed_by
from models.words.stages import FlowStage

# Which of the flow's stages is whose act.
_SUMMARY_ACTS = {
    FlowStage.COUNTY_REVIEW: ("summary_to_review", Act.SUMMARY_REVIEWED),
    FlowStage.COUNTY_PASSED: ("summary_to_submit", Act.SUMMARY_SUBMITTED),
    FlowStage.SUMMARY_APPROVED: ("payment_to_confirm", Act.PAYMENT_CONFIRMED),
}
# One that is confirmed waits for nobody here, though the platform may not have it yet; nor does one that was refused,
# until the flow's run has made the next.
# Frozen with the county's review; before it the accepted lines are what they are.
_OPEN_FLOW = """
SELECT f.id, f.flow_no, f.stage, coalesce(r.since, f.created_at) AS since,
  (s.figures ->> 'application_count')::int AS counted, (s.figures ->> 'total_fen')::bigint AS fen
FROM flow f LEFT JOIN summary s ON s.flow_id = f.id AND s.number = f.summary_no
LEFT JOIN run r ON r.workflow_id = 'subsidy-flow/' || f.flow_no
WHERE f.county_code = :county AND f.stage = ANY(:stages) AND s.confirmed_at IS NULL
  AND s.stage IS DISTINCT FROM 'county_refused'
"""
_ACCEPTED = """
SELECT count(*) AS counted, coalesce(sum(amount_fen), 0)::bigint AS fen FROM flow_line
WHERE flow_id = :flow AND state = 'accepted'
"""
_LINES = f"""
SELECT kind, true AS able, count(*) AS counted, sum(amount_fen)::bigint AS total_fen, min(updated_at) AS since,
  min(flow_no) AS number FROM (
  SELECT CASE
      WHEN l.state = 'held' THEN 'lines_held'
      WHEN l.state = 'rejected' AND l.reason_code = 'duplicate_person' THEN 'lines_duplicate'
      WHEN l.state = 'rejected' THEN 'lines_rejected'
      WHEN l.repays_flow_id IS NOT NULL THEN 'lines_repayment'
      WHEN l.verification = 'failed' THEN 'lines_unverified' END AS kind, l.amount_fen, l.updated_at, f.flow_no
  FROM flow f JOIN flow_line l ON l.flow_id = f.id
  WHERE f.county_code = :county AND f.stage IN ('settling', 'under_review', 'county_review')
    AND l.state IN ('held', 'rejected', 'unsent') AND NOT ({LINE_IN_ORDER.unfit}) AND CAST(:order AS bigint) = 0
) AS open WHERE kind IS NOT NULL GROUP BY 1
"""
_ORDERS = """
SELECT 'orders_to_confirm' AS kind, entered_by <> :actor AS able, count(*) AS counted,
  sum(total_fen)::bigint AS total_fen, min(entered_at) AS since, NULL::text AS number
FROM operator_order WHERE county_code = :county AND state = 'entered' GROUP BY 2
"""
_UNEQUAL = """
SELECT 'flows_with_difference' AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(ended_at) AS since, NULL::text AS number FROM flow
WHERE county_code = :county AND stage = 'ended' AND balanced IS FALSE HAVING count(*) > 0
"""
_UNRESOLVED = f"""
WITH unequal AS (
  SELECT id, flow_no, started_by, ended_at FROM flow
  WHERE county_code = :county AND stage = 'ended' AND balanced IS FALSE
)
SELECT 'lines_unresolved' AS kind, NOT (u.started_by = :actor OR {MADE_BY}) AS able, count(*) AS counted,
  sum(l.amount_fen)::bigint AS total_fen, min(u.ended_at) AS since, NULL::text AS number
FROM unequal u JOIN flow_line l ON l.flow_id = u.id AND l.state = 'accepted' AND l.payment = 'unresolved'
JOIN application a ON a.id = l.application_id GROUP BY 2
"""


class _Open(NamedTuple):
    id: int
    flow_no: str
    stage: str
    since: datetime
    counted: int | None
    fen: int | None


class _Sum(NamedTuple):
    counted: int
    fen: int


def of_flows(asker: Asker) -> list[ToDoSearch]:
    """Beside the open one's summary."""
    asked = {"county": asker.county, "actor": asker.person}
    lines = ToDoSearch(_LINES, {"county": asker.county, "order": 0})
    return [lines, ToDoSearch(_ORDERS, asked), ToDoSearch(_UNRESOLVED, asked), ended_flows(asker)]


def ended_flows(asker: Asker) -> ToDoSearch:
    """Flows whose end the platform and we tell differently."""
    return ToDoSearch(_UNEQUAL, {"county": asker.county})


async def open_summary(session: AsyncSession, asker: Asker) -> list[Found]:
    """The open flow's summary while it is somebody's of the county to act on."""
    flow = await fetch_one(session, _Open, _OPEN_FLOW, county=asker.county, stages=list(_SUMMARY_ACTS))
    if flow is None:
        return []
    kind, act = _SUMMARY_ACTS[FlowStage(flow.stage)]
    closed = closed_by(act, await acts_in_flow(session, flow.flow_no, asker.person))
    count, fen = flow.counted, flow.fen
    if count is None and (accepted := await fetch_one(session, _Sum, _ACCEPTED, flow=flow.id)):
        count, fen = accepted
    return [Found(kind, not closed, count or 0, fen, flow.since, flow.flow_no)]

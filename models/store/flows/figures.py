"""A flow in figures, in count and fen: its lines per state, and its summary per town and bank (S1 2.7)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch
from models.words.stages import LineState, PaymentState


class Figure(BaseModel):
    """How many lines, and how much they are together."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    fen: int = 0

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(count=self.count + other.count, fen=self.fen + other.fen)


class FlowFigures(BaseModel):
    """Where all lines of a flow stand; can't be built from figures that don't add up."""

    model_config = ConfigDict(frozen=True)

    lines: Figure
    states: dict[LineState, Figure]
    payments: dict[PaymentState, Figure]

    @model_validator(mode="after")
    def adds_up(self) -> "FlowFigures":
        if sum(self.states.values(), Figure()) != self.lines:
            raise ValueError("the states of the lines don't add up to the lines")
        # a list may show a state that only a newer version knows: whether it is paid for nobody can say here
        known = set(self.states) <= set(LineState)
        if known and sum(self.payments.values(), Figure()) != self.states[LineState.ACCEPTED]:
            raise ValueError("the payments don't add up to the accepted lines")
        return self


class Share(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    application_count: int
    total_fen: int


class SummaryFigures(BaseModel):
    """发放汇总 of accepted lines; can't be built from shares that don't add up."""

    model_config = ConfigDict(frozen=True)

    total_fen: int
    application_count: int
    household_count: int
    towns: list[Share]
    banks: list[Share]
    indicators: list[Share]

    @model_validator(mode="after")
    def adds_up(self) -> "SummaryFigures":
        for shares in (self.towns, self.banks, self.indicators):
            count, fen = sum(s.application_count for s in shares), sum(s.total_fen for s in shares)
            if (count, fen) != (self.application_count, self.total_fen):
                raise ValueError("the shares don't add up to the total")
        return self


class _LineSum(NamedTuple):
    state: str
    payment: str
    lines: int
    fen: int


_LINES = """
SELECT state, payment, sum(lines)::bigint AS lines, sum(fen)::bigint AS fen FROM flow_tally
WHERE flow_id = :flow_id AND lines > 0 GROUP BY 1, 2
"""


async def flow_figures(session: AsyncSession, flow_id: int) -> FlowFigures:
    """Every state and payment of a flow's lines, zeroes too, as they are tallied."""
    lines = Figure()
    states = {state: Figure() for state in LineState}
    payments = {payment: Figure() for payment in PaymentState}
    for state, payment, count, fen in await fetch(session, _LineSum, _LINES, flow_id=flow_id):
        figure = Figure(count=count, fen=fen)
        lines += figure
        known = LineState(state)
        states[known] = states.get(known, Figure()) + figure
        if payment:
            paid = PaymentState(payment)
            payments[paid] = payments.get(paid, Figure()) + figure
    return FlowFigures(lines=lines, states=states, payments=payments)


class _Kept(NamedTuple):
    flow_id: int
    figures: dict[str, object]


class _Share(NamedTuple):
    """`code` and `name` are NULL and `households` isn't for the flow as a whole."""

    flow_id: int
    level: int
    code: str | None
    name: str | None
    lines: int
    fen: int
    households: int | None


_SUMMARY = """
WITH accepted AS MATERIALIZED (
  SELECT l.flow_id, l.person_index, l.town_code, l.bank_code, i.indicator_no, l.amount_fen
  FROM flow_line l JOIN indicator i ON i.id = l.indicator_id
  WHERE l.flow_id = ANY(:flow_ids) AND l.state = 'accepted'
), named AS (
  SELECT f.id AS flow_id, c.kind, item ->> 'code' AS code, min(item ->> 'name') AS name
  FROM flow f
  JOIN catalog_list c ON c.county_code = f.county_code AND c.kind IN ('towns', 'banks')
   AND c.fund_year IN (0, f.fund_year)
  CROSS JOIN LATERAL jsonb_array_elements(c.items) AS item
  WHERE f.id = ANY(:flow_ids)
  GROUP BY 1, 2, 3
  UNION ALL
  SELECT d.flow_id, 'indicators', i.indicator_no, i.document_no || ' ' || i.budget_project_name
  FROM flow_indicator d JOIN indicator i ON i.id = d.indicator_id WHERE d.flow_id = ANY(:flow_ids)
), share AS (
  SELECT flow_id, grouping(town_code, bank_code, indicator_no) AS level,
         coalesce(town_code, bank_code, indicator_no) AS code, count(*) AS lines,
         coalesce(sum(amount_fen), 0)::bigint AS fen,
         CASE WHEN grouping(town_code, bank_code, indicator_no) = 7 THEN count(DISTINCT person_index) END AS households
  FROM accepted
  GROUP BY GROUPING SETS ((flow_id), (flow_id, town_code), (flow_id, bank_code), (flow_id, indicator_no))
)
SELECT s.flow_id, s.level, s.code, coalesce(n.name, s.code) AS name, s.lines, s.fen, s.households
FROM share s LEFT JOIN named n ON n.flow_id = s.flow_id
  AND n.code = s.code AND n.kind = CASE s.level WHEN 3 THEN 'towns' WHEN 5 THEN 'banks' WHEN 6 THEN 'indicators' END
ORDER BY s.flow_id, s.level, s.code
"""
# Whose lines have been moved out: accepted lines are what they were when their summary was reviewed last.
_MOVED = """
SELECT DISTINCT ON (s.flow_id) s.flow_id, s.figures FROM summary s JOIN flow f ON f.id = s.flow_id
WHERE f.id = ANY(:flow_ids) AND s.figures IS NOT NULL
  AND EXISTS (SELECT FROM moved_year y WHERE y.county_code = f.county_code AND y.fund_year >= f.fund_year)
ORDER BY s.flow_id, s.number DESC
"""
_TOTAL, _TOWN, _BANK, _INDICATOR = 7, 3, 5, 6


async def summaries_now(session: AsyncSession, flow_ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """What the accepted lines of flows are now, in one statement; names from the platform's lists, else the code.

    Each as the JSON that a summary's row keeps, see `SummaryFigures`.
    """
    if not flow_ids:
        return {}
    rows = await fetch(session, _Share, _SUMMARY, flow_ids=list(flow_ids))
    kept = await fetch(session, _Kept, _MOVED, flow_ids=list(flow_ids))
    now = {flow_id: _summary([row for row in rows if row.flow_id == flow_id]) for flow_id in flow_ids}
    return now | {row.flow_id: row.figures for row in kept}


def _summary(rows: Sequence[_Share]) -> dict[str, object]:
    shares: dict[int, list[Share]] = {_TOWN: [], _BANK: [], _INDICATOR: []}
    total = next((row for row in rows if row.level == _TOTAL), None)
    for row in rows:
        if row.code is not None:
            share = Share(code=row.code, name=row.name or row.code, application_count=row.lines, total_fen=row.fen)
            shares[row.level].append(share)
    figures = SummaryFigures(
        total_fen=total.fen if total else 0,
        application_count=total.lines if total else 0,
        household_count=total.households or 0 if total else 0,
        towns=shares[_TOWN],
        banks=shares[_BANK],
        indicators=shares[_INDICATOR],
    )
    return figures.model_dump(mode="json")


async def summary_figures(session: AsyncSession, flow_id: int) -> dict[str, object]:
    """`summaries_now` of one flow."""
    return (await summaries_now(session, [flow_id]))[flow_id]


def check_code(flow_no: str, number: int, figures: Mapping[str, object]) -> str:
    """核对码: 16 figures of the SHA-256 of a summary, the same for the same figures, live or frozen."""
    said = json.dumps([flow_no, number, figures], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:16].upper()

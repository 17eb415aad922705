"""Summaries as rows for people: each flow's newest one, with the three answers told from its row (S1 second 2.7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.selection import Predicate
from models.store.sql import fetch, fetch_one


class SummaryRow(NamedTuple):
    """A flow with one of its summaries; that one's columns are NULL where the flow has none yet.

    `figures` as `figures.SummaryFigures`; `review`, `submission` and `platform_review` are words of the answers.
    """

    id: int
    county_code: str
    flow_no: str
    fund_year: int
    batch_no: str
    flow_stage: str
    number: int | None
    stage: str | None
    opened_at: datetime | None
    figures: dict[str, Any] | None
    form_file_id: int | None
    opinion_sealed: str | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    submitted_by: str | None
    submitted_at: datetime | None
    submission_id: str | None
    platform_opinion_sealed: str | None
    platform_reviewed_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    confirmation_sent_at: datetime | None
    review: str | None
    submission: str
    platform_review: str | None


# Nothing where a flow's lines aren't settled yet and no summary is open.
COUNTY_REVIEW_SQL = """
CASE WHEN s.stage = 'county_refused' THEN 'refused' WHEN s.reviewed_at IS NOT NULL THEN 'passed'
  WHEN s.id IS NOT NULL THEN 'open' END
"""
SUBMISSION = "CASE WHEN s.submitted_at IS NULL THEN 'not_submitted' ELSE 'submitted' END"
# What was closed with its flow the platform never answered.
PLATFORM_REVIEW = """
CASE WHEN s.submitted_at IS NULL OR s.stage = 'closed' THEN NULL WHEN s.stage IN ('approved', 'confirmed')
  THEN 'approved' WHEN s.stage = 'rejected' THEN 'rejected' ELSE 'in_review' END
"""
_COLUMNS = f"""
SELECT f.id, f.county_code, f.flow_no, f.fund_year, f.batch_no, f.stage AS flow_stage, s.number, s.stage, s.opened_at,
  s.figures, s.form_file_id, s.opinion_sealed, s.reviewed_by, s.reviewed_at, s.submitted_by, s.submitted_at,
  s.submission_id, s.platform_opinion_sealed, s.platform_reviewed_at, s.confirmed_by, s.confirmed_at,
  s.confirmation_sent_at,
  {COUNTY_REVIEW_SQL} AS review, {SUBMISSION} AS submission, {PLATFORM_REVIEW} AS platform_review
FROM flow f LEFT JOIN summary s ON s.flow_id = f.id
"""
_CRITERIA: Mapping[str, str] = {
    "fund_year": "a.fund_year = :f_fund_year",
    "batch_no": "a.batch_no = :f_batch_no",
    "status": "(CASE WHEN a.flow_stage = 'ended' THEN 'ended' ELSE 'active' END) = :f_status",
    "review": "a.review = :f_review",
    "submission": "a.submission = :f_submission",
    "platform_review": "a.platform_review = :f_platform_review",
}


def chosen_summaries(county_code: str, criteria: Mapping[str, str | int]) -> Predicate:
    chosen = Predicate("a.county_code = :county", {"county": county_code})
    for name, value in criteria.items():
        chosen = chosen.also(_CRITERIA[name], **{f"f_{name}": value})
    return chosen


async def newest_summaries(session: AsyncSession, chosen: Predicate, before: int | None, most: int) -> list[SummaryRow]:
    """The county's flows, the newest first, with their newest summary; there is none while lines aren't settled."""
    return await fetch(
        session,
        SummaryRow,
        f"SELECT * FROM ({_COLUMNS} AND s.number = f.summary_no) AS a"
        f" WHERE {chosen.sql} AND (CAST(:before AS bigint) IS NULL OR a.id < :before) ORDER BY a.id DESC LIMIT :most",
        **{**chosen.values, "before": before, "most": most},
    )


async def summaries_of(session: AsyncSession, flow_id: int) -> Sequence[SummaryRow]:
    """A flow's summaries, the newest first; one row without a number where it has none yet."""
    return await fetch(session, SummaryRow, f"{_COLUMNS} WHERE f.id = :flow ORDER BY s.number DESC", flow=flow_id)


class Readiness(NamedTuple):
    """What a county's review waits for: lines without a result, orders that change lines; and what is accepted."""

    unsettled: int = 0
    orders: int = 0
    accepted: int = 0

    @property
    def settled(self) -> bool:
        return bool(self.accepted) and not self.unsettled and not self.orders


async def readiness(session: AsyncSession, flow_id: int) -> Readiness:
    found = await fetch_one(
        session,
        Readiness,
        "SELECT coalesce(sum(lines) FILTER (WHERE state NOT IN ('accepted', 'withdrawn', 'deferred', 'cancelled')),"
        " 0)::bigint AS unsettled,"
        " (SELECT count(*) FROM operator_order WHERE flow_id = :flow AND kind <> 'evidence' AND state = 'confirmed')"
        " AS orders, coalesce(sum(lines) FILTER (WHERE state = 'accepted'), 0)::bigint AS accepted FROM flow_tally"
        " WHERE flow_id = :flow",
        flow=flow_id,
    )
    return found or Readiness()

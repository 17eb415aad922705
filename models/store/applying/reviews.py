"""The platform's decision on a policy, an indicator or a summary takes effect, once."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.contradictions import Claim, keep_claim
from models.store.lock_order import Rank
from models.store.locking import changing, fetch_locked
from models.store.sql import execute, fetch_one
from models.store.texts import open_text, seal_text
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.wire import answers
from models.wire.words import EventType, ReviewStatus


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Where a kind of review is kept."""

    table: str
    number: str
    round: str
    stage_in_review: str


class _Decided(NamedTuple):
    stage: str
    opinion_sealed: str | None
    round: int


class _Summary(NamedTuple):
    id: int
    stage: str
    platform_opinion_sealed: str | None
    submitted_at: datetime | None


REVIEWED_IN = {
    EventType.POLICY_REVIEWED: Reviewed("policy", "policy_no", "round", "in_review"),
    EventType.INDICATOR_REVIEWED: Reviewed("indicator", "indicator_no", "round", "in_review"),
}


async def apply_review(
    session: AsyncSession, vault: Vault, kind: EventType, review: answers.Review, inbox_id: int
) -> str:
    """Decide what is under review; a decision against an earlier one is kept beside it."""
    if review.status is ReviewStatus.PENDING:
        return "pending"
    if kind is EventType.SUMMARY_REVIEWED:
        return await _apply_summary(session, vault, review, inbox_id)
    place, reference = REVIEWED_IN[kind], review.client_reference or ""
    number, _, round_no = reference.partition(".")
    changed = await execute(
        session,
        f"UPDATE {place.table} SET stage = :stage, opinion_sealed = :opinion, reviewed_at = :at, updated_at = now(),"
        " submission_id = coalesce(submission_id, :submission)"
        f" WHERE {place.number} = :number AND {place.round} = :round AND stage = '{place.stage_in_review}'",
        stage=review.status.value,
        opinion=seal_text(vault, review.county_code, review.opinion),
        at=review.reviewed_at,
        submission=review.submission_id,
        number=number,
        round=_round(round_no),
    )
    if changed:
        await _note(session, vault, kind, review)
        return review.status.value
    row = await fetch_one(
        session,
        _Decided,
        f"SELECT stage, opinion_sealed, {place.round} FROM {place.table} WHERE {place.number} = :number",
        number=number,
    )
    if row is None or row.round != _round(round_no):
        return "earlier round"
    return await _compare(session, vault, kind, review, inbox_id, row.stage, row.opinion_sealed)


async def _apply_summary(session: AsyncSession, vault: Vault, review: answers.Review, inbox_id: int) -> str:
    flow_no, _, suffix = (review.client_reference or "").partition(".")
    rows = await fetch_locked(
        session,
        Rank.FLOW,
        _Summary,
        "SELECT s.id, s.stage, s.platform_opinion_sealed, s.submitted_at FROM summary s JOIN flow f"
        " ON f.id = s.flow_id WHERE f.flow_no = :flow_no AND s.number = :number",
        changing("s"),
        flow_no=flow_no,
        number=_round(suffix.removeprefix("s")),
    )
    if not rows:
        return "unknown summary"
    (row,) = rows
    # The review may be here before the answer to our own hand-over is.
    under_review = row.stage == "submitted" or (row.stage == "county_passed" and row.submitted_at is not None)
    if not under_review:
        applied = "approved" if row.stage == "confirmed" else row.stage
        opinion = row.platform_opinion_sealed
        return await _compare(session, vault, EventType.SUMMARY_REVIEWED, review, inbox_id, applied, opinion)
    await execute(
        session,
        "UPDATE summary SET stage = :stage, platform_opinion_sealed = :opinion, platform_reviewed_at = :at,"
        " submission_id = coalesce(submission_id, :submission) WHERE id = :id",
        submission=review.submission_id,
        stage=review.status.value,
        opinion=seal_text(vault, review.county_code, review.opinion),
        at=review.reviewed_at,
        id=row.id,
    )
    await _note(session, vault, EventType.SUMMARY_REVIEWED, review)
    return review.status.value


async def _note(session: AsyncSession, vault: Vault, kind: EventType, review: answers.Review) -> None:
    detail = {"status": review.status.value, "opinion": review.opinion, "submission_id": review.submission_id}
    await record(session, vault, by_system(review.county_code, kind.value, review.client_reference or "", detail))


async def _compare(
    session: AsyncSession,
    vault: Vault,
    kind: EventType,
    review: answers.Review,
    inbox_id: int,
    applied: str,
    opinion_sealed: str | None,
) -> str:
    if applied == review.status.value:
        return "again"
    reference = review.client_reference or ""
    claim = Claim(
        county_code=review.county_code,
        number=reference.partition(".")[0],
        kind=kind.value,
        line_key=reference,
        applied={"status": applied, "opinion": open_text(vault, review.county_code, opinion_sealed)},
        claimed=review.model_dump(mode="json"),
        inbox_id=inbox_id,
    )
    await keep_claim(session, vault, claim)
    return "contradiction"


def _round(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else -1

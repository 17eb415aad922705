"""The end of a flow: held against the platform's figures; a cancelled one gives everything back (S1 2.7)."""

import json

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.events import contradictions
from models.store.flows.difference import COMPARED, agrees, as_of_end, keep_difference, unresolved_lines
from models.store.locking import lock_applications, lock_indicators
from models.store.runs.runs import open_run
from models.store.sql import execute, fetch_int
from models.store.texts import seal_text
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.base import now
from models.tables.flows import Flow
from models.wire import answers
from models.wire.words import FlowStatus
from models.wire.words import PlatformOutcome as ClaimedOutcome
from models.words.stages import FlowOutcome, FlowStage


async def apply_ended(session: AsyncSession, vault: Vault, flow: Flow, claim: answers.Flow, inbox_id: int) -> str:
    """Keep the platform's word that a flow is over; the end itself waits until all pages are here."""
    claimed = json.loads(claim.model_dump_json())
    if claim.status is not FlowStatus.ENDED:
        return "not ended"
    if flow.end_claim is None:
        flow.end_claim = claimed
        await session.flush()
        return "applied"
    compared = ("outcome", "payment_pages", *COMPARED)
    if all(flow.end_claim.get(field) == claimed.get(field) for field in compared):
        return "again"
    await contradictions.keep_claim(
        session,
        vault,
        contradictions.Claim(
            county_code=flow.county_code,
            number=flow.flow_no,
            kind="flow_ended",
            line_key="",
            applied={field: flow.end_claim.get(field) for field in compared},
            claimed={field: claimed.get(field) for field in compared},
            inbox_id=inbox_id,
        ),
    )
    return "contradiction"


async def pages_complete(session: AsyncSession, flow: Flow) -> bool:
    """Whether every payment page that the platform counted at the end has been taken in.

    When the platform, asked, knows of fewer pages than its own end claimed, there is nothing more to come.
    """
    if flow.end_claim is None or flow.end_claim.get("outcome") is None:
        return False
    known = [each for each in (flow.end_claim.get("payment_pages"), flow.published_pages) if each is not None]
    if not known:
        return False
    pages = min(known)
    here = await fetch_int(
        session, "SELECT count(*) FROM payment_page WHERE flow_id = :id AND page <= :pages", id=flow.id, pages=pages
    )
    return here >= pages


async def end_flow(session: AsyncSession, vault: Vault, flow: Flow) -> None:
    """Close the books of a flow that the platform has ended and whose pages are all here; once."""
    assert flow.end_claim is not None
    await lock_indicators(session, flow)
    if flow.end_claim.get("outcome") != ClaimedOutcome.CANCELLED.value:
        await _end_disbursed(session, vault, flow)
    elif await fetch_int(session, PAID_LINES, id=flow.id):
        await _keep_void_cancellation(session, vault, flow)
        await _end_disbursed(session, vault, flow)
    else:
        await give_back(session, vault, flow, "cancelled")


LINES_OF_FLOW = "SELECT application_id FROM flow_line WHERE flow_id = :id"
PAID_LINES = "SELECT count(*) FROM flow_line WHERE flow_id = :id AND payment IN ('paid', 'failed')"


async def _keep_void_cancellation(session: AsyncSession, vault: Vault, flow: Flow) -> None:
    """The platform says cancelled and has paid: the cancellation is void, and the flow ends with a difference."""
    claim = contradictions.Claim(
        county_code=flow.county_code,
        number=flow.flow_no,
        kind="cancelled_but_paid",
        line_key="",
        applied={"outcome": "disbursed"},
        claimed={"outcome": "cancelled"},
        inbox_id=None,
    )
    await contradictions.keep_claim(session, vault, claim)


async def _send_on(session: AsyncSession, vault: Vault, flow: Flow) -> int:
    """Lines that the platform never accepted go to a later batch; their money is free."""
    await execute(
        session,
        "UPDATE application a SET stage = CASE WHEN a.payments > 0 THEN 'failed' ELSE 'pending_settlement' END,"
        " batch_id = NULL, deferred_reason_sealed = :reason, updated_at = now(), version = a.version + 1"
        " FROM flow_line l WHERE l.flow_id = :id AND l.application_id = a.id AND (a.stage = 'in_flow') IS TRUE"
        " AND l.state IN ('unsent', 'held', 'under_review', 'rejected')",
        id=flow.id,
        reason=seal_text(vault, flow.county_code, "流程已结束，转入下批"),
    )
    # frees money: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
    return await execute(
        session,
        "UPDATE flow_line SET state = 'deferred', money = 'released', updated_at = now() WHERE flow_id = :id"
        " AND state IN ('unsent', 'held', 'under_review', 'rejected')",
        id=flow.id,
    )


async def _end_disbursed(session: AsyncSession, vault: Vault, flow: Flow) -> None:
    assert flow.end_claim is not None
    await lock_applications(session, LINES_OF_FLOW, id=flow.id)
    left_over = await _send_on(session, vault, flow)
    await execute(
        session,
        "UPDATE flow_line SET payment = 'unresolved', updated_at = now() WHERE flow_id = :id AND payment = 'awaiting'",
        id=flow.id,
    )
    # frees the money of what failed: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
    await execute(
        session,
        "UPDATE flow_line SET money = 'released', updated_at = now() WHERE flow_id = :id AND payment = 'failed'"
        " AND money = 'reserved'",
        id=flow.id,
    )
    await execute(
        session,
        "UPDATE application a SET stage = 'failed', updated_at = now(), version = a.version + 1 FROM flow_line l"
        " WHERE l.flow_id = :id AND l.application_id = a.id AND l.payment = 'failed' AND (a.stage = 'in_flow') IS TRUE",
        id=flow.id,
    )
    ours = await as_of_end(session, flow)
    same, unresolved = agrees(flow, ours), await unresolved_lines(session, flow)
    open_claims = await contradictions.open_count(session, flow.flow_no)
    balanced = same and not (unresolved or open_claims or left_over)
    await _close(session, vault, flow, "disbursed", balanced, {"ours": ours, "sent_on": left_over})
    await keep_difference(session, vault, flow)
    # Returns come within RETURNS_DAYS after the end: a run of its own watches for them and asks for lost pages.
    await open_run(session, subject_after(flow), FlowStage.ENDED.value)


def subject_after(flow: Flow) -> Subject:
    """The run that goes on for a flow after its end."""
    return Subject(
        kind=RunKind.PAYMENT_CORRECTION,
        number=flow.flow_no,
        county_code=flow.county_code,
        fund_year=flow.fund_year,
        batch_no=flow.batch_no,
    )


async def give_back(session: AsyncSession, vault: Vault, flow: Flow, outcome: str) -> None:
    """A flow that pays nothing: lines stay as cancelled, applications are free again, a batch may be verified anew."""
    await lock_indicators(session, flow)
    await lock_applications(session, LINES_OF_FLOW, id=flow.id)
    await execute(
        session,
        "UPDATE application a SET stage = CASE WHEN a.payments > 0 THEN 'failed' ELSE 'pending_settlement' END,"
        " updated_at = now(), version = a.version + 1 FROM flow_line l"
        " WHERE l.flow_id = :id AND l.application_id = a.id AND (a.stage = 'in_flow') IS TRUE"
        " AND l.state NOT IN ('withdrawn', 'deferred')",
        id=flow.id,
    )
    # frees money: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
    await execute(
        session,
        "UPDATE flow_line SET state = 'cancelled', payment = NULL, money = 'released', updated_at = now()"
        " WHERE flow_id = :id AND state NOT IN ('withdrawn', 'deferred')",
        id=flow.id,
    )
    await _let_go(session, flow)
    await _close(session, vault, flow, outcome, True, None)


async def _let_go(session: AsyncSession, flow: Flow) -> None:
    """What was on its way with a flow that pays nothing: lists, the summary, and the batch."""
    await execute(
        session,
        "UPDATE dataset SET stage = 'refused', refusal_detail = '流程已撤销' WHERE flow_id = :id"
        " AND stage NOT IN ('reviewed', 'refused')",
        id=flow.id,
    )
    await execute(
        session,
        "UPDATE summary SET stage = 'closed' WHERE flow_id = :id AND stage IN ('open', 'county_passed', 'submitted')",
        id=flow.id,
    )
    await execute(session, "UPDATE batch SET stage = 'open', updated_at = now() WHERE id = :batch", batch=flow.batch_id)


async def _close(
    session: AsyncSession, vault: Vault, flow: Flow, outcome: str, balanced: bool, ours: dict[str, object] | None
) -> None:
    figures = None if ours is None else {**ours, "platform": flow.end_claim}
    flow.stage, flow.outcome, flow.balanced, flow.ended_at = FlowStage.ENDED, FlowOutcome(outcome), balanced, now()
    flow.end_figures = figures
    await session.flush()
    await execute(
        session,
        "UPDATE operator_order SET finished_at = now(), outcome = '流程已结束', state = CASE"
        " WHEN kind = 'cancellation' AND state = 'confirmed' AND :outcome = 'cancelled' THEN 'done' ELSE 'failed' END"
        " WHERE flow_id = :id AND state IN ('entered', 'confirmed') AND kind <> 'evidence'",
        id=flow.id,
        outcome=outcome,
    )
    if outcome == "disbursed":
        await execute(
            session, "UPDATE batch SET stage = 'done', updated_at = now() WHERE id = :batch", batch=flow.batch_id
        )
    detail = {"outcome": outcome, "balanced": balanced, **(figures or {"platform": flow.end_claim})}
    await record(session, vault, by_system(flow.county_code, "flow_ended", flow.flow_no, detail))

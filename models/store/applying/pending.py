"""Everything that has come for a run takes effect, in one transaction, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.fault_points import FaultPoint, reach
from models.store.applying.decisions import settle_decided
from models.store.applying.reviews import apply_review
from models.store.cards.results import apply_account_changes as apply_change_results
from models.store.cards.results import apply_invalidation
from models.store.citizens.login_results import apply_faces
from models.store.events.inbox import anything_new, mark_applied, open_event, pending
from models.store.events.references import with_reference
from models.store.flows import payments
from models.store.flows.end import apply_ended
from models.store.flows.payments import apply_payments, lock_flow_and_indicators
from models.store.lists.results import TakenResults, apply_results
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.sql import execute
from models.store.vault import SealBroken, Vault
from models.store.years.moved import moved_year, year_of
from models.tables.flows import Flow
from models.tables.records import Inbox
from models.wire import answers
from models.wire.events import (
    AccountChangeApplied,
    AccountInvalidated,
    DatasetResults,
    Event,
    FaceCompleted,
    FlowEnded,
    FlowPayments,
    IndicatorReviewed,
    PolicyReviewed,
    SummaryReviewed,
)
from models.wire.words import EventType, PlatformOutcome
from models.words.refusals import Refusal
from models.words.stages import FlowStage

AFTER_END = "after the end"
# Of what a list or a flow is told the lines have to be here.
OF_LINES = (RunKind.BENEFICIARY_INIT, RunKind.VERIFICATION, RunKind.SUBSIDY_FLOW, RunKind.PAYMENT_CORRECTION)
OF_FLOW = (RunKind.SUBSIDY_FLOW, RunKind.PAYMENT_CORRECTION)


@dataclass(frozen=True, slots=True)
class Taken:
    inbox_id: int
    event: Event


async def apply_pending_events(session: AsyncSession, vault: Vault, subject: Subject) -> int:
    """Apply all events of a run that had no effect yet, then what reviewers decided; gives the number of events.

    Safe to repeat: an applied event is marked in the same transaction, and two takers of one run take turns.
    """
    number = subject.number
    await hold(session, Rank.RUN, number)
    if not await anything_new(session, number):
        return 0
    if subject.kind in OF_FLOW:
        # before any of its lists, lines or decisions
        await lock_flow_and_indicators(session, number)
    if subject.kind in OF_LINES and await _lines_moved(session, subject):
        return 0
    count = last = 0
    while rows := await pending(session, number, subject.county_code, last):
        last = int(rows[-1].id or 0)
        count += await _take_some(session, vault, subject, rows)
        await _forget(session)
    await settle_decided(session, vault, number)
    await _forget(session)
    reach(FaultPoint.BEFORE_APPLIED)
    return count


async def _lines_moved(session: AsyncSession, subject: Subject) -> bool:
    """What comes years later for lines that have gone takes effect on none: it is kept for a person to decide.

    Asked once the flow is held: who moves a year out has held it, too.
    """
    year = year_of(subject.number)
    if year is None or await moved_year(session, subject.county_code, year) is None:
        return False
    await execute(
        session,
        "UPDATE inbox SET state = 'quarantined', effect = :effect WHERE number = :number AND applied_at IS NULL"
        " AND state IN ('received', 'delivered', 'parked')",
        number=subject.number,
        effect=Refusal.LINES_MOVED.value,
    )
    return True


async def _forget(session: AsyncSession) -> None:
    """Events change rows as objects and by statements: who looks next reads them anew, with memory free of pages."""
    await session.flush()
    session.expunge_all()


async def _take_some(session: AsyncSession, vault: Vault, subject: Subject, rows: Sequence[Inbox]) -> int:
    number = subject.number
    taken = await _readable(session, vault, number, rows)
    effects: dict[int, str] = {}
    effects |= await _take_reviews(session, vault, taken)
    effects |= await _take_results(session, vault, taken)
    effects |= await _take_payments(session, vault, number, taken)
    faces = [(each.inbox_id, each.event.data) for each in taken if isinstance(each.event, FaceCompleted)]
    effects |= await apply_faces(session, vault, faces)
    effects |= await _take_accounts(session, vault, taken)
    for each in taken:
        effects.setdefault(each.inbox_id, "no receiver")
    effects = {inbox_id: effect for inbox_id, effect in effects.items() if effect != AFTER_END}
    await mark_applied(session, effects)
    return len(effects)


async def _readable(session: AsyncSession, vault: Vault, number: str, rows: Sequence[Inbox]) -> list[Taken]:
    """The events in these rows; one outside the contract is quarantined instead of parking the run."""
    taken = []
    for row in rows:
        try:
            event = open_event(vault, row)
            taken.append(Taken(int(row.id or 0), await with_reference(session, event, number)))
        except (ValidationError, SealBroken) as error:
            await execute(
                session,
                "UPDATE inbox SET state = 'quarantined', effect = :effect WHERE id = :id",
                id=row.id,
                effect="UNREADABLE" if isinstance(error, SealBroken) else "outside contract",
            )
    return taken


async def _take_accounts(session: AsyncSession, vault: Vault, taken: Sequence[Taken]) -> dict[int, str]:
    results = [(each.inbox_id, each.event.data) for each in taken if isinstance(each.event, AccountChangeApplied)]
    effects = await apply_change_results(session, vault, results)
    for each in taken:
        if isinstance(each.event, AccountInvalidated):
            effects[each.inbox_id] = await apply_invalidation(session, vault, each.event.data)
    return effects


async def _take_reviews(session: AsyncSession, vault: Vault, taken: Sequence[Taken]) -> dict[int, str]:
    effects = {}
    for each in taken:
        event = each.event
        if isinstance(event, PolicyReviewed | IndicatorReviewed | SummaryReviewed):
            effects[each.inbox_id] = await apply_review(
                session, vault, EventType(event.type), event.data, each.inbox_id
            )
    return effects


async def _take_results(session: AsyncSession, vault: Vault, taken: Sequence[Taken]) -> dict[int, str]:
    pages = [TakenResults(each.inbox_id, each.event.data) for each in taken if isinstance(each.event, DatasetResults)]
    return await apply_results(session, vault, pages)


async def _take_payments(session: AsyncSession, vault: Vault, number: str, taken: Sequence[Taken]) -> dict[int, str]:
    """Payment pages and the end of the flow; without a flow under this number they have no effect."""
    mine = [each for each in taken if isinstance(each.event, FlowPayments | FlowEnded)]
    flow = await lock_flow_and_indicators(session, number) if mine else None
    if flow is None:
        return {each.inbox_id: "unknown flow" for each in mine}
    pages = [
        payments.TakenPayments(each.inbox_id, each.event.data) for each in mine if isinstance(each.event, FlowPayments)
    ]
    last = _last_page(flow, [each.event.data for each in mine if isinstance(each.event, FlowEnded)])
    effects = await apply_payments(session, vault, flow, [each for each in pages if each.page.page <= last])
    # They wait until the books are closed: the run that watches an ended flow takes them in first thing.
    effects |= {each.inbox_id: AFTER_END for each in pages if each.page.page > last}
    for each in mine:
        if isinstance(each.event, FlowEnded):
            effects[each.inbox_id] = await apply_ended(session, vault, flow, each.event.data, each.inbox_id)
    return effects


def _last_page(flow: Flow, ends: Sequence[answers.Flow]) -> float:
    """The last page that the end of an open flow counts; what came at once with the end may be a return after it."""
    if flow.stage is FlowStage.ENDED:
        return inf
    said = [flow.end_claim] if flow.end_claim is not None else [end.model_dump(mode="json") for end in ends]
    counted = [end.get("payment_pages") for end in said if end.get("outcome") == PlatformOutcome.DISBURSED.value]
    return min((pages for pages in counted if pages is not None), default=inf)

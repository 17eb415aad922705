"""Pages of payment results take effect: a higher sequence is news, anything else is history or a contradiction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.contrary import ContraryPayment
from models.store.flows.contrary_payments import (
    NAMED_LINE,
    ReportedPayment,
    differing_payments,
    keep_contrary_payments,
    leave_out_contrary,
    named_lines,
    put_incoming,
)
from models.store.locking import lock_applications, lock_flow, lock_indicators
from models.store.register.payment_notices import tell_failed
from models.store.sql import drop_scratch, execute, fetch_one
from models.store.vault import Vault
from models.tables.flows import Flow
from models.wire import answers
from models.words.stages import FlowStage

# Moves money: by the trigger `flow_line_update` the indicators, locked by `lock_flow_and_indicators`, get reserved
# → paid, a return paid → reserved or, after the end, nothing of it. Of a line's results the highest sequence decides,
# whenever it came; of the same sequence a reviewer's decision, which is younger. Without the last condition an older
# page that comes late would take back what a newer one has said.
_DECIDED = """
UPDATE flow_line l SET payment = n.status, payment_sequence = n.sequence, payment_at = n.at,
  payment_reason_code = n.reason_code, reason_sealed = n.reason_sealed, updated_at = now(),
  money = CASE WHEN n.status = 'paid' THEN 'paid' WHEN CAST(:ended AS boolean) THEN 'released' ELSE 'reserved' END
FROM (
  SELECT DISTINCT ON (p.flow_line_id) p.* FROM {of_lines} JOIN payment p ON p.flow_line_id = l.id
  WHERE l.state = 'accepted' ORDER BY p.flow_line_id, p.sequence DESC, p.id DESC) AS n
WHERE l.id = n.flow_line_id AND (n.sequence > l.payment_sequence OR l.payment IN ('awaiting', 'unresolved'))
"""
# An application goes with its newest line: a return in an old flow must not take one back that a later flow pays. A
# flow that has given it back has no say: it would stand as failed, and be offered to be paid again.
# What is in a batch again, or closed, stays there; what turns out to be paid after all leaves its batch, or would be
# paid twice.
_APPLICATIONS_FOLLOW = """
UPDATE application a SET updated_at = now(), version = a.version + 1, payments = greatest(a.payments, l.attempt),
  stage = CASE WHEN l.payment = 'paid' THEN 'paid' WHEN CAST(:ended AS boolean) THEN 'failed' ELSE 'in_flow' END,
  batch_id = CASE WHEN a.stage = 'in_batch' AND l.payment = 'paid' THEN NULL ELSE a.batch_id END
FROM {of_lines} WHERE a.id = l.application_id AND l.payment IN ('paid', 'failed')
  AND NOT (l.payment = 'failed' AND a.stage IN ('pending_settlement', 'in_batch', 'closed'))
  AND NOT (l.payment = 'paid' AND a.stage = 'evidence_sent')
  AND NOT EXISTS (SELECT 1 FROM flow_line n WHERE n.application_id = a.id AND n.flow_id > l.flow_id
    AND n.state NOT IN ('deferred', 'cancelled'))
"""


@dataclass(frozen=True, slots=True)
class TakenPayments:
    inbox_id: int
    page: answers.PaymentPage


async def apply_payments(
    session: AsyncSession, vault: Vault, flow: Flow, taken: Sequence[TakenPayments]
) -> dict[int, str]:
    """Apply pages of one flow, before or after its end; gives the effect per event."""
    effects, fresh, copies = {}, [], []
    for each in taken:
        effects[each.inbox_id] = effect = await _take_page(session, vault, flow, each)
        if effect == "applied":
            fresh.append(each)
        elif effect == "contradiction":
            copies.append(each)
    # Copies are compared with what stands once the pages that came first are applied.
    contrary = await _apply_pages(session, vault, flow, fresh) if fresh else []
    if copies:
        contrary += await differing_payments(session, vault, flow, [(each.inbox_id, each.page) for each in copies])
    await keep_contrary_payments(session, vault, flow, contrary)
    return effects


async def _apply_pages(
    session: AsyncSession, vault: Vault, flow: Flow, taken: Sequence[TakenPayments]
) -> list[ContraryPayment]:
    """Apply what the pages say; gives what contradicts."""
    entries = [
        ReportedPayment(each.inbox_id, each.page.page, place, payment)
        for each in taken
        for place, payment in enumerate(each.page.payments)
    ]
    await put_incoming(session, vault, entries)
    contrary = await leave_out_contrary(session, flow, entries)
    await _apply_incoming(session, flow)
    await tell_failed(session, vault, flow, named_lines("SELECT application_no, attempt FROM incoming"))
    await drop_scratch(session, "incoming")
    return contrary


async def _take_page(session: AsyncSession, vault: Vault, flow: Flow, taken: TakenPayments) -> str:
    """A page is taken once; under another content of its number the lines that differ are kept and none is applied."""
    content = "".join(payment.model_dump_json() for payment in taken.page.payments)
    digest = vault.digest(content.encode())
    new = await execute(
        session,
        "INSERT INTO payment_page (flow_id, page, content_sha256, inbox_id, taken_at)"
        " VALUES (:flow, :page, :digest, :inbox_id, now()) ON CONFLICT (flow_id, page) DO NOTHING",
        flow=flow.id,
        page=taken.page.page,
        digest=digest,
        inbox_id=taken.inbox_id,
    )
    if new:
        return "applied"
    known = await fetch_one(
        session,
        str,
        "SELECT content_sha256 FROM payment_page WHERE flow_id = :flow AND page = :page",
        flow=flow.id,
        page=taken.page.page,
    )
    return "again" if known == digest else "contradiction"


async def _apply_incoming(session: AsyncSession, flow: Flow) -> None:
    """Keep every result; the newest of a line decides it."""
    await execute(
        session,
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code,"
        " reason_sealed, at, page, source, after_end, taken_at)"
        " SELECT DISTINCT ON (l.id, named.sequence) :flow, l.id, named.sequence, named.status, named.amount_fen,"
        " named.bank_serial_no, named.reason_code, named.reason_sealed, named.at, named.page, 'platform',"
        f" CAST(:ended AS boolean), now() FROM incoming named CROSS JOIN {NAMED_LINE}"
        " ORDER BY l.id, named.sequence, named.page, named.position"
        " ON CONFLICT (flow_line_id, sequence, source) DO NOTHING",
        flow=flow.id,
        ended=flow.stage is FlowStage.ENDED,
    )
    await decide_lines(session, flow, "SELECT application_no, attempt FROM incoming")


async def decide_lines(session: AsyncSession, flow: Flow, lines: str) -> None:
    """Each line takes its newest result; a failed one keeps its money reserved until the flow has ended."""
    ended = flow.stage is FlowStage.ENDED
    of_lines = named_lines(lines)
    await lock_applications(session, f"SELECT l.application_id FROM {of_lines}", flow=flow.id)
    await execute(session, _DECIDED.format(of_lines=of_lines), flow=flow.id, ended=ended)
    await execute(session, _APPLICATIONS_FOLLOW.format(of_lines=of_lines), flow=flow.id, ended=ended)


async def lock_flow_and_indicators(session: AsyncSession, flow_no: str) -> Flow | None:
    """Locked, with the indicators that its lines draw on; None where there is no such flow."""
    flow = await lock_flow(session, Flow.flow_no == flow_no)
    if flow is not None:
        await lock_indicators(session, flow)
    return flow

"""Pages of payment results take effect: a higher sequence is news, anything else is history or a contradiction."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.effects_notices import tell_failed
from models.platform import PaymentPage as Page
from models.stages import FlowStage
from models.store.contradictions import Claim, keep
from models.store.database import Value, execute, fetch, scratch
from models.store.vault import Field, Vault
from models.tables import Flow

COLUMNS = {
    "inbox_id": "bigint",
    "page": "int",
    "position": "int",
    "application_no": "text",
    "attempt": "int",
    "sequence": "int",
    "status": "text",
    "amount_fen": "bigint",
    "bank_serial_no": "text",
    "reason_code": "text",
    "reason_sealed": "text",
    "at": "timestamptz",
}
# What is wrong with a claimed payment, in the order in which it is judged.
CONTRADICTED = """
SELECT i.inbox_id, i.page, i.position,
  CASE WHEN l.id IS NULL THEN 'payment_unknown_line'
       WHEN l.state <> 'accepted' THEN 'payment_not_accepted'
       WHEN l.amount_fen <> i.amount_fen THEN 'payment_amount'
       WHEN i.status = 'paid' AND i.sequence > l.payment_sequence AND EXISTS (SELECT 1 FROM flow_line n
         WHERE n.application_id = l.application_id
         AND n.flow_id > l.flow_id AND n.state NOT IN ('withdrawn', 'deferred', 'cancelled')) THEN 'payment_late'
       WHEN p.id IS NOT NULL AND (p.status <> i.status OR p.reason_code IS DISTINCT FROM i.reason_code
         OR p.bank_serial_no IS DISTINCT FROM i.bank_serial_no) THEN 'payment_content'
       WHEN EXISTS (SELECT 1 FROM incoming o WHERE o.application_no = i.application_no AND o.attempt = i.attempt
         AND o.sequence = i.sequence AND (o.page, o.position) < (i.page, i.position)
         AND (o.status <> i.status OR o.reason_code IS DISTINCT FROM i.reason_code)) THEN 'payment_content'
       WHEN i.status = 'paid' AND l.money = 'released' AND i.sequence > l.payment_sequence
         AND d.total_fen - d.reserved_fen - d.paid_fen
         < sum(i.amount_fen) FILTER (WHERE i.status = 'paid' AND l.money = 'released')
           OVER (PARTITION BY l.indicator_id ORDER BY i.page, i.position) THEN 'payment_over_indicator'
  END AS kind,
  l.payment, l.payment_sequence, l.amount_fen, l.state
FROM incoming i
LEFT JOIN flow_line l ON l.flow_id = :flow AND l.application_no = i.application_no AND l.attempt = i.attempt
LEFT JOIN payment p ON p.flow_line_id = l.id AND p.sequence = i.sequence AND p.source = 'platform'
LEFT JOIN indicator d ON d.id = l.indicator_id
"""


@dataclass(frozen=True, slots=True)
class TakenPage:
    inbox_id: int
    page: Page


async def apply_payments(session: AsyncSession, vault: Vault, flow: Flow, taken: Sequence[TakenPage]) -> dict[int, str]:
    """Apply pages of one flow, before or after its end; gives the effect per event."""
    effects, fresh = {}, []
    for each in taken:
        effects[each.inbox_id] = effect = await _take_page(session, vault, flow, each)
        if effect == "applied":
            fresh.append(each)
    if fresh:
        await execute(session, "DROP TABLE IF EXISTS incoming")
        await scratch(session, "incoming", COLUMNS, _rows(vault, fresh), key="application_no")
        await _keep_contradicted(session, vault, flow, fresh)
        await _apply_incoming(session, flow)
        await tell_failed(session, vault, flow, "SELECT application_no, attempt FROM incoming")
        await execute(session, "DROP TABLE incoming")
    return effects


async def _take_page(session: AsyncSession, vault: Vault, flow: Flow, taken: TakenPage) -> str:
    """A page is taken once; another content under its number is judged line by line like any page."""
    content = "".join(payment.model_dump_json() for payment in taken.page.payments)
    digest = hashlib.sha256(content.encode()).hexdigest()
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
    known = await fetch(
        session,
        "SELECT content_sha256 FROM payment_page WHERE flow_id = :flow AND page = :page",
        flow=flow.id,
        page=taken.page.page,
    )
    if known[0][0] == digest:
        return "again"
    await keep(
        session,
        vault,
        Claim(
            county_code=flow.county_code,
            number=flow.flow_no,
            kind="payment_page",
            line_key=f"page {taken.page.page}",
            applied={"content_sha256": known[0][0]},
            claimed=json.loads(taken.page.model_dump_json()),
            inbox_id=taken.inbox_id,
        ),
    )
    return "contradiction"


def _rows(vault: Vault, taken: Sequence[TakenPage]) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for each in taken:
        for position, payment in enumerate(each.page.payments):
            number, reason = payment.application_no, payment.reason
            rows.append(
                (
                    each.inbox_id,
                    each.page.page,
                    position,
                    number,
                    payment.attempt,
                    payment.sequence,
                    payment.status.value,
                    payment.amount_fen,
                    payment.bank_serial_no,
                    payment.reason_code.value if payment.reason_code else None,
                    vault.seal(Field.REASON, number, reason) if reason else None,
                    payment.at,
                )
            )
    return rows


async def _keep_contradicted(session: AsyncSession, vault: Vault, flow: Flow, taken: Sequence[TakenPage]) -> None:
    claims = {each.inbox_id: each.page for each in taken}
    found = await fetch(session, f"SELECT * FROM ({CONTRADICTED}) AS judged WHERE kind IS NOT NULL", flow=flow.id)
    for inbox_id, page, position, kind, payment, sequence, amount_fen, state in found:
        claim = claims[inbox_id].payments[position]
        await keep(
            session,
            vault,
            Claim(
                county_code=flow.county_code,
                number=flow.flow_no,
                kind=kind,
                line_key=f"{claim.application_no}#{claim.attempt}",
                applied={"state": state, "payment": payment, "sequence": sequence, "amount_fen": amount_fen},
                claimed=claim.model_dump(mode="json") | {"page": page},
                inbox_id=inbox_id,
            ),
        )
        await execute(
            session,
            "DELETE FROM incoming WHERE inbox_id = :inbox_id AND position = :position",
            inbox_id=inbox_id,
            position=position,
        )


async def _apply_incoming(session: AsyncSession, flow: Flow) -> None:
    """Keep every result; the newest of a line decides it."""
    await execute(
        session,
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code,"
        " reason_sealed, at, page, source, after_end, taken_at)"
        " SELECT DISTINCT ON (l.id, i.sequence) :flow, l.id, i.sequence, i.status, i.amount_fen, i.bank_serial_no,"
        " i.reason_code, i.reason_sealed, i.at, i.page, 'platform', CAST(:ended AS boolean), now()"
        " FROM incoming i JOIN flow_line l ON l.flow_id = :flow AND l.application_no = i.application_no"
        " AND l.attempt = i.attempt ORDER BY l.id, i.sequence, i.page, i.position"
        " ON CONFLICT (flow_line_id, sequence, source) DO NOTHING",
        flow=flow.id,
        ended=flow.stage is FlowStage.ENDED,
    )
    await decide_lines(session, flow, "SELECT application_no, attempt FROM incoming")


async def decide_lines(session: AsyncSession, flow: Flow, lines: str) -> None:
    """Each line takes its newest result; a failed one keeps its money reserved until the flow has ended."""
    ended = flow.stage is FlowStage.ENDED
    await execute(
        session,
        "UPDATE flow_line l SET payment = n.status, payment_sequence = n.sequence, payment_at = n.at,"
        " payment_reason_code = n.reason_code, reason_sealed = n.reason_sealed, updated_at = now(),"
        " money = CASE WHEN n.status = 'paid' THEN 'paid' WHEN CAST(:ended AS boolean) THEN 'released'"
        " ELSE 'reserved' END"
        " FROM (SELECT DISTINCT ON (p.flow_line_id) p.* FROM payment p JOIN flow_line f ON f.id = p.flow_line_id"
        f"   JOIN ({lines}) AS named ON named.application_no = f.application_no AND named.attempt = f.attempt"
        "   WHERE f.flow_id = :flow ORDER BY p.flow_line_id, p.sequence DESC, p.id DESC) AS n"
        " WHERE l.id = n.flow_line_id AND (l.state = 'accepted') IS TRUE"
        " AND (n.sequence > l.payment_sequence OR l.payment IN ('awaiting', 'unresolved'))",
        flow=flow.id,
        ended=ended,
    )
    await execute(
        session,
        "UPDATE application a SET updated_at = now(), version = a.version + 1,"
        " payments = greatest(a.payments, l.attempt),"
        " stage = CASE WHEN l.payment = 'paid' THEN 'paid' WHEN CAST(:ended AS boolean) THEN 'failed'"
        " ELSE 'in_flow' END,"
        " batch_id = CASE WHEN a.stage = 'in_batch' AND l.payment = 'paid' THEN NULL ELSE a.batch_id END"
        f" FROM flow_line l JOIN ({lines}) AS named ON named.application_no = l.application_no"
        " AND named.attempt = l.attempt"
        " WHERE l.flow_id = :flow AND a.id = l.application_id AND l.payment IN ('paid', 'failed')"
        " AND NOT (l.payment = 'failed' AND a.stage IN ('in_batch', 'closed'))"
        " AND NOT (l.payment = 'paid' AND a.stage = 'evidence_sent')"
        " AND NOT EXISTS (SELECT 1 FROM flow_line n WHERE n.application_id = a.id AND n.flow_id > l.flow_id)",
        flow=flow.id,
        ended=ended,
    )


async def flow_of(session: AsyncSession, flow_no: str) -> Flow | None:
    statement = select(Flow).where(Flow.flow_no == flow_no).with_for_update()
    return (await session.exec(statement)).first()

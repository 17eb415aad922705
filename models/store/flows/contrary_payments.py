"""Payments that contradict what stands: judged, left out of what is applied, kept line by line with both sides."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.contradictions import PAYMENT_MISSING, Claim, keep_all
from models.store.events.contrary import (
    Content,
    ContraryPayment,
    PaymentKey,
    event_before,
    payment_content,
    payment_key,
)
from models.store.sql import Value, drop_scratch, execute, fetch, fetch_int, scratch
from models.store.vault import Field, Vault
from models.tables.flows import Flow
from models.wire import answers
from models.wire.events import FlowPayments

_COLUMNS = {
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
# A named line, in the flow: one look for each, by its number. A join would go by statistics that may be older than the
# flow: no line of it stands there, and all of them are walked through once for each that is named.
NAMED_LINE = (
    "LATERAL (SELECT * FROM flow_line f WHERE f.application_no = named.application_no AND f.attempt = named.attempt"
    " AND (f.flow_id = :flow) IS TRUE LIMIT 1) AS l"
)
# What is wrong with a claimed payment, in the order in which it is judged.
_CONTRADICTED = f"""
SELECT named.inbox_id, named.position,
  CASE WHEN l.id IS NULL THEN 'payment_unknown_line'
       WHEN l.state <> 'accepted' THEN 'payment_not_accepted'
       WHEN l.amount_fen <> named.amount_fen THEN 'payment_amount'
       WHEN named.status = 'paid' AND named.sequence > l.payment_sequence AND EXISTS (SELECT 1 FROM flow_line n
         WHERE n.application_id = l.application_id
         AND n.flow_id > l.flow_id AND n.state NOT IN ('withdrawn', 'deferred', 'cancelled')) THEN 'payment_late'
       WHEN p.id IS NOT NULL AND (p.status <> named.status OR p.reason_code IS DISTINCT FROM named.reason_code
         OR p.bank_serial_no IS DISTINCT FROM named.bank_serial_no) THEN 'payment_content'
       WHEN EXISTS (SELECT 1 FROM incoming o WHERE o.application_no = named.application_no AND o.attempt = named.attempt
         AND o.sequence = named.sequence AND (o.page, o.position) < (named.page, named.position)
         AND (o.status <> named.status OR o.reason_code IS DISTINCT FROM named.reason_code
           OR o.bank_serial_no IS DISTINCT FROM named.bank_serial_no)) THEN 'payment_content'
       WHEN named.status = 'paid' AND l.money = 'released' AND named.sequence > l.payment_sequence
         AND d.total_fen - d.reserved_fen - d.paid_fen
         < sum(named.amount_fen) FILTER (WHERE named.status = 'paid' AND l.money = 'released')
           OVER (PARTITION BY l.indicator_id ORDER BY named.page, named.position) THEN 'payment_over_indicator'
  END AS kind
FROM incoming named
LEFT JOIN {NAMED_LINE} ON TRUE
LEFT JOIN LATERAL (SELECT * FROM payment p WHERE p.flow_line_id = l.id AND p.sequence = named.sequence
  AND p.source = 'platform' LIMIT 1) p ON TRUE
LEFT JOIN indicator d ON d.id = l.indicator_id
"""
# What stands for a line, and the result that it has under the claimed sequence.
_STANDING = f"""
SELECT l.state, l.payment, l.payment_sequence, l.amount_fen, p.status, p.bank_serial_no, p.reason_code, p.at, p.page
FROM unnest(CAST(:numbers AS text[]), CAST(:attempts AS int[]), CAST(:sequences AS int[]))
  WITH ORDINALITY AS named(application_no, attempt, sequence, place)
LEFT JOIN {NAMED_LINE} ON TRUE
LEFT JOIN LATERAL (SELECT * FROM payment p WHERE p.flow_line_id = l.id AND p.sequence = named.sequence
  ORDER BY p.id DESC LIMIT 1) p ON true
ORDER BY named.place
"""
# Kind of contradiction: a repeated page says it otherwise.
CHANGED = "payment_page"


class _Judged(NamedTuple):
    inbox_id: int
    position: int
    kind: str


class _Standing(NamedTuple):
    """A line of a claimed payment, NULL for one that is not there, and its result of that sequence, if it has one."""

    state: str | None
    payment: str | None
    payment_sequence: int | None
    amount_fen: int | None
    status: str | None
    bank_serial_no: str | None
    reason_code: str | None
    at: datetime | None
    page: int | None


def named_lines(names: str) -> str:
    """For FROM: `l`, the flow's lines that a statement names by application_no and attempt."""
    return f"({names}) AS named CROSS JOIN {NAMED_LINE}"


class ReportedPayment(NamedTuple):
    """One payment of a page that came as an event."""

    inbox_id: int
    page: int
    position: int
    payment: answers.Payment


async def put_incoming(session: AsyncSession, vault: Vault, entries: Sequence[ReportedPayment]) -> None:
    await scratch(session, "incoming", _COLUMNS, [_row(vault, each) for each in entries], key="application_no")


def _row(vault: Vault, entry: ReportedPayment) -> tuple[Value, ...]:
    payment = entry.payment
    number, reason = payment.application_no, payment.reason
    return (
        entry.inbox_id,
        entry.page,
        entry.position,
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


async def leave_out_contrary(
    session: AsyncSession, flow: Flow, entries: Sequence[ReportedPayment]
) -> list[ContraryPayment]:
    """Take what contradicts out of `incoming`; the rest is news."""
    kinds = await _judged(session, flow)
    contrary = [each for each in entries if (each.inbox_id, each.position) in kinds]
    if contrary:
        await execute(
            session,
            "DELETE FROM incoming i USING unnest(CAST(:ids AS bigint[]), CAST(:places AS int[])) AS c(id, place)"
            " WHERE i.inbox_id = c.id AND i.position = c.place",
            ids=[each.inbox_id for each in contrary],
            places=[each.position for each in contrary],
        )
    return [_contrary(each, kinds[each.inbox_id, each.position], None) for each in contrary]


async def _judged(session: AsyncSession, flow: Flow) -> dict[tuple[int, int], str]:
    """(event, position) -> what is wrong with it."""
    statement = f"SELECT * FROM ({_CONTRADICTED}) AS judged WHERE kind IS NOT NULL"
    rows = await fetch(session, _Judged, statement, flow=flow.id)
    return {(row.inbox_id, row.position): row.kind for row in rows}


def _contrary(entry: ReportedPayment, kind: str, first: answers.Payment | None) -> ContraryPayment:
    return ContraryPayment(entry.inbox_id, entry.page, payment_key(entry.payment), kind, entry.payment, first)


async def differing_payments(
    session: AsyncSession, vault: Vault, flow: Flow, copies: Sequence[tuple[int, answers.PaymentPage]]
) -> list[ContraryPayment]:
    """The payments of changed pages that their first ones say otherwise or don't have, and those left out."""
    contrary: list[ContraryPayment] = []
    changed: list[tuple[ReportedPayment, answers.Payment | None]] = []
    for inbox_id, page in copies:
        first = await _first_of(session, vault, flow, page.page)
        said = {payment_key(payment) for payment in page.payments}
        contrary += [
            ContraryPayment(inbox_id, page.page, key, PAYMENT_MISSING, None, payment)
            for key, payment in first.items()
            if key not in said
        ]
        entries = (ReportedPayment(inbox_id, page.page, place, payment) for place, payment in enumerate(page.payments))
        changed += [
            (each, before) for each in entries if (before := first.get(payment_key(each.payment))) != each.payment
        ]
    await put_incoming(session, vault, [each for each, _ in changed])
    kinds = await _judged(session, flow)
    await drop_scratch(session, "incoming")
    return contrary + [
        _contrary(each, kinds.get((each.inbox_id, each.position), CHANGED), before) for each, before in changed
    ]


async def _first_of(session: AsyncSession, vault: Vault, flow: Flow, page: int) -> dict[PaymentKey, answers.Payment]:
    taken_from = await fetch_int(
        session, "SELECT inbox_id FROM payment_page WHERE flow_id = :id AND page = :page", id=flow.id, page=page
    )
    event = await event_before(session, vault, taken_from)
    return {payment_key(payment): payment for payment in event.data.payments} if isinstance(event, FlowPayments) else {}


async def keep_contrary_payments(
    session: AsyncSession, vault: Vault, flow: Flow, contrary: Sequence[ContraryPayment]
) -> None:
    """Each payment once, beside what stands for its line; one that came in another page and says the same is none."""
    if not contrary:
        return
    rows = await fetch(
        session,
        _Standing,
        _STANDING,
        flow=flow.id,
        numbers=[each.key[0] for each in contrary],
        attempts=[each.key[1] for each in contrary],
        sequences=[each.key[2] for each in contrary],
    )
    claims = [
        Claim(
            county_code=flow.county_code,
            number=flow.flow_no,
            kind=each.kind,
            line_key=f"{each.key[0]}#{each.key[1]}",
            applied=_standing_content(row, each.first),
            claimed=payment_content(each.key, each.said, each.page),
            inbox_id=each.inbox_id,
        )
        for each, row in zip(contrary, rows, strict=True)
        if not (each.kind == CHANGED and each.first is None and each.said is not None and _stands(row, each.said))
    ]
    await keep_all(session, vault, claims)


def _stands(row: _Standing, said: answers.Payment) -> bool:
    code = said.reason_code.value if said.reason_code else None
    return (row.status, row.bank_serial_no, row.reason_code) == (said.status.value, said.bank_serial_no, code)


def _standing_content(row: _Standing, first: answers.Payment | None) -> Content:
    """The line as it stands, and its result under the same sequence: in the first page's words where it still does."""
    line = {
        "state": row.state,
        "payment": row.payment,
        "payment_sequence": row.payment_sequence,
        "amount_fen": row.amount_fen,
    }
    if first is not None and _stands(row, first):
        return first.model_dump(mode="json") | line
    result = {name: getattr(row, name) for name in ("status", "bank_serial_no", "reason_code", "at", "page")}
    return line | (result if row.status is not None else {})

"""A reviewer's decision on a contradiction: the applied answer stays, or the claimed one replaces it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from activities.effects_payments import decide_lines, flow_of
from models.platform import Payment, PaymentPage
from models.store.contradictions import decided, open_content
from models.store.database import execute, fetch_one
from models.store.vault import Field, Vault
from models.tables import Contradiction, Flow

CLAIMED = "claimed"
Content = dict[str, Any]


async def settle_decided(session: AsyncSession, vault: Vault, number: str) -> None:
    for row in await decided(session, number):
        if row.taken == CLAIMED:
            await EFFECTS.get(row.kind, _nothing)(session, vault, row, open_content(vault, row, row.claimed_sealed))
        await execute(session, "UPDATE contradiction SET state = 'settled' WHERE id = :id", id=row.id)


async def _nothing(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    """Page counts, end figures and unknown lines have nothing in our rows that could be replaced."""


async def _take_review(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    """A policy or indicator takes the claimed decision while no flow uses it."""
    table = "policy" if row.kind.startswith("policy") else "indicator"
    await execute(
        session,
        f"UPDATE {table} t SET stage = :stage, opinion = :opinion, updated_at = now() WHERE {table}_no = :number"
        f" AND NOT EXISTS (SELECT 1 FROM flow_{table} u WHERE u.{table}_id = t.id)",
        stage=claimed["status"],
        opinion=claimed.get("opinion"),
        number=row.number,
    )


async def _take_summary(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    """A summary takes the claimed decision as long as nobody has confirmed the payment."""
    await execute(
        session,
        "UPDATE summary s SET stage = :stage, platform_opinion = :opinion FROM flow f WHERE f.id = s.flow_id"
        " AND f.flow_no = :number AND s.number = f.summary_no AND s.stage IN ('approved', 'rejected')"
        " AND f.stage <> 'ended'",
        stage=claimed["status"],
        opinion=claimed.get("opinion"),
        number=row.number,
    )


async def _take_result(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    """A line takes the claimed result while it hasn't gone on: not verified away, not summed up, not paid."""
    reference, _, number = row.line_key.partition("#")
    dataset = await fetch_one(session, "SELECT id, kind, flow_id FROM dataset WHERE reference = :r", r=reference)
    if dataset is None:
        return
    reason = claimed.get("reason")
    sealed = vault.seal(Field.REASON, number, str(reason)) if reason else None
    values = {"number": number, "outcome": str(claimed["outcome"]), "reason": sealed}
    await execute(
        session,
        "UPDATE dataset_line SET outcome = :outcome, reason_code = :code, reason_sealed = :reason"
        " WHERE dataset_id = :dataset AND application_no = :number",
        dataset=dataset[0],
        code=claimed.get("reason_code"),
        **values,
    )
    if dataset[1] == "verification":
        await execute(
            session,
            "UPDATE application SET verification = :outcome, verification_reason_sealed = :reason, updated_at = now()"
            " WHERE application_no = :number AND stage = 'in_batch'",
            **values,
        )
    elif dataset[1] == "beneficiary_init":
        correct = claimed.get("correct_name")
        await execute(
            session,
            "UPDATE application SET stage = CASE :outcome WHEN 'matched' THEN 'matched' ELSE 'unmatched' END,"
            " match_outcome = :outcome, correct_name_sealed = :correct, updated_at = now()"
            " WHERE application_no = :number AND stage IN ('matched', 'unmatched')",
            number=number,
            outcome=values["outcome"],
            correct=vault.seal(Field.NAME, number, str(correct)) if correct else None,
        )
    else:
        await execute(
            session,
            "UPDATE flow_line l SET state = :outcome, reason_code = :code, reason_sealed = :reason,"
            " payment = CASE :outcome WHEN 'accepted' THEN 'awaiting' END, updated_at = now() FROM flow f"
            " WHERE l.flow_id = f.id AND f.id = :flow AND l.application_no = :number"
            " AND l.state IN ('accepted', 'rejected') AND f.stage IN ('settling', 'under_review', 'county_review')",
            flow=dataset[2],
            code=claimed.get("reason_code"),
            **values,
        )


async def _take_payment(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    await _pay_as_claimed(session, vault, row, [Payment.model_validate_json(_as_json(claimed))])


async def _take_page(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> None:
    page = PaymentPage.model_validate_json(_as_json(claimed))
    await _pay_as_claimed(session, vault, row, list(page.payments))


async def _pay_as_claimed(session: AsyncSession, vault: Vault, row: Contradiction, payments: list[Payment]) -> None:
    """The claim joins the line's history as a decision and decides it; the amount stays the line's whole."""
    flow = await flow_of(session, row.number)
    if flow is None:
        return
    for payment in payments:
        await _insert_decision(session, vault, flow, payment)
        await execute(
            session,
            "UPDATE flow_line SET payment_sequence = :sequence - 1 WHERE flow_id = :flow AND state = 'accepted'"
            " AND application_no = :number AND attempt = :attempt AND payment_sequence <= :sequence",
            flow=flow.id,
            number=payment.application_no,
            attempt=payment.attempt,
            sequence=payment.sequence,
        )
    await execute(session, "CREATE TEMPORARY TABLE claimed_line (application_no text, attempt int) ON COMMIT DROP")
    for payment in payments:
        await execute(
            session,
            "INSERT INTO claimed_line VALUES (:number, :attempt)",
            number=payment.application_no,
            attempt=payment.attempt,
        )
    await decide_lines(session, flow, "SELECT DISTINCT application_no, attempt FROM claimed_line")
    await execute(session, "DROP TABLE claimed_line")


async def _insert_decision(session: AsyncSession, vault: Vault, flow: Flow, payment: Payment) -> None:
    await execute(
        session,
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code,"
        " reason_sealed, at, source, after_end, taken_at) SELECT :flow, l.id, :sequence, :status, l.amount_fen,"
        " :serial, :code, :reason, :at, 'decision', CAST(:ended AS boolean), now() FROM flow_line l"
        " WHERE l.flow_id = :flow AND l.application_no = :number AND l.attempt = :attempt AND l.state = 'accepted'"
        " ON CONFLICT (flow_line_id, sequence, source) DO NOTHING",
        flow=flow.id,
        number=payment.application_no,
        attempt=payment.attempt,
        sequence=payment.sequence,
        status=payment.status.value,
        serial=payment.bank_serial_no,
        code=payment.reason_code.value if payment.reason_code else None,
        reason=vault.seal(Field.REASON, payment.application_no, payment.reason) if payment.reason else None,
        at=payment.at,
        ended=flow.stage == "ended",
    )


def _as_json(content: Content) -> bytes:
    return json.dumps(content).encode()


Settle = Callable[[AsyncSession, Vault, Contradiction, Content], Awaitable[None]]
EFFECTS: dict[str, Settle] = {
    "policy.reviewed": _take_review,
    "indicator.reviewed": _take_review,
    "flow.summary.reviewed": _take_summary,
    "result_line": _take_result,
    "payment_content": _take_payment,
    "payment_amount": _take_payment,
    "payment_over_indicator": _take_payment,
    "payment_page": _take_page,
}

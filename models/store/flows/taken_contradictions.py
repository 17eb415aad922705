"""A claimed payment result that a reviewer took: it joins the line's history and decides the line."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.flows.contrary_payments import CHANGED, named_lines
from models.store.flows.payments import decide_lines, lock_flow_and_indicators
from models.store.register.payment_notices import tell_failed
from models.store.sql import drop_scratch, execute, fetch_int, scratch
from models.store.vault import Field, Vault
from models.tables.flows import Contradiction, Flow
from models.wire import answers
from models.words.stages import FlowStage

SENT_AGAIN = "该申请已在后续流程中补发，采纳会重复发放；请改为保留现有结果"
TAKEN_OTHERWISE = "同一笔的同一次结果已按另一件来件裁定入账，两件内容不同；请改为保留现有结果"
Content = dict[str, Any]


async def _take_payment(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    payment = answers.Payment.model_validate_json(json.dumps(claimed))
    return await _pay_as_claimed(session, vault, row, payment)


async def _pay_as_claimed(
    session: AsyncSession, vault: Vault, row: Contradiction, payment: answers.Payment
) -> str | None:
    """The amount stays the line's whole; what would pay an application twice is not taken."""
    flow = await lock_flow_and_indicators(session, row.number)
    assert flow is not None, "a contradiction of a flow's payments belongs to a flow"
    line = (payment.application_no, payment.attempt, payment.sequence, payment.status.value)
    columns = {"application_no": "text", "attempt": "int", "sequence": "int", "status": "text"}
    await scratch(session, "claimed_line", columns, [line])
    for hindrance, lines_hindered in ((SENT_AGAIN, SENT_AGAIN_LINES), (TAKEN_OTHERWISE, TAKEN_OTHERWISE_LINES)):
        if await fetch_int(session, lines_hindered, flow=flow.id):
            await drop_scratch(session, "claimed_line")
            return hindrance
    await _insert_decision(session, vault, flow, payment)
    await execute(
        session,
        "UPDATE flow_line l SET payment_sequence = c.sequence - 1 FROM claimed_line c"
        " WHERE (l.flow_id = :flow) IS TRUE AND l.state = 'accepted' AND l.application_no = c.application_no"
        " AND l.attempt = c.attempt AND l.payment_sequence <= c.sequence",
        flow=flow.id,
    )
    await decide_lines(session, flow, "SELECT application_no, attempt FROM claimed_line")
    await tell_failed(session, vault, flow, named_lines("SELECT application_no, attempt FROM claimed_line"))
    await drop_scratch(session, "claimed_line")
    return None


SENT_AGAIN_LINES = """
SELECT count(*) FROM claimed_line c
JOIN flow_line l ON l.application_no = c.application_no AND l.attempt = c.attempt AND (l.flow_id = :flow) IS TRUE
JOIN flow_line n ON n.application_id = l.application_id AND n.flow_id > l.flow_id
WHERE c.status = 'paid' AND l.payment IS DISTINCT FROM 'paid' AND n.state NOT IN ('withdrawn', 'deferred', 'cancelled')
"""
# A line's result of one sequence is decided once: a second decision would be shown as taken and change nothing.
TAKEN_OTHERWISE_LINES = """
SELECT count(*) FROM claimed_line c
JOIN flow_line l ON l.application_no = c.application_no AND l.attempt = c.attempt AND (l.flow_id = :flow) IS TRUE
JOIN payment p ON p.flow_line_id = l.id AND p.sequence = c.sequence AND p.source = 'decision' AND p.status <> c.status
"""


async def _insert_decision(session: AsyncSession, vault: Vault, flow: Flow, payment: answers.Payment) -> None:
    await execute(
        session,
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code,"
        " reason_sealed, at, source, after_end, taken_at) SELECT :flow, l.id, :sequence, :status, l.amount_fen,"
        " :serial, :code, :reason, :at, 'decision', CAST(:ended AS boolean), now() FROM flow_line l"
        " WHERE (l.flow_id = :flow) IS TRUE AND l.application_no = :number AND l.attempt = :attempt"
        " AND l.state = 'accepted'"
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
        ended=flow.stage is FlowStage.ENDED,
    )


PAYMENT_CLAIMS: dict[str, Callable[[AsyncSession, Vault, Contradiction, Content], Awaitable[str | None]]] = {
    "payment_content": _take_payment,
    "payment_amount": _take_payment,
    "payment_late": _take_payment,
    "payment_over_indicator": _take_payment,
    CHANGED: _take_payment,
}

"""In which flows an application was sent and paid: what the platform said of it each time (S1 2.7, 2.8)."""

from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.payment_results import results_of
from api.applications.views import LineRow
from api.counter.names import Names
from models.forms import identity
from models.store.sql import loose
from models.store.vault import Field, Vault
from models.words.flow_words import FAILURES, MODES, explain_payment, status_of, submission_failure
from models.words.stages import FlowStage, LineState, PaymentState

_LINES = """
SELECT a.id, f.flow_no, f.fund_year, f.batch_no, f.stage AS flow_stage, a.application_no, a.attempt, a.bank_code,
  a.account_sealed, a.amount_fen, a.state, a.mode, a.reason_code, a.reason_sealed, a.payment, a.payment_reason_code,
  a.payment_at, a.evidence_sent_at, a.updated_at,
  (a.account_index, a.bank_code) IS DISTINCT FROM (p.account_index, p.bank_code) AS other
FROM flow_line a JOIN flow f ON f.id = a.flow_id JOIN application p ON p.id = a.application_id
WHERE a.application_id = :application ORDER BY a.id DESC
"""


async def flows_of(
    session: AsyncSession, vault: Vault, names: Names, application: LineRow, *, whole: bool, may_know: bool
) -> list[dict[str, object]]:
    """The newest first, each with its payments as they came; bank and account are those that were sent.

    Who filled in a stranger's application (`may_know` false) doesn't learn of the account that the register has.
    """
    lines = await loose(session, _LINES, application=application.id)
    paid = [line.id for line in lines if line.payment is not None]
    results = await results_of(session, vault, paid, application.application_no) if paid else {}
    return [
        {
            **_line(vault, names, line, whole=whole, hidden=line.other and not may_know),
            "payments": results.get(line.id, []),
        }
        for line in lines
    ]


def _line(vault: Vault, names: Names, line: LineRow, *, whole: bool, hidden: bool) -> dict[str, object]:
    number = line.application_no
    account = vault.open(Field.ACCOUNT, number, line.account_sealed)
    reason = vault.open(Field.REASON, number, line.reason_sealed) if line.reason_sealed else None
    return {
        "flow_no": line.flow_no,
        "fund_year": line.fund_year,
        "batch_no": line.batch_no,
        **status_of(FlowStage(line.flow_stage)),
        "attempt": line.attempt,
        "bank": None if hidden else names.bank(line.bank_code),
        "account_no": None if hidden else account if whole else identity.mask_account_no(account),
        "other_account": line.other and not hidden,
        "amount_fen": line.amount_fen,
        "state": line.state,
        "state_label": LineState(line.state).label,
        "mode": line.mode,
        "mode_label": MODES.get(line.mode or ""),
        "reason_code": line.reason_code,
        "reason": submission_failure(line.payment, line.reason_code, reason),
        "payment": line.payment,
        "payment_label": PaymentState(line.payment).label if line.payment else None,
        "payment_reason": FAILURES.get(line.payment_reason_code or ""),
        "explanation": explain_payment(line.payment, line.payment_reason_code, reason),
        "payment_at": line.payment_at,
        "evidence_sent_at": line.evidence_sent_at,
        "updated_at": line.updated_at,
    }

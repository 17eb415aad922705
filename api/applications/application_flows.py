"""In which flows an application was sent and paid: what the platform said of it each time (S1 2.7, 2.8)."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.application_rows import ApplicationRow
from api.applications.payment_results import PaymentResult, results_of
from api.applications.person import account_of, reason_of
from api.counter.names import Names
from models.store.sql import fetch
from models.store.vault import Vault
from models.wire.words import RoundMode
from models.words.flow_words import FAILURES, MODES, explain_payment, status_of, submission_failure
from models.words.labelled import label_of
from models.words.stages import FlowStage, LineState, PaymentState

_LINES = """
SELECT a.id, f.flow_no, f.fund_year, f.batch_no, f.stage AS flow_stage, a.application_no, a.attempt, a.bank_code,
  a.account_sealed, a.amount_fen, a.state, a.mode, a.reason_code, a.reason_sealed, a.payment, a.payment_reason_code,
  a.payment_at, a.evidence_sent_at, a.updated_at,
  (a.account_index, a.bank_code) IS DISTINCT FROM (p.account_index, p.bank_code) AS other
FROM flow_line a JOIN flow f ON f.id = a.flow_id JOIN application p ON p.id = a.application_id
WHERE a.application_id = :application ORDER BY a.id DESC
"""


class _Line(NamedTuple):
    id: int
    flow_no: str
    fund_year: int
    batch_no: str
    flow_stage: str
    application_no: str
    attempt: int
    bank_code: str
    account_sealed: str
    amount_fen: int
    state: str
    mode: str | None
    reason_code: str | None
    reason_sealed: str | None
    payment: str | None
    payment_reason_code: str | None
    payment_at: datetime | None
    evidence_sent_at: datetime | None
    updated_at: datetime
    other: bool


class _SentLine(TypedDict):
    flow_no: Annotated[str, Field(description="补贴流程编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    batch_no: Annotated[str, Field(description="结算批次")]
    status: Annotated[Literal["active", "ended"], Field(description="发放流程状态")]
    status_label: str
    attempt: Annotated[int, Field(description="第几次发放，补发大于 1")]
    bank: Annotated[str | None, Field(description="报送的开户行")]
    account_no: Annotated[str | None, Field(description="报送的账号；代填人不知道的登记账号为空")]
    other_account: Annotated[bool, Field(description="报送的账号是否与所填不同")]
    amount_fen: Annotated[int, Field(description="金额（分）")]
    state: Annotated[LineState, Field(description="报送状态")]
    state_label: str
    mode: Annotated[RoundMode | None, Field(description="最近一次报送的方式")]
    mode_label: str | None
    reason_code: Annotated[str | None, Field(description="平台给出的原因代码")]
    reason: Annotated[str | None, Field(description="提交失败原因")]
    payment: Annotated[PaymentState | None, Field(description="发放状态")]
    payment_label: str | None
    payment_reason: Annotated[str | None, Field(description="发放失败原因")]
    explanation: Annotated[str | None, Field(description="发放成功（失败）说明")]
    payment_at: Annotated[datetime | None, Field(description="银行办理时间")]
    evidence_sent_at: Annotated[datetime | None, Field(description="材料提交时间")]
    updated_at: datetime


class SentInFlow(_SentLine):
    payments: Annotated[list[PaymentResult], Field(description="先后到达的全部发放结果")]


async def flows_of(
    session: AsyncSession, vault: Vault, names: Names, application: ApplicationRow, *, whole: bool, may_know: bool
) -> list[SentInFlow]:
    """The newest first, each with its payments as they came; bank and account are those that were sent.

    Who filled in a stranger's application (`may_know` false) doesn't learn of the account that the register has.
    """
    lines = await fetch(session, _Line, _LINES, application=application.id)
    paid = [line.id for line in lines if line.payment is not None]
    results = await results_of(session, vault, paid, application.application_no) if paid else {}
    return [
        {
            **_sent(vault, names, line, whole=whole, hidden=line.other and not may_know),
            "payments": results.get(line.id, []),
        }
        for line in lines
    ]


def _sent(vault: Vault, names: Names, line: _Line, *, whole: bool, hidden: bool) -> _SentLine:
    number = line.application_no
    account = account_of(vault, number, line.account_sealed, whole=whole)
    reason = reason_of(vault, number, line.reason_sealed)
    state, payment = LineState(line.state), PaymentState(line.payment) if line.payment else None
    return {
        "flow_no": line.flow_no,
        "fund_year": line.fund_year,
        "batch_no": line.batch_no,
        **status_of(FlowStage(line.flow_stage)),
        "attempt": line.attempt,
        "bank": None if hidden else names.bank(line.bank_code),
        "account_no": None if hidden else account,
        "other_account": line.other and not hidden,
        "amount_fen": line.amount_fen,
        "state": state,
        "state_label": state.label,
        "mode": RoundMode(line.mode) if line.mode else None,
        "mode_label": label_of(MODES, line.mode),
        "reason_code": line.reason_code,
        "reason": submission_failure(line.payment, line.reason_code, reason),
        "payment": payment,
        "payment_label": payment.label if payment else None,
        "payment_reason": label_of(FAILURES, line.payment_reason_code),
        "explanation": explain_payment(line.payment, line.payment_reason_code, reason),
        "payment_at": line.payment_at,
        "evidence_sent_at": line.evidence_sent_at,
        "updated_at": line.updated_at,
    }

"""How a flow's line is shown: masked, with what the platform said of it and what it pays otherwise than typed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from api.applications.person import MaskedPerson, account_of, reason_of, shown_person
from api.counter.names import Names
from models.store.batches.held import why_held
from models.store.vault import Vault
from models.wire.words import RoundMode
from models.words.flow_words import APPLICANTS, FAILURES, MODES, HeldBy, explain_payment, submission_failure
from models.words.labelled import label_of
from models.words.stages import LineState, Money, PaymentState, Verification

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "registered_note": "与申请所填不同",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "attempt": "第几次发放",
    "verification_label": "大数据校验",
    "state_label": "提交状态",
    "held_label": "暂缓原因",
    "mode_label": "提交方式",
    "reason": "提交失败原因",
    "payment_label": "发放结果",
    "explanation": "发放说明",
    "indicator_no": "指标",
    "updated_at": "更新时间",
}
# What the application names, where its line has the register's account; looked up for the lines of a page only.
_TYPED = """
(SELECT jsonb_build_object('bank_code', p.bank_code, 'account_sealed', p.account_sealed) FROM application p
  WHERE p.id = a.application_id AND (p.account_index, p.bank_code) IS DISTINCT FROM (a.account_index, a.bank_code))
"""
FLOW_LINES = f"""
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code,
  a.village_code, a.bank_code, a.item_code, a.amount_fen, a.attempt, a.verification, a.state, a.mode,
  a.reason_code, a.reason_sealed, a.money, a.payment, a.payment_reason_code, a.payment_at, a.evidence_sent_at,
  a.updated_at, i.indicator_no, e.flow_no AS repays_flow_no, {_TYPED} AS typed,
  {why_held("a")} AS held_by
FROM flow_line a JOIN indicator i ON i.id = a.indicator_id LEFT JOIN flow e ON e.id = a.repays_flow_id
"""


class _Typed(TypedDict):
    bank_code: str
    account_sealed: str


class FlowLineRow(NamedTuple):
    id: int
    application_no: str
    applicant_kind: str
    name_sealed: str
    id_number_sealed: str
    account_sealed: str
    town_code: str
    village_code: str
    bank_code: str
    item_code: str
    amount_fen: int
    attempt: int
    verification: str
    state: str
    mode: str | None
    reason_code: str | None
    reason_sealed: str | None
    money: str
    payment: str | None
    payment_reason_code: str | None
    payment_at: datetime | None
    evidence_sent_at: datetime | None
    updated_at: datetime
    indicator_no: str
    repays_flow_no: str | None
    typed: _Typed | None
    held_by: str | None


class _Where(TypedDict):
    town_code: str
    town: Annotated[str, Field(description="乡镇")]
    village: Annotated[str, Field(description="村")]
    bank_code: str
    bank: Annotated[str, Field(description="一卡通开户行")]
    item_code: str
    item: Annotated[str, Field(description="补贴项目")]


class _OtherAccount(TypedDict):
    other_account: Annotated[bool, Field(description="发放的登记账号是否与申请所填不同")]
    registered_note: Annotated[str | None, Field(description="不同在哪里")]


class _Progress(TypedDict):
    verification: Verification
    verification_label: Annotated[str, Field(description="大数据校验")]
    state: LineState
    state_label: Annotated[str, Field(description="提交状态")]
    held_by: Annotated[HeldBy | None, Field(description="为何暂缓；不在暂缓的为空，即将恢复提交的也为空")]
    held_label: Annotated[str | None, Field(description="暂缓原因")]
    mode: Annotated[RoundMode | None, Field(description="最近一次提交的方式，还没有提交的为空")]
    mode_label: str | None
    money: Annotated[Money, Field(description="金额在指标上：占用、支付或释放")]
    payment: Annotated[PaymentState | None, Field(description="发放结果，平台还没有受理的为空")]
    payment_label: str | None
    payment_reason_code: Annotated[str | None, Field(description="发放失败原因代码")]
    payment_reason: str | None
    payment_at: Annotated[datetime | None, Field(description="银行办理时间")]


class FlowLineView(MaskedPerson, _Where, _OtherAccount, _Progress):
    """流程中的一笔申请，个人信息已遮掩。"""

    application_no: str
    applicant_kind: Annotated[str, Field(description="personal 个人，organization 组织")]
    kind_label: str
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    attempt: Annotated[int, Field(description="第几次发放，补发大于 1")]
    repays_flow_no: Annotated[str | None, Field(description="补发的是哪个流程中发放失败的")]
    reason_code: Annotated[str | None, Field(description="平台给出的原因代码")]
    reason: Annotated[str | None, Field(description="提交失败原因")]
    explanation: Annotated[str | None, Field(description="发放成功（失败）说明")]
    indicator_no: Annotated[str, Field(description="占用的指标")]
    evidence_sent_at: Annotated[datetime | None, Field(description="材料提交时间")]
    updated_at: datetime


def flow_line_view(vault: Vault, names: Names, row: FlowLineRow) -> FlowLineView:
    number = row.application_no
    reason = reason_of(vault, number, row.reason_sealed)
    return {
        "application_no": number,
        "applicant_kind": row.applicant_kind,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        **shown_person(vault, row),
        **_where(names, row),
        **_typed_otherwise(vault, names, row),
        "amount_fen": row.amount_fen,
        "attempt": row.attempt,
        "repays_flow_no": row.repays_flow_no,
        **_progress(row),
        "reason_code": row.reason_code,
        "reason": submission_failure(row.payment, row.reason_code, reason),
        "explanation": explain_payment(row.payment, row.payment_reason_code, reason),
        "indicator_no": row.indicator_no,
        "evidence_sent_at": row.evidence_sent_at,
        "updated_at": row.updated_at,
    }


def _where(names: Names, row: FlowLineRow) -> _Where:
    return {
        "town_code": row.town_code,
        "town": names.place(row.town_code),
        "village": names.place(row.village_code),
        "bank_code": row.bank_code,
        "bank": names.bank(row.bank_code),
        "item_code": row.item_code,
        "item": names.item(row.item_code),
    }


def _typed_otherwise(vault: Vault, names: Names, row: FlowLineRow) -> _OtherAccount:
    """What the application names, where another account is paid."""
    if row.typed is None:
        return {"other_account": False, "registered_note": None}
    masked = account_of(vault, row.application_no, row.typed["account_sealed"])
    typed = f"{names.bank(row.typed['bank_code'])} {masked}"
    return {"other_account": True, "registered_note": f"发放以登记账号为准，申请所填为{typed}"}


def _progress(row: FlowLineRow) -> _Progress:
    verification, state = Verification(row.verification), LineState(row.state)
    payment = PaymentState(row.payment) if row.payment else None
    held_by = HeldBy(row.held_by) if row.held_by else None
    return {
        "verification": verification,
        "verification_label": verification.label,
        "state": state,
        "state_label": state.label,
        "held_by": held_by,
        "held_label": held_by.label if held_by else None,
        "mode": RoundMode(row.mode) if row.mode else None,
        "mode_label": label_of(MODES, row.mode),
        "money": Money(row.money),
        "payment": payment,
        "payment_label": payment.label if payment else None,
        "payment_reason_code": row.payment_reason_code,
        "payment_reason": label_of(FAILURES, row.payment_reason_code),
        "payment_at": row.payment_at,
    }

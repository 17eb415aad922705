"""Whom an order is about, beside each of its lines: what a reviewer must see to decide (S1 2.7)."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.applications.person import name_of, reason_of
from api.counter.names import Names
from api.orders.order_rows import OrderLineRow, OtherRow
from models.forms.money import told_yuan
from models.store.vault import Vault
from models.words.flow_words import APPLICANTS, submission_failure
from models.words.labelled import label_of
from models.words.stages import ApplicationStage, LineState, Verification

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "town": "乡镇",
    "bank": "一卡通开户行",
    "item": "补贴项目",
    "amount_fen": "金额（元）",
    "verification_label": "校验结果",
    "verification_reason": "校验结果说明",
    "state_label": "提交状态",
    "reason": "提交失败原因",
    "others_words": "同人其他申请",
}


class OtherApplication(TypedDict):
    """同一人的另一份申请。"""

    stage: ApplicationStage
    fund_year: Annotated[int, Field(description="资金年度")]
    item_code: str
    amount_fen: Annotated[int, Field(description="金额（分）")]
    application_no: str
    item: Annotated[str, Field(description="补贴项目")]
    stage_label: str


class OrderPerson(TypedDict):
    application_no: str
    kind_label: Annotated[str, Field(description="个人或组织")]
    name: Annotated[str, Field(description="姓名或组织名称；给操作员和审核人看全名，其余遮掩")]
    town: Annotated[str, Field(description="乡镇")]
    bank: Annotated[str, Field(description="一卡通开户行")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="金额（分）")]
    verification: Verification
    verification_label: Annotated[str, Field(description="大数据校验结果")]
    verification_reason: Annotated[str | None, Field(description="校验结果说明")]
    state: Annotated[LineState | None, Field(description="在流程中的提交状态；不在流程中的为空")]
    state_label: str | None
    reason_code: Annotated[str | None, Field(description="平台给出的原因代码")]
    reason: Annotated[str | None, Field(description="提交失败原因")]
    others: Annotated[list[OtherApplication], Field(description="同一人在本区县的其他申请，最近 20 份")]
    others_count: Annotated[int, Field(description="其他申请共几份")]
    others_words: Annotated[str | None, Field(description="others 的一句话说明")]


def person_of(vault: Vault, names: Names, row: OrderLineRow, *, whole: bool) -> OrderPerson:
    """`whole` shows the name as it is."""
    number, verification = row.application_no, Verification(row.verification)
    state, count = LineState(row.line_state) if row.line_state else None, row.others_count or 0
    others = [_other(names, each) for each in row.others or ()]
    return {
        "application_no": number,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        "name": name_of(vault, number, row.name_sealed, whole=whole),
        "town": names.place(row.town_code),
        "bank": names.bank(row.bank_code),
        "item": names.item(row.item_code),
        "amount_fen": row.amount_fen,
        "verification": verification,
        "verification_label": verification.label,
        "verification_reason": reason_of(vault, number, row.verification_reason_sealed),
        "state": state,
        "state_label": state.label if state else None,
        "reason_code": row.reason_code,
        "reason": submission_failure(row.payment, row.reason_code, reason_of(vault, number, row.reason_sealed)),
        "others": others,
        "others_count": count,
        "others_words": _words(others, count),
    }


def _other(names: Names, other: OtherRow) -> OtherApplication:
    stage = ApplicationStage(other["stage"])
    return {
        "stage": stage,
        "fund_year": other["fund_year"],
        "item_code": other["item_code"],
        "amount_fen": other["amount_fen"],
        "application_no": other["application_no"],
        "item": names.item(other["item_code"]),
        "stage_label": stage.label,
    }


def _words(others: Sequence[OtherApplication], count: int) -> str | None:
    told = [
        f"{each['application_no']}（{each['fund_year']}，{each['item']}，{each['stage_label']}，"
        f"{told_yuan(each['amount_fen'])} 元）"
        for each in others
    ]
    more = [f"等 {count} 份"] if count > len(told) else []
    return "；".join([*told, *more]) or None

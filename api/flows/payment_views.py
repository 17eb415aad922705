"""How payments are shown: each line's latest result with its explanation, and all results as they came (S1 2.8)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from api.applications.payment_results import PaymentResult
from api.applications.person import MaskedPerson, reason_of, shown_person
from api.counter.names import Names
from models.store.orders.rules import FlowLineFilter, Word, where_of
from models.store.selection import Predicate, all_of
from models.store.vault import Vault
from models.words.code_words import called
from models.words.flow_words import APPLICANTS, SOURCES, explain_payment
from models.words.labelled import label_of
from models.words.stages import PaymentState

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "item": "补贴项目",
    "amount_fen": "金额（元）",
    "attempt": "第几次发放",
    "payment_label": "发放结果",
    "explanation": "发放说明",
    "bank_serial_no": "银行流水号",
    "payment_at": "发放时间",
    "source_label": "结果来源",
    "after_end": "流程结束后",
    "evidence_sent_at": "材料提交时间",
}
COUNTY_HEADERS: Mapping[str, str] = {
    "fund_year": "年份",
    "batch_no": "申请结算批次",
    "flow_no": "流程编号",
    **HEADERS,
}
PAYMENT_LINES = """
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code,
  a.bank_code, a.item_code, a.amount_fen, a.attempt, a.payment, a.payment_reason_code, a.payment_at,
  a.evidence_sent_at, f.flow_no, f.fund_year, f.batch_no, p.reason_sealed, p.bank_serial_no, p.source, p.after_end
FROM flow_line a JOIN flow f ON f.id = a.flow_id LEFT JOIN LATERAL (
  SELECT * FROM payment r WHERE r.flow_line_id = a.id ORDER BY r.sequence DESC, r.id DESC LIMIT 1
) AS p ON true
"""
_OF_FLOW = ("fund_year", "batch_no", "flow_no")


class PaymentFilter(FlowLineFilter):
    """Over the county: by year, batch and flow, beside what a flow's lines are narrowed by."""

    fund_year: Annotated[int, Field(ge=2000, le=2099)] | None = None
    batch_no: Word | None = None
    flow_no: Word | None = None


def payments_of_county(county_code: str, query: PaymentFilter) -> Predicate:
    """The accepted lines of the county's flows."""
    given = query.criteria
    flow = {name: given.pop(name) for name in _OF_FLOW if name in given}
    sql, values = where_of(given, "a")
    chosen = all_of("county_code", "county", county_code).narrowed("a.payment IS NOT NULL").also(sql, **values)
    if not flow:
        return chosen
    which = " AND ".join(f"f.{name} = :f_{name}" for name in flow)
    its = f"a.flow_id = ANY(ARRAY(SELECT f.id FROM flow f WHERE f.county_code = :county AND {which}))"
    chosen = chosen.also(its, **{f"f_{name}": value for name, value in flow.items()})
    # one flow's lines stand beside each other: the county's others aren't walked past
    return replace(chosen, order=("a.flow_id", "a.id")) if "flow_no" in flow else chosen


class PaymentRow(NamedTuple):
    """A line with its latest result, nothing of one while there is none."""

    id: int
    application_no: str
    applicant_kind: str
    name_sealed: str
    id_number_sealed: str
    account_sealed: str
    town_code: str
    bank_code: str
    item_code: str
    amount_fen: int
    attempt: int
    payment: str
    payment_reason_code: str | None
    payment_at: datetime | None
    evidence_sent_at: datetime | None
    flow_no: str
    fund_year: int
    batch_no: str
    reason_sealed: str | None
    bank_serial_no: str | None
    source: str | None
    after_end: bool | None


class PaymentView(MaskedPerson):
    """一笔受理的申请和它最近一次的发放结果。"""

    application_no: str
    kind_label: Annotated[str, Field(description="个人或组织")]
    town: Annotated[str, Field(description="乡镇")]
    bank: Annotated[str, Field(description="一卡通开户行")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    fund_year: Annotated[int, Field(description="资金年度")]
    batch_no: Annotated[str, Field(description="申请结算批次")]
    flow_no: str
    attempt: Annotated[int, Field(description="第几次发放，补发大于 1")]
    payment: Annotated[PaymentState, Field(description="发放结果")]
    payment_label: str
    reason_code: Annotated[str | None, Field(description="发放失败原因代码")]
    explanation: Annotated[str | None, Field(description="发放成功（失败）说明")]
    bank_serial_no: Annotated[str | None, Field(description="银行流水号")]
    payment_at: Annotated[datetime | None, Field(description="银行办理时间")]
    source: Annotated[str | None, Field(description="结果来源：platform 平台反馈，settled 审核人凭证核实")]
    source_label: str | None
    after_end: Annotated[bool | None, Field(description="是否在流程结束以后才到；还没有结果的为空")]
    evidence_sent_at: Annotated[datetime | None, Field(description="材料提交时间")]


class PaymentHistory(PaymentView):
    """一笔申请先后到达的全部发放结果。"""

    results: list[PaymentResult]


def payment_view(vault: Vault, names: Names, row: PaymentRow, *, whole: bool = False) -> PaymentView:
    payment, reason = PaymentState(row.payment), reason_of(vault, row.application_no, row.reason_sealed)
    return {
        "application_no": row.application_no,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        **shown_person(vault, row, whole=whole),
        "town": names.place(row.town_code),
        "bank": names.bank(row.bank_code),
        "item": names.item(row.item_code),
        "amount_fen": row.amount_fen,
        "fund_year": row.fund_year,
        "batch_no": row.batch_no,
        "flow_no": row.flow_no,
        "attempt": row.attempt,
        "payment": payment,
        "payment_label": payment.label,
        "reason_code": row.payment_reason_code,
        "explanation": explain_payment(row.payment, row.payment_reason_code, reason),
        "bank_serial_no": row.bank_serial_no,
        "payment_at": row.payment_at,
        "source": row.source,
        "source_label": called(SOURCES, row.source),
        "after_end": row.after_end,
        "evidence_sent_at": row.evidence_sent_at,
    }

"""How payments are shown: each line's latest result with its explanation, and all results as they came (S1 2.8)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from api.applications.views import LineRow
from api.counter.names import Names
from models.forms import identity
from models.store.orders.rules import FlowLineFilter, Word, where_of
from models.store.selection import Predicate
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.words.flow_words import APPLICANTS, SOURCES, explain_payment
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
LINES = """
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code,
  a.bank_code, a.item_code, a.amount_fen, a.attempt, a.payment, a.payment_reason_code, a.payment_at, a.money,
  a.evidence_sent_at, f.flow_no, f.fund_year, f.batch_no, p.reason_sealed, p.bank_serial_no, p.source, p.after_end,
  p.sequence
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
    chosen = Predicate(
        f"a.county_code = :county AND a.payment IS NOT NULL AND {sql}", {"county": county_code, **values}
    )
    if not flow:
        return chosen
    which = " AND ".join(f"f.{name} = :f_{name}" for name in flow)
    return chosen.also(
        f"a.flow_id IN (SELECT f.id FROM flow f WHERE f.county_code = :county AND {which})",
        **{f"f_{name}": value for name, value in flow.items()},
    )


class PaymentView:
    def __init__(self, vault: Vault, names: Names) -> None:
        self._vault = vault
        self._names = names

    def view(self, row: LineRow) -> dict[str, object]:
        number = row.application_no
        reason = self._vault.open(Sealed.REASON, number, row.reason_sealed) if row.reason_sealed else None
        return {
            "application_no": number,
            "kind_label": APPLICANTS[row.applicant_kind],
            "name": identity.mask_name(self._vault.open(Sealed.NAME, number, row.name_sealed)),
            "id_number": identity.mask_id_number(self._vault.open(Sealed.ID_NUMBER, number, row.id_number_sealed)),
            "account_no": identity.mask_account_no(self._vault.open(Sealed.ACCOUNT, number, row.account_sealed)),
            "town": self._names.place(row.town_code),
            "bank": self._names.bank(row.bank_code),
            "item": self._names.item(row.item_code),
            "amount_fen": row.amount_fen,
            "fund_year": row.fund_year,
            "batch_no": row.batch_no,
            "flow_no": row.flow_no,
            "attempt": row.attempt,
            "payment": row.payment,
            "payment_label": PaymentState(row.payment).label,
            "reason_code": row.payment_reason_code,
            "explanation": explain_payment(row.payment, row.payment_reason_code, reason),
            "bank_serial_no": row.bank_serial_no,
            "payment_at": row.payment_at,
            "source": row.source,
            "source_label": SOURCES.get(row.source or "", row.source),
            "after_end": row.after_end,
            "evidence_sent_at": row.evidence_sent_at,
        }

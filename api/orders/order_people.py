"""Whom an order is about, beside each of its lines: what a reviewer must see to decide (S1 2.7)."""

from collections.abc import Callable, Mapping, Sequence

from api.applications.views import LineRow
from api.counter.names import Names
from models.forms import identity
from models.forms.money import format_yuan
from models.store.applications.rows import LIVE
from models.store.vault import Field, Vault
from models.words.flow_words import APPLICANTS, submission_failure
from models.words.stages import ApplicationStage, LineState, Verification

MOST_OTHERS = 20
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
# The same person's other claims in the county, of every item and year, the newest first; withdrawn and closed ones
# are nothing that could be paid beside it.
OTHERS = f"""
LEFT JOIN LATERAL (
  SELECT max(o.count) AS count, jsonb_agg(to_jsonb(o) - 'id' - 'count' ORDER BY o.id DESC) AS told FROM (
    SELECT o.id, o.application_no, o.fund_year, o.item_code, o.amount_fen, o.stage, count(*) OVER () AS count
    FROM application o WHERE o.county_code = a.county_code AND o.person_index = a.person_index AND o.id <> a.id
      AND {LIVE.replace("a.", "o.")} ORDER BY o.id DESC LIMIT {MOST_OTHERS}
  ) AS o
) AS others ON true
"""


class PersonView:
    """`whole` tells whether a line's name is shown as it is."""

    def __init__(self, vault: Vault, names: Names, whole: Callable[[str], bool]) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole

    def view(self, row: LineRow) -> dict[str, object]:
        number = row.application_no
        name = self._vault.open(Field.NAME, number, row.name_sealed)
        others = [self._other(each) for each in row.others or ()]
        return {
            "application_no": number,
            "kind_label": APPLICANTS[row.applicant_kind],
            "name": name if self._whole(number) else identity.mask_name(name),
            "town": self._names.place(row.town_code),
            "bank": self._names.bank(row.bank_code),
            "item": self._names.item(row.item_code),
            "amount_fen": row.amount_fen,
            "verification": row.verification,
            "verification_label": Verification(row.verification).label,
            "verification_reason": self._reason(number, row.verification_reason_sealed),
            "state": row.line_state,
            "state_label": LineState(row.line_state).label if row.line_state else None,
            "reason_code": row.reason_code,
            "reason": submission_failure(row.payment, row.reason_code, self._reason(number, row.reason_sealed)),
            "others": others,
            "others_count": row.others_count or 0,
            "others_words": _words(others, row.others_count or 0),
        }

    def _reason(self, number: str, sealed: str | None) -> str | None:
        return self._vault.open(Field.REASON, number, sealed) if sealed else None

    def _other(self, other: Mapping[str, str]) -> dict[str, object]:
        stage = ApplicationStage(other["stage"]).label
        return {**other, "item": self._names.item(other["item_code"]), "stage_label": stage}


def _words(others: Sequence[Mapping[str, object]], count: int) -> str | None:
    told = [
        f"{each['application_no']}（{each['fund_year']}，{each['item']}，{each['stage_label']}，"
        f"{format_yuan(int(str(each['amount_fen'])))} 元）"
        for each in others
    ]
    more = [f"等 {count} 份"] if count > len(told) else []
    return "；".join([*told, *more]) or None

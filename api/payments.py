"""发放结果查询: each line's latest result with its explanation, the history of one line, and settlements (S1 2.8)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict
from sqlmodel.ext.asyncio.session import AsyncSession

from api.desk import COUNTY, Desk, for_roles
from api.flow_lines import known_flow, lines_of
from api.flow_words import APPLICANTS, FAILURES, SOURCES, explain_payment
from api.line_lists import list_lines
from api.line_views import LineRow
from api.names import Names, names_of
from api.paging import Pages
from api.problems import not_found
from models import identity
from models.stages import PaymentState, label
from models.store.database import fetch
from models.store.order_rules import FlowLineFilter, Word
from models.store.vault import Field as Sealed
from models.store.vault import Vault

router = APIRouter(tags=["发放结果"])

Readers = Annotated[Desk, Depends(for_roles(*COUNTY))]

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
LINES = """
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code,
  a.bank_code, a.item_code, a.amount_fen, a.attempt, a.payment, a.payment_reason_code, a.payment_at, a.money,
  a.evidence_sent_at, p.reason_sealed, p.bank_serial_no, p.source, p.after_end, p.sequence
FROM flow_line a LEFT JOIN LATERAL (
  SELECT * FROM payment r WHERE r.flow_line_id = a.id ORDER BY r.sequence DESC, r.id DESC LIMIT 1
) AS p ON true
"""


class PaymentQuery(FlowLineFilter):
    model_config = ConfigDict(extra="ignore")

    application_no: Word | None = None


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
            "attempt": row.attempt,
            "payment": row.payment,
            "payment_label": label(PaymentState(row.payment)),
            "reason_code": row.payment_reason_code,
            "explanation": explain_payment(row.payment, row.payment_reason_code, reason),
            "bank_serial_no": row.bank_serial_no,
            "payment_at": row.payment_at,
            "source": row.source,
            "source_label": SOURCES.get(row.source or "", row.source),
            "after_end": row.after_end,
            "evidence_sent_at": row.evidence_sent_at,
        }


@router.get("/flows/{flow_no}/payments")
async def list_payments(desk: Readers, flow_no: str, page: Pages, query: Annotated[PaymentQuery, Query()]) -> Response:
    """Every accepted line with its latest result; filters by result, reason, town, bank, item."""
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        chosen = lines_of(flow, query).also("a.payment IS NOT NULL")
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, chosen, view.view, HEADERS, LINES)


@router.get("/flows/{flow_no}/payments/{application_no}")
async def show_payment_history(desk: Readers, flow_no: str, application_no: str) -> dict[str, object]:
    """All results of one line as they came: paid, returned, paid late, settled."""
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        condition = "a.flow_id = :flow AND a.application_no = :number AND a.payment IS NOT NULL"
        rows = await fetch(session, f"{LINES} WHERE {condition}", flow=flow, number=application_no)
        if not rows:
            raise not_found("发放明细")
        return {**view.view(rows[0]), "results": await _history(session, desk.shown, int(rows[0].id), application_no)}


async def _history(session: AsyncSession, vault: Vault, line_id: int, number: str) -> list[dict[str, object]]:
    rows = await fetch(
        session,
        "SELECT sequence, status, amount_fen, bank_serial_no, reason_code, reason_sealed, at, source, after_end,"
        " taken_at FROM payment WHERE flow_line_id = :line ORDER BY sequence, id",
        line=line_id,
    )
    return [
        {
            "sequence": row.sequence,
            "status": row.status,
            "label": label(PaymentState(row.status)),
            "amount_fen": row.amount_fen,
            "bank_serial_no": row.bank_serial_no,
            "reason_code": row.reason_code,
            "reason_label": FAILURES.get(row.reason_code or ""),
            "reason": vault.open(Sealed.REASON, number, row.reason_sealed) if row.reason_sealed else None,
            "at": row.at,
            "source": row.source,
            "source_label": SOURCES.get(row.source, row.source),
            "after_end": row.after_end,
            "taken_at": row.taken_at,
        }
        for row in rows
    ]

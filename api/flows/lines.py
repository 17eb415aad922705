"""The lines of a flow: their list, and 转入下批 of lines that wait for an account change (DOMAIN 5)."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.views import LineRow
from api.counter.chunks import list_lines
from api.counter.desk import COUNTY, Desk, Reply, for_roles
from api.counter.names import Names, names_of
from api.counter.paging import Pages
from api.flows.guard import (
    act_answer,
    chosen_flow_lines,
    flow_for,
    flow_id,
    known_flow,
    require_lines,
    require_stage,
    run_id,
)
from models.contracts import Signal
from models.forms import identity
from models.store.locking import lock_applications, lock_county, lock_indicators
from models.store.orders.rules import DEFERRAL_RULES, FlowLineFilter, FlowLineSelection, Word, judge
from models.store.runs.runs import wake
from models.store.sql import execute
from models.store.texts import seal_text
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.words.flow_words import APPLICANTS, FAILURES, MODES, explain_payment, submission_failure
from models.words.stages import FlowStage, LineState, PaymentState, Role, Verification

router = APIRouter(tags=["补贴流程"])

Operators = Annotated[Desk, Depends(for_roles(Role.OPERATOR))]
Readers = Annotated[Desk, Depends(for_roles(*COUNTY))]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
DEFERRING = frozenset({FlowStage.SETTLING, FlowStage.UNDER_REVIEW})

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
    "mode_label": "提交方式",
    "reason": "提交失败原因",
    "payment_label": "发放结果",
    "explanation": "发放说明",
    "indicator_no": "指标",
    "updated_at": "更新时间",
}
# What the application names, where its line has the register's account; looked up for the lines of a page only.
TYPED = """
(SELECT jsonb_build_object('bank_code', p.bank_code, 'account_sealed', p.account_sealed) FROM application p
  WHERE p.id = a.application_id AND (p.account_index, p.bank_code) IS DISTINCT FROM (a.account_index, a.bank_code))
"""
LINES = f"""
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.id_number_sealed, a.account_sealed, a.town_code,
  a.village_code, a.bank_code, a.item_code, a.amount_fen, a.attempt, a.verification, a.state, a.sent, a.mode,
  a.reason_code, a.reason_sealed, a.money, a.payment, a.payment_reason_code, a.payment_at, a.evidence_sent_at,
  a.updated_at, i.indicator_no, e.flow_no AS repays_flow_no, {TYPED} AS typed
FROM flow_line a JOIN indicator i ON i.id = a.indicator_id LEFT JOIN flow e ON e.id = a.repays_flow_id
"""


class FlowLineQuery(FlowLineFilter):
    model_config = ConfigDict(extra="ignore")

    application_no: Word | None = None


class Deferral(BaseModel):
    """Without a selection all held lines are meant."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    selection: FlowLineSelection | None = None


class FlowLineView:
    """Opens and shows lines, masked as everywhere in lists."""

    def __init__(self, vault: Vault, names: Names) -> None:
        self._vault = vault
        self._names = names

    def view(self, row: LineRow) -> dict[str, object]:
        number = row.application_no
        reason = self._vault.open(Sealed.REASON, number, row.reason_sealed) if row.reason_sealed else None
        return {
            "application_no": number,
            "applicant_kind": row.applicant_kind,
            "kind_label": APPLICANTS[row.applicant_kind],
            "name": identity.mask_name(self._vault.open(Sealed.NAME, number, row.name_sealed)),
            "id_number": identity.mask_id_number(self._vault.open(Sealed.ID_NUMBER, number, row.id_number_sealed)),
            "account_no": identity.mask_account_no(self._vault.open(Sealed.ACCOUNT, number, row.account_sealed)),
            **self._codes(row),
            **self._typed(row),
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

    def _typed(self, row: LineRow) -> dict[str, object]:
        """What the application names, where another account is paid."""
        if row.typed is None:
            return {"other_account": False, "registered_note": None}
        plain = self._vault.open(Sealed.ACCOUNT, row.application_no, row.typed["account_sealed"])
        typed = f"{self._names.bank(row.typed['bank_code'])} {identity.mask_account_no(plain)}"
        return {"other_account": True, "registered_note": f"发放以登记账号为准，申请所填为{typed}"}

    def _codes(self, row: LineRow) -> dict[str, object]:
        return {
            "town_code": row.town_code,
            "town": self._names.place(row.town_code),
            "village": self._names.place(row.village_code),
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "item_code": row.item_code,
            "item": self._names.item(row.item_code),
        }


def _progress(row: LineRow) -> dict[str, object]:
    return {
        "verification": row.verification,
        "verification_label": Verification(row.verification).label,
        "state": row.state,
        "state_label": LineState(row.state).label,
        "mode": row.mode,
        "mode_label": MODES.get(row.mode or ""),
        "money": row.money,
        "payment": row.payment,
        "payment_label": PaymentState(row.payment).label if row.payment else None,
        "payment_reason_code": row.payment_reason_code,
        "payment_reason": FAILURES.get(row.payment_reason_code or ""),
        "payment_at": row.payment_at,
    }


@router.get("/flows/{flow_no}/lines")
async def list_flow_lines(
    desk: Readers, flow_no: str, page: Pages, query: Annotated[FlowLineQuery, Query()]
) -> Response:
    """Masked; `format=xlsx` exports the whole filtered list.

    `state_label` is 提交状态, `reason` 提交失败原因: why the platform didn't take a line (S1 2.7).
    """
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        view = FlowLineView(desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, chosen_flow_lines(flow, query), view.view, HEADERS, LINES)


@router.post("/flows/{flow_no}/deferrals")
async def defer_lines(desk: Operators, flow_no: str, deferral: Deferral) -> Response:
    """转入下批: held lines leave this flow and wait for the next batch, with why."""
    return await desk.once(lambda session: _defer(desk, session, flow_no, deferral))


async def _defer(desk: Desk, session: AsyncSession, flow_no: str, deferral: Deferral) -> Reply:
    await lock_county(session, desk.county)
    flow = await flow_for(session, desk, flow_no)
    require_stage(flow, DEFERRING, "转入下批")
    selection = deferral.selection
    if selection is None:
        selection = FlowLineSelection(filter=FlowLineFilter(state=LineState.HELD))
    verdict = await judge(session, flow_id(flow), DEFERRAL_RULES, selection)
    require_lines(verdict, named=selection.application_nos is not None, act="转入下批")
    lines = [each.line_id for each in verdict.fit]
    await lock_indicators(session, flow)
    await lock_applications(session, "SELECT application_id FROM flow_line WHERE id = ANY(:ids)", ids=lines)
    await _move_lines(session, lines, seal_text(desk.vault, desk.county, deferral.reason))
    await wake(session, run_id(flow), Signal.LINES_CHANGED, [flow_no])
    answer = act_answer("flows.deferred", len(lines), verdict.total_fen, verdict.left_out)
    numbers = [each.application_no for each in verdict.fit]
    detail = {"reason": deferral.reason, "before": "held", "after": "deferred", "application_nos": numbers}
    await desk.trail(session, "flows.deferred", flow_no, detail, len(lines), verdict.total_fen)
    return Reply(200, answer)


async def _move_lines(session: AsyncSession, line_ids: list[int], reason_sealed: str) -> None:
    await execute(
        session,
        "UPDATE flow_line SET state = 'deferred', money = 'released', updated_at = now() WHERE id = ANY(:ids)",
        ids=line_ids,
    )
    # a repayment keeps its verification; any other line is verified anew with its next batch
    await execute(
        session,
        "UPDATE application a SET stage = 'pending_settlement', deferred_reason_sealed = :reason, batch_id = NULL,"
        " verification = CASE WHEN a.payments > 0 THEN a.verification ELSE 'none' END,"
        " version = a.version + 1, updated_at = now() FROM flow_line l "
        "WHERE l.id = ANY(:ids) AND a.id = l.application_id AND (a.stage = 'in_flow') IS TRUE",
        ids=line_ids,
        reason=reason_sealed,
    )

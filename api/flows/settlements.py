"""核实无结果的发放: a reviewer settles lines that the platform never reported on, with proof."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import ActAnswer, ActOnMany, act_once, judged
from api.applications.chosen_lines import act_answer, hold_county
from api.counter.desk import Desk, Reply
from api.counter.roles import Reviewers, require_other
from api.counter.uploads import usable_file
from api.flows.guard import flow_for, flow_id, require_lines, require_stage
from api.server.answers import refusals
from models.file_owners import FileOf
from models.free_text import FREE_TEXT
from models.store.applications.makers import acts_in_flow
from models.store.flows.difference import keep_difference
from models.store.locking import lock_applications, lock_indicators
from models.store.orders.rules import SETTLEMENT_RULES, FlowLineFilter, FlowLineSelection, Verdict, judge
from models.store.policies.file_uses import use_files
from models.store.sql import execute, scratch
from models.store.vault import Field as Sealed
from models.wire.words import MediaType
from models.words.makers import Act
from models.words.stages import FlowStage, PaymentState

router = APIRouter(tags=["发放结果"])


class Settlement(ActOnMany):
    """What became of the payments by the bank's own proof; a selection may be a filter over unresolved lines."""

    selection: FlowLineSelection
    status: Literal["paid", "failed"]
    reason: Annotated[str, Field(min_length=1, max_length=500), FREE_TEXT]
    proof_file_id: int = Field(ge=1, le=2**63 - 1)


@router.post(
    "/flows/{flow_no}/settlements",
    response_model=ActAnswer,
    responses=refusals(
        LINES_MOVED=410,
        NOT_FOUND=404,
        SAME_PERSON=403,
        FLOW_STAGE_UNFIT=409,
        LINES_UNFIT=409,
        NOTHING_FITS=409,
        SELECTION_CHANGED=409,
    ),
)
async def settle_lines(desk: Reviewers, flow_no: str, settlement: Settlement) -> Response:
    """Kept as results of their own source; a later page of the platform still wins over them."""
    return await act_once(desk, settlement, lambda session: _settle(desk, session, flow_no, settlement))


async def _settle(desk: Desk, session: AsyncSession, flow_no: str, settlement: Settlement) -> Reply:
    await hold_county(desk, session, settlement)
    flow = await flow_for(session, desk, flow_no)
    require_stage(flow, {FlowStage.ENDED}, "核实无结果的发放")
    require_other(Act.PAYMENT_SETTLED, await acts_in_flow(session, flow_no, desk.person))
    await usable_file(desk, session, settlement.proof_file_id, frozenset(MediaType), "/proof_file_id")
    selection, named = settlement.selection, settlement.selection.application_nos is not None
    if selection.filter is not None:
        narrowed = {**selection.filter.criteria, "payment": PaymentState.UNRESOLVED}
        selection = FlowLineSelection(filter=FlowLineFilter.model_validate(narrowed))
    verdict = await judge(session, flow_id(flow), SETTLEMENT_RULES, selection)
    count, total = len(verdict.fit), verdict.total_fen
    answer = act_answer("payments.settled", count, total, verdict.left_out)
    judged(settlement, answer, [(each.line_id, each.amount_fen) for each in verdict.fit])
    require_lines(verdict, named=named and not settlement.shown, act="核实")
    await use_files(session, FileOf.SETTLEMENT, [(settlement.proof_file_id, flow_no)])
    await lock_indicators(session, flow)
    await _lay(desk, session, settlement, verdict)
    await _book(desk, session, flow_id(flow), settlement)
    await keep_difference(session, desk.vault, flow)
    detail = {
        "status": settlement.status,
        "before": PaymentState.UNRESOLVED,
        "reason": settlement.reason,
        "proof_file_id": settlement.proof_file_id,
        "application_nos": [line.application_no for line in verdict.fit],
    }
    await desk.trail(session, "payments.settled", flow_no, detail, count, total)
    return Reply(200, answer)


async def _lay(desk: Desk, session: AsyncSession, settlement: Settlement, verdict: Verdict) -> None:
    """The lines with the reason, sealed to each, and their applications locked."""
    columns = {"line_id": "bigint", "application_id": "bigint", "reason_sealed": "text"}
    rows = (
        (line.line_id, line.application_id, desk.vault.seal(Sealed.REASON, line.application_no, settlement.reason))
        for line in verdict.fit
    )
    await scratch(session, "settled", columns, rows)
    await lock_applications(session, "SELECT application_id FROM settled")


async def _book(desk: Desk, session: AsyncSession, flow: int, settlement: Settlement) -> None:
    """Result, line and application; the money moves with `flow_line.money`, by the trigger in 0002_triggers."""
    # sequence 0: below every sequence of the platform's, so that a later page wins over a settlement
    await execute(
        session,
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, reason_sealed, at, source,"
        " settled_by, after_end, taken_at, proof_file_id) SELECT :flow, l.id, 0, :status, l.amount_fen,"
        " s.reason_sealed, now(), 'settled', :person, true, now(), :proof"
        " FROM settled s JOIN flow_line l ON l.id = s.line_id",
        proof=settlement.proof_file_id,
        person=desk.person,
        flow=flow,
        status=settlement.status,
    )
    await execute(
        session,
        # moves money: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
        "UPDATE flow_line l SET payment = :status, payment_at = now(), payment_reason_code = NULL,"
        " reason_sealed = s.reason_sealed, updated_at = now(), money = :money FROM settled s WHERE l.id = s.line_id",
        status=settlement.status,
        money="paid" if settlement.status == "paid" else "released",
    )
    await execute(
        session,
        "UPDATE application a SET stage = :status, payments = greatest(a.payments, l.attempt),"
        " version = a.version + 1, updated_at = now() FROM settled s JOIN flow_line l ON l.id = s.line_id "
        "WHERE a.id = s.application_id AND (a.stage = 'in_flow') IS TRUE",
        status=settlement.status,
    )

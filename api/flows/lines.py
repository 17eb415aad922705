"""The lines of a flow: their list, and 转入下批 of lines that wait for an account change."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import ActAnswer, ActOnMany, act_once, judged
from api.applications.chosen_lines import act_answer, hold_county
from api.counter.chunks import list_lines
from api.counter.desk import Desk, Reply
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders, Operators, Readers
from api.figures.figures import Figures, Total, figures_of, total_of
from api.flows.guard import (
    chosen_flow_lines,
    flow_for,
    flow_id,
    known_flow,
    require_lines,
    require_stage,
    run_id,
)
from api.flows.line_views import FLOW_LINES, HEADERS, FlowLineRow, FlowLineView, flow_line_view
from api.server.answers import Listed, refusals
from models.contracts import Signal
from models.free_text import FREE_TEXT
from models.store.locking import lock_applications, lock_indicators
from models.store.orders.rules import DEFERRAL_RULES, FlowLineFilter, FlowLineSelection, Word, judge
from models.store.runs.runs import wake
from models.store.sql import execute
from models.store.texts import seal_text
from models.words.flow_words import FAILURES, REJECTIONS
from models.words.stages import FlowStage, LineState

router = APIRouter(tags=["补贴流程"])

Reason = Annotated[str, Field(min_length=1, max_length=500), FREE_TEXT]
_FIGURES = """
SELECT a.town_code, a.bank_code, a.item_code, a.state, a.amount_fen,
  CASE WHEN a.payment IS NULL THEN a.reason_code ELSE a.payment_reason_code END AS reason FROM flow_line a
"""
DEFERRING = frozenset({FlowStage.SETTLING, FlowStage.UNDER_REVIEW})


class FlowLineQuery(FlowLineFilter):
    model_config = ConfigDict(extra="ignore")

    application_no: Word | None = None


class Deferral(ActOnMany):
    """Without a selection all held lines are meant."""

    reason: Reason
    selection: FlowLineSelection | None = None


@router.get(
    "/flows/{flow_no}/lines",
    summary="补贴流程明细",
    response_model=Listed[FlowLineView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_flow_lines(
    desk: CountyReaders, flow_no: str, page: Pages, query: Annotated[FlowLineQuery, Query()]
) -> Response:
    """Masked; `format=xlsx` exports the whole filtered list.

    `state_label` is 提交状态, `reason` 提交失败原因: why the platform didn't take a line (S1 2.7).
    """
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        show = partial(flow_line_view, desk.shown, await names_of(session, desk.county))
        chosen = chosen_flow_lines(flow, query)
        return await list_lines(session, page, chosen, show, HEADERS, FLOW_LINES, FlowLineRow)


@router.get("/flows/{flow_no}/lines/figures", responses=refusals(LINES_MOVED=410, NOT_FOUND=404))
async def line_figures(desk: Readers, flow_no: str, query: Annotated[FlowLineQuery, Query()]) -> Figures:
    """Count and sum of the same filter; `reasons` are 提交失败原因, of an accepted line why its payment failed."""
    async with desk.database.snapshot() as session:
        chosen = chosen_flow_lines(await known_flow(session, desk, flow_no), query)
        names = await names_of(session, desk.county)
        return await figures_of(session, names, _FIGURES, chosen, lambda code: LineState(code).label, _reason)


@router.get("/flows/{flow_no}/lines/total", responses=refusals(LINES_MOVED=410, NOT_FOUND=404))
async def line_total(desk: Readers, flow_no: str, query: Annotated[FlowLineQuery, Query()]) -> Total:
    """Count and sum alone of the same filter."""
    async with desk.database.snapshot() as session:
        chosen = chosen_flow_lines(await known_flow(session, desk, flow_no), query)
        return await total_of(session, "flow_line", chosen)


def _reason(code: str) -> str | None:
    return REJECTIONS.get(code) or FAILURES.get(code)


@router.post(
    "/flows/{flow_no}/deferrals",
    response_model=ActAnswer,
    responses=refusals(
        LINES_MOVED=410, NOT_FOUND=404, FLOW_STAGE_UNFIT=409, LINES_UNFIT=409, NOTHING_FITS=409, SELECTION_CHANGED=409
    ),
)
async def defer_lines(desk: Operators, flow_no: str, deferral: Deferral) -> Response:
    """转入下批: held lines leave this flow and wait for the next batch, with why."""
    return await act_once(desk, deferral, lambda session: _defer(desk, session, flow_no, deferral))


async def _defer(desk: Desk, session: AsyncSession, flow_no: str, deferral: Deferral) -> Reply:
    await hold_county(desk, session, deferral)
    flow = await flow_for(session, desk, flow_no)
    require_stage(flow, DEFERRING, "转入下批")
    selection = deferral.selection
    if selection is None:
        selection = FlowLineSelection(filter=FlowLineFilter(state=LineState.HELD))
    verdict = await judge(session, flow_id(flow), DEFERRAL_RULES, selection)
    lines = [each.line_id for each in verdict.fit]
    answer = act_answer("flows.deferred", len(lines), verdict.total_fen, verdict.left_out)
    judged(deferral, answer, [(each.line_id, each.amount_fen) for each in verdict.fit])
    named = selection.application_nos is not None and not deferral.shown
    require_lines(verdict, named=named, act="转入下批")
    await lock_indicators(session, flow)
    await lock_applications(session, "SELECT application_id FROM flow_line WHERE id = ANY(:ids)", ids=lines)
    await _move_lines(session, lines, seal_text(desk.vault, desk.county, deferral.reason))
    await wake(session, run_id(flow), Signal.LINES_CHANGED, [flow_no])
    numbers = [each.application_no for each in verdict.fit]
    detail = {"reason": deferral.reason, "before": "held", "after": "deferred", "application_nos": numbers}
    await desk.trail(session, "flows.deferred", flow_no, detail, len(lines), verdict.total_fen)
    return Reply(200, answer)


async def _move_lines(session: AsyncSession, line_ids: list[int], reason_sealed: str) -> None:
    await execute(
        session,
        # frees money: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
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

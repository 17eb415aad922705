"""发放汇总审核: live until a reviewer passes it, then frozen; submission and 确认发放 by others (S1 2.7)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.counter.export import gathering, respond
from api.counter.paging import Pages
from api.counter.roles import Operators, Readers, Reviewers, require_other
from api.counter.uploads import usable_file
from api.flows.guard import flow_for, flow_id, require_stage, run_id
from api.flows.summary_views import (
    HEADERS,
    ListedSummary,
    SummaryDecided,
    SummaryFilter,
    SummaryView,
    listed_summaries,
    whole_summary,
)
from api.server.answers import Listed, refusals
from api.server.problems import conflict, field_problem, not_found
from models.contracts import Signal
from models.file_owners import FileOf
from models.forms.money import MAX_FEN, told_yuan
from models.free_text import FREE_TEXT
from models.store.applications.makers import acts_in_flow
from models.store.flows.figures import check_code, summary_figures
from models.store.flows.next_step import sentence_of
from models.store.flows.summaries import chosen_summaries, newest_summaries, readiness
from models.store.policies.file_uses import use_files
from models.store.runs.look import note_decided
from models.store.runs.runs import wake
from models.store.texts import seal_text
from models.tables.base import now
from models.tables.flows import Flow, Summary
from models.wire.words import MediaType
from models.words.makers import Act
from models.words.refusals import Refusal
from models.words.stages import FlowStage, SummaryStage
from models.words.waiting import SUMMARY_REFUSED

router = APIRouter(tags=["发放汇总"])

FORM_TYPES = frozenset({MediaType.PDF, MediaType.PNG, MediaType.JPEG})

# Of each of the three acts.
_UNFIT = {
    Refusal.NOT_FOUND: 404,
    Refusal.SAME_PERSON: 403,
    Refusal.FLOW_STAGE_UNFIT: 409,
    Refusal.SUMMARY_NOT_OPEN: 409,
    Refusal.SUMMARY_STAGE_UNFIT: 409,
}


class SummaryReview(BaseModel):
    """审核: 通过 needs the approval form; both need an opinion."""

    model_config = ConfigDict(extra="forbid")

    passed: bool
    opinion: Annotated[str, Field(min_length=1, max_length=1000), FREE_TEXT]
    form_file_id: int | None = Field(None, ge=1, le=2**63 - 1)
    check_code: str | None = Field(None, max_length=40, description="审批表上的核对码；填了的须与现在的数字一致")


class PaymentConfirmation(BaseModel):
    """确认发放: the second reviewer repeats what will be paid."""

    model_config = ConfigDict(extra="forbid", strict=True)

    application_count: int = Field(ge=0, le=2**31 - 1)
    total_fen: int = Field(ge=0, le=MAX_FEN)


@router.get("/summaries", summary="发放汇总审核", response_model=Listed[ListedSummary])
async def list_summaries(desk: Readers, page: Pages, criteria: Annotated[SummaryFilter, Query()]) -> Response:
    """The county's flows, the newest first, each with its newest summary: the ten columns of the source.

    `review` is 审核状态, `submission` 提交状态, `platform_review` what the platform said; `*_label` their words.
    """
    chosen = chosen_summaries(desk.county, criteria.criteria)
    rows = gathering(page, HEADERS)
    async with desk.database.snapshot() as session:
        async for piece in page.pieces(partial(newest_summaries, session, chosen), lambda row: row.id):
            rows.extend(await listed_summaries(session, desk.shown, piece))
    return await respond(page, HEADERS, rows)


@router.get("/flows/{flow_no}/summary", responses=refusals(NOT_FOUND=404))
async def show_summary(desk: Readers, flow_no: str) -> SummaryView:
    """Year, batch, flow status, total, households, towns, banks, review, opinion, submission; earlier ones below."""
    async with desk.database.snapshot() as session:
        flow = (
            await session.exec(select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county))
        ).first()
        if flow is None:
            raise not_found("补贴流程")
        return await whole_summary(session, desk.shown, flow)


@router.post(
    "/flows/{flow_no}/summary/review",
    response_model=SummaryDecided,
    responses=refusals(**_UNFIT, FIGURES_MOVED=409, LINES_UNSETTLED=409, NOTHING_ACCEPTED=409, ORDERS_UNDER_WAY=409),
)
async def review_summary(desk: Reviewers, flow_no: str, review: SummaryReview) -> Response:
    """通过 freezes the figures; 不通过 opens a new summary, and lines may be withdrawn first."""
    if review.passed and review.form_file_id is None:
        raise field_problem({"/form_file_id": "审核通过须上传汇总审批表"})
    if not review.opinion.strip():
        raise field_problem({"/opinion": "请填写审批意见"})
    return await desk.once(lambda session: _review(desk, session, flow_no, review))


@router.post("/flows/{flow_no}/summary/submission", response_model=SummaryDecided, responses=refusals(**_UNFIT))
async def submit_summary(desk: Operators, flow_no: str) -> Response:
    """提交: the flow's run hands the frozen summary over to the platform."""
    return await desk.once(lambda session: _submit(desk, session, flow_no))


@router.post(
    "/flows/{flow_no}/summary/payment-confirmation",
    response_model=SummaryDecided,
    responses=refusals(**_UNFIT, CODE_NEEDED=403, ALREADY_CONFIRMED=409, FIGURES_MOVED=409, FIGURES_DIFFER=409),
)
async def confirm_payment(desk: Reviewers, flow_no: str, confirmation: PaymentConfirmation) -> Response:
    """确认发放 by a second reviewer: what makes money move, and wants a recent code."""
    desk.require_code()
    return await desk.once(lambda session: _confirm(desk, session, flow_no, confirmation))


async def _review(desk: Desk, session: AsyncSession, flow_no: str, review: SummaryReview) -> Reply:
    flow = await flow_for(session, desk, flow_no)
    # a passed summary that isn't handed in yet may still be sent back, so that lines can be withdrawn
    fit = {FlowStage.COUNTY_REVIEW} if review.passed else {FlowStage.COUNTY_REVIEW, FlowStage.COUNTY_PASSED}
    require_stage(flow, fit, "审核发放汇总")
    stages = {SummaryStage.OPEN} if review.passed else {SummaryStage.OPEN, SummaryStage.COUNTY_PASSED}
    summary = await _summary_in(session, flow, stages, "审核")
    require_other(Act.SUMMARY_REVIEWED, await acts_in_flow(session, flow_no, desk.person))
    if review.passed:
        await _require_settled(session, flow)
        await _use_form(desk, session, flow_no, review.form_file_id)
    before = summary.stage
    summary.figures = await summary_figures(session, flow_id(flow))
    _require_code(flow, summary, review)
    summary.stage = SummaryStage.COUNTY_PASSED if review.passed else SummaryStage.COUNTY_REFUSED
    summary.form_file_id, summary.opinion_sealed = (
        review.form_file_id,
        seal_text(desk.vault, desk.county, review.opinion),
    )
    summary.reviewed_by, summary.reviewed_at = desk.person, now()
    flow.stage = FlowStage.COUNTY_PASSED if review.passed else FlowStage.COUNTY_REVIEW
    detail: dict[str, object] = {"before": before, "opinion": review.opinion, "form_file_id": review.form_file_id}
    return await _decided(desk, session, flow, summary, "summaries.reviewed", detail)


async def _submit(desk: Desk, session: AsyncSession, flow_no: str) -> Reply:
    flow = await flow_for(session, desk, flow_no)
    require_stage(flow, {FlowStage.COUNTY_PASSED}, "提交发放汇总")
    summary = await _summary_in(session, flow, {SummaryStage.COUNTY_PASSED}, "提交")
    require_other(Act.SUMMARY_SUBMITTED, await acts_in_flow(session, flow_no, desk.person))
    summary.submitted_by, summary.submitted_at = desk.person, now()
    flow.stage = FlowStage.SUMMARY_SUBMITTED
    return await _decided(desk, session, flow, summary, "summaries.submitted", {"before": FlowStage.COUNTY_PASSED})


async def _confirm(desk: Desk, session: AsyncSession, flow_no: str, confirmation: PaymentConfirmation) -> Reply:
    flow = await flow_for(session, desk, flow_no)
    await _refuse_confirmed(desk, session, flow)
    # the platform's approval may be stored before the flow's stage says so
    require_stage(flow, {FlowStage.SUMMARY_SUBMITTED, FlowStage.SUMMARY_APPROVED}, "确认发放")
    summary = await _summary_in(session, flow, {SummaryStage.APPROVED}, "确认发放")
    require_other(Act.PAYMENT_CONFIRMED, await acts_in_flow(session, flow_no, desk.person))
    await _require_same(session, flow, summary, confirmation)
    summary.confirmed_by, summary.confirmed_at = desk.person, now()
    flow.stage = FlowStage.PAYING
    told = {"before": SummaryStage.APPROVED, "application_count": confirmation.application_count}
    return await _decided(desk, session, flow, summary, "payments.confirmed", told)


async def _refuse_confirmed(desk: Desk, session: AsyncSession, flow: Flow) -> None:
    summary = await _current(session, flow)
    if summary is not None and summary.confirmed_at is not None:
        who = await desk.called(session, summary.confirmed_by)
        detail = f"流程 {flow.flow_no} 已由 {who} 确认发放，不能再确认一次"
        raise conflict(Refusal.ALREADY_CONFIRMED, "已经确认发放", detail)


async def _summary_in(session: AsyncSession, flow: Flow, stages: set[SummaryStage], act: str) -> Summary:
    summary = await _current(session, flow)
    if summary is None:
        detail = f"流程 {flow.flow_no} 的汇总正在生成，请稍后刷新再{act}"
        raise conflict(Refusal.SUMMARY_NOT_OPEN, "还没有汇总", detail)
    if summary.stage not in stages or (act != "确认发放" and summary.submitted_at is not None):
        detail = f"流程 {flow.flow_no} 第 {summary.number} 次汇总是“{summary.stage.label}”，不能{act}；请刷新后核对"
        raise conflict(Refusal.SUMMARY_STAGE_UNFIT, "汇总所处阶段不能办理", detail)
    return summary


async def _current(session: AsyncSession, flow: Flow) -> Summary | None:
    statement = select(Summary).where(Summary.flow_id == flow.id).order_by(col(Summary.number).desc()).limit(1)
    return (await session.exec(statement.execution_options(populate_existing=True))).first()


async def _require_settled(session: AsyncSession, flow: Flow) -> None:
    """Nothing may change under a summary that has been passed."""
    ready = await readiness(session, flow_id(flow))
    if ready.unsettled:
        detail = (
            f"还有 {ready.unsettled} 笔申请没有结果（未提交、平台审核中、平台审核不通过或暂缓），请先办理完毕再审核汇总"
        )
        raise conflict(Refusal.LINES_UNSETTLED, "申请尚未办理完毕", detail)
    if not ready.accepted:
        raise conflict(Refusal.NOTHING_ACCEPTED, "没有可发放的申请", "本流程没有审核通过的申请，请撤销流程")
    if ready.orders:
        detail = "还有已复核的指令正在执行，会改变汇总金额，请等它们办结后再审核"
        raise conflict(Refusal.ORDERS_UNDER_WAY, "有指令正在执行", detail)


async def _use_form(desk: Desk, session: AsyncSession, flow_no: str, file_id: int | None) -> None:
    assert file_id is not None
    await usable_file(desk, session, file_id, FORM_TYPES, "/form_file_id")
    await use_files(session, FileOf.SUMMARY, [(file_id, flow_no)])


def _require_code(flow: Flow, summary: Summary, review: SummaryReview) -> None:
    """What was printed and signed is what is frozen."""
    now_code = check_code(flow.flow_no, summary.number, summary.figures or {})
    if review.passed and review.check_code is not None and _plain(review.check_code) != now_code:
        detail = f"汇总的数字与审批表不同，现在的核对码是 {now_code}；请重新下载汇总审批表，签字盖章后再审核"
        raise conflict(Refusal.FIGURES_MOVED, "汇总与审批表不一致", detail)


def _plain(code: str) -> str:
    """As it is printed, in groups and by whoever types it."""
    return code.replace(" ", "").upper()


async def _require_same(session: AsyncSession, flow: Flow, summary: Summary, given: PaymentConfirmation) -> None:
    """What is confirmed, what was frozen and what the lines are now must be one and the same."""
    frozen, live = summary.figures or {}, await summary_figures(session, flow_id(flow))
    fields = ("application_count", "total_fen")
    wanted = [frozen.get(field) for field in fields]
    if [live[field] for field in fields] != wanted:
        detail = "审核通过的申请与已批准的汇总不一致，不能确认发放；请联系运维核对未裁定的平台反馈"
        raise conflict(Refusal.FIGURES_MOVED, "汇总与明细不一致", detail)
    if [given.application_count, given.total_fen] != wanted:
        said = f"{given.application_count} 笔 {told_yuan(given.total_fen)} 元"
        detail = f"填写的是 {said}，与已批准的汇总不一致；请对照汇总审批表核对笔数和金额后重新确认"
        raise conflict(Refusal.FIGURES_DIFFER, "笔数或金额不一致", detail)


SIGNALS: Mapping[str, Signal] = {"payments.confirmed": Signal.PAYMENT_CONFIRMED}


async def _decided(
    desk: Desk, session: AsyncSession, flow: Flow, summary: Summary, act: str, detail: Mapping[str, object]
) -> Reply:
    session.add_all([flow, summary])
    await session.flush()
    await wake(session, run_id(flow), SIGNALS.get(act, Signal.SUMMARY_DECIDED), [str(summary.number)])
    refused = summary.stage is SummaryStage.COUNTY_REFUSED
    words = SUMMARY_REFUSED if refused else sentence_of(flow, flow.stage)
    await note_decided(session, run_id(flow), flow.stage.value, words)
    figures = summary.figures or {}
    told = {**detail, "after": summary.stage, "number": summary.number}
    count, total = int(figures.get("application_count", 0)), int(figures.get("total_fen", 0))
    await desk.trail(session, act, flow.flow_no, told, count, total)
    answer: SummaryDecided = {"act": act, **await whole_summary(session, desk.shown, flow)}
    return Reply(200, answer)

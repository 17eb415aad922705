"""One look at a flow's rows: its stage, and the next thing that it has to do."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import DatasetRef, FlowLook, NextOrder, Subject
from models.settings import Settings
from models.store.flows.end import end_flow, pages_complete
from models.store.flows.rounds import SENDABLE, current_round, current_summary, lock_flow_of_run, refresh_held
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run
from models.store.sql import execute, fetch_one
from models.store.vault import Vault
from models.tables.base import now
from models.tables.batches import Dataset
from models.tables.flows import Flow, Summary
from models.words.counties import county_words
from models.words.stages import DatasetStage, FlowStage, OrderKind, SummaryStage
from models.words.waiting import FLOW

BEFORE_SUMMARY = (FlowStage.SETTLING, FlowStage.UNDER_REVIEW, FlowStage.COUNTY_REVIEW)
# Until the summary is handed in, a flow of which no line is left ends by itself.
CANCELLED_WHEN_EMPTY = (FlowStage.SETTLING, FlowStage.COUNTY_REVIEW, FlowStage.COUNTY_PASSED)
SUMMARY_OVER = (SummaryStage.REJECTED, SummaryStage.COUNTY_REFUSED, SummaryStage.CLOSED)
# While a round is under review only what takes lines out may go on.
DURING_ROUND = (OrderKind.WITHDRAWAL, OrderKind.CANCELLATION)
STAGE_OF_SUMMARY = {
    SummaryStage.OPEN: FlowStage.COUNTY_REVIEW,
    SummaryStage.COUNTY_PASSED: FlowStage.COUNTY_PASSED,
    SummaryStage.SUBMITTED: FlowStage.SUMMARY_SUBMITTED,
    SummaryStage.APPROVED: FlowStage.SUMMARY_APPROVED,
    SummaryStage.CONFIRMED: FlowStage.PAYING,
}


class _Counts(NamedTuple):
    sendable: int
    unsettled: int
    accepted: int


class _Order(NamedTuple):
    order_no: str
    kind: str


async def look_at_flow(session: AsyncSession, vault: Vault, subject: Subject, settings: Settings) -> FlowLook:
    """Close the books when all is here, open a summary when all lines are settled, and tell what comes next."""
    flow = await lock_flow_of_run(session, subject.number)
    complete = await pages_complete(session, flow)
    if complete and flow.stage is not FlowStage.ENDED:
        await end_flow(session, vault, flow)
    if flow.stage in BEFORE_SUMMARY:
        await refresh_held(session, flow)
    dataset = await current_round(session, flow)
    counts = await fetch_one(
        session,
        _Counts,
        f"SELECT count(*) FILTER (WHERE {SENDABLE}) AS sendable,"
        " count(*) FILTER (WHERE l.state IN ('unsent', 'held', 'under_review', 'rejected')) AS unsettled,"
        " count(*) FILTER (WHERE l.state = 'accepted') AS accepted FROM flow_line l WHERE l.flow_id = :id",
        id=flow.id,
    )
    assert counts is not None
    sendable, unsettled, accepted = counts
    settled = flow.platform_id is not None and dataset is None and unsettled == 0
    summary = await _summary(session, flow, settled and accepted > 0)
    stage = _stage(flow, dataset, settled, summary)
    if stage is not flow.stage:
        await execute(session, "UPDATE flow SET stage = :stage WHERE id = :id", stage=stage.value, id=flow.id)
    since, ask_now = await note_stage(session, subject.workflow_id, stage.value, sentence_of(flow, stage))
    # Its end has been announced, by the platform or by our own cancellation: what is missing is asked for soon.
    pages_missing = stage is FlowStage.CANCELLING or (flow.end_claim is not None and not complete)
    pause = ask_after(settings, since, now())
    if stage is FlowStage.ENDED:
        await close_run(session, subject.workflow_id, stage.value)
    return FlowLook(
        stage=stage.value,
        waiting_for=sentence_of(flow, stage),
        since=since,
        ask_after_seconds=min(pause, settings.platform_missing_page_seconds) if pages_missing else pause,
        ask_now=ask_now,
        done=stage is FlowStage.ENDED,
        started=flow.platform_id is not None,
        open_dataset=_ref(dataset),
        dataset_committed=dataset is not None and dataset.stage is DatasetStage.UNDER_REVIEW,
        next_order=await _next_order(session, flow, dataset),
        sendable_lines=sendable if flow.stage in BEFORE_SUMMARY else 0,
        settled=settled,
        empty=settled and accepted == 0 and flow.end_claim is None and stage in CANCELLED_WHEN_EMPTY,
        summary_stage=summary.stage if summary else None,
        summary_handed_in=summary is not None and summary.submitted_at is not None,
        payment_confirmed=summary is not None and summary.confirmed_at is not None,
    )


async def _summary(session: AsyncSession, flow: Flow, ready: bool) -> Summary | None:
    """The current summary; a new one is opened when the lines are settled and none is under way."""
    summary = await current_summary(session, flow)
    if flow.stage in (FlowStage.ENDED, FlowStage.CANCELLING) or not ready:
        return summary
    if summary is None or summary.stage in SUMMARY_OVER:
        flow.summary_no += 1
        summary = Summary(flow_id=int(flow.id or 0), number=flow.summary_no)
        session.add_all([flow, summary])
        await session.flush()
    return summary


def _stage(flow: Flow, dataset: Dataset | None, settled: bool, summary: Summary | None) -> FlowStage:
    if flow.stage in (FlowStage.ENDED, FlowStage.CANCELLING):
        return flow.stage
    if flow.end_claim is not None:
        return FlowStage.PAYING
    if flow.platform_id is None:
        return flow.stage
    if dataset is not None:
        return FlowStage.UNDER_REVIEW
    if not settled or summary is None:
        return FlowStage.SETTLING
    if summary.stage is SummaryStage.COUNTY_PASSED and summary.submitted_at is not None:
        return FlowStage.SUMMARY_SUBMITTED
    return STAGE_OF_SUMMARY.get(summary.stage, FlowStage.SETTLING)


def sentence_of(flow: Flow, stage: FlowStage) -> str:
    """What the flow waits for, with the county that holds the place where there is one."""
    if flow.holder and stage in (FlowStage.WAITING_COUNTY, FlowStage.STARTING):
        # trying once more is part of waiting
        return f"{FLOW[FlowStage.WAITING_COUNTY]}（占用：{county_words(flow.holder)}）"
    return FLOW[stage]


def _ref(dataset: Dataset | None) -> DatasetRef | None:
    if dataset is None:
        return None
    return DatasetRef(dataset_id=int(dataset.id or 0), reference=dataset.reference, county_code=dataset.county_code)


async def _next_order(session: AsyncSession, flow: Flow, dataset: Dataset | None) -> NextOrder | None:
    """The oldest confirmed order that may be carried out now."""
    order = await fetch_one(
        session,
        _Order,
        "SELECT order_no, kind FROM operator_order WHERE flow_id = :flow AND state = 'confirmed'"
        " AND kind <> 'evidence' AND (CAST(:free AS boolean) OR kind = ANY(:meanwhile)) ORDER BY id LIMIT 1",
        flow=flow.id,
        free=dataset is None,
        meanwhile=[kind.value for kind in DURING_ROUND],
    )
    return None if order is None else NextOrder(order_no=order.order_no, kind=OrderKind(order.kind))

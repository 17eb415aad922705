"""A look at a flow: its books closed when all is here, a summary opened when all is settled, and what comes next."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import FlowLook, NextOrder, Subject
from models.settings import Settings
from models.store.flows.end import end_flow, pages_complete
from models.store.flows.next_step import LineCounts, NextStep, next_step, opens_summary, sentence_of
from models.store.flows.rounds import current_round, note_held, refresh_held
from models.store.flows.rows import current_summary, lock_flow_of_run
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run
from models.store.sql import fetch, fetch_one
from models.store.vault import Vault
from models.tables.base import now
from models.tables.flows import Flow, Summary
from models.words.stages import FlowStage, OrderKind

# Lines are held, or join again, only while there are some that still go out.
BEFORE_SUMMARY = (FlowStage.SETTLING, FlowStage.UNDER_REVIEW, FlowStage.COUNTY_REVIEW)


class _Order(NamedTuple):
    order_no: str
    kind: str


async def look_at_flow(session: AsyncSession, vault: Vault, subject: Subject, settings: Settings) -> FlowLook:
    """The flow's row is locked: what is decided here is so until the transaction ends."""
    flow = await lock_flow_of_run(session, subject.number)
    complete = await pages_complete(session, flow)
    if complete and flow.stage is not FlowStage.ENDED:
        await end_flow(session, vault, flow)
    if flow.stage in BEFORE_SUMMARY:
        await note_held(session, vault, flow, await refresh_held(session, flow))
    found = await _next_step(session, flow)
    if found.stage is not flow.stage:
        flow.stage = found.stage
        await session.flush()
    sentence = sentence_of(flow, found.stage)
    since, ask_now = await note_stage(session, subject.workflow_id, found.stage.value, sentence)
    done = found.stage is FlowStage.ENDED
    if done:
        await close_run(session, subject.workflow_id, found.stage.value)
    return FlowLook(
        stage=found.stage.value,
        waiting_for=sentence,
        since=since,
        ask_after_seconds=_ask_after(settings, flow, found.stage, complete, since),
        ask_now=ask_now,
        done=done,
        step=found.step,
        dataset=found.dataset,
        order=found.order,
    )


async def _next_step(session: AsyncSession, flow: Flow) -> NextStep:
    dataset = await current_round(session, flow)
    lines = await _counts(session, flow)
    summary = await current_summary(session, flow)
    if opens_summary(flow, dataset, lines, summary):
        summary = await _open_summary(session, flow)
    return next_step(flow, dataset, lines, summary, await _confirmed_orders(session, flow))


async def _counts(session: AsyncSession, flow: Flow) -> LineCounts:
    counts = await fetch_one(
        session,
        LineCounts,
        "SELECT coalesce(sum(sendable), 0)::bigint AS sendable, coalesce(sum(lines) FILTER"
        " (WHERE state IN ('unsent', 'held', 'under_review', 'rejected')), 0)::bigint AS unsettled,"
        " coalesce(sum(lines) FILTER (WHERE state = 'accepted'), 0)::bigint AS accepted FROM flow_tally"
        " WHERE flow_id = :id",
        id=flow.id,
    )
    return counts or LineCounts()


async def _open_summary(session: AsyncSession, flow: Flow) -> Summary:
    flow.summary_no += 1
    summary = Summary(flow_id=int(flow.id or 0), number=flow.summary_no)
    session.add_all([flow, summary])
    await session.flush()
    return summary


async def _confirmed_orders(session: AsyncSession, flow: Flow) -> list[NextOrder]:
    """Oldest first; 提交材料 has a run of its own."""
    orders = await fetch(
        session,
        _Order,
        "SELECT order_no, kind FROM operator_order WHERE flow_id = :flow AND state = 'confirmed'"
        " AND kind <> 'evidence' ORDER BY id",
        flow=flow.id,
    )
    return [NextOrder(order_no=order.order_no, kind=OrderKind(order.kind)) for order in orders]


def _ask_after(settings: Settings, flow: Flow, stage: FlowStage, complete: bool, since: datetime) -> float:
    """Its end has been announced, by the platform or by our own cancellation: what is missing is asked for soon."""
    pause = ask_after(settings, since, now())
    if stage is FlowStage.CANCELLING or (flow.end_claim is not None and not complete):
        return min(pause, settings.platform_missing_page_seconds)
    return pause

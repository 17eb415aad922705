"""A flow's history: start, rounds, orders, what was held, summaries, payments, end and what came after it, in order."""

from datetime import datetime

from fastapi import APIRouter
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.roles import Readers
from api.flows.flow_parts import rounds_of
from api.server.answers import refusals
from api.server.problems import not_found
from api.way import entries
from api.way.history_rows import claims_of, objections_of, orders_of, paid_of, trail_of
from api.way.history_views import FlowHistory, HistoryEntry
from api.way.steps import later_stages, steps_of
from models.contracts import RunKind, workflow_id
from models.store.flows.figures import flow_figures
from models.store.flows.summaries import summaries_of
from models.store.sql import fetch_int, fetch_one
from models.store.texts import open_text
from models.tables.base import now
from models.tables.flows import Flow
from models.words.flow_words import FlowEvent
from models.words.staff import Role
from models.words.stages import FlowStage

router = APIRouter(tags=["补贴流程"])


@router.get("/flows/{flow_no}/history", responses=refusals(NOT_FOUND=404))
async def flow_history(desk: Readers, flow_no: str) -> FlowHistory:
    """Oldest first; payments are summed up by day. Reasons and opinions are for the county's people, not for ops."""
    async with desk.database.snapshot() as session:
        statement = select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county)
        flow = (await session.exec(statement)).first()
        if flow is None:
            raise not_found("补贴流程")
        return await _history(desk, session, flow)


async def _history(desk: Desk, session: AsyncSession, flow: Flow) -> FlowHistory:
    def opened(sealed: str | None) -> str | None:
        return None if desk.role is Role.OPS else open_text(desk.shown, desk.county, sealed)

    rounds = await rounds_of(session, flow.id or 0)
    rows = await orders_of(session, flow)
    orders = entries.orders_told(rows, opened)
    summaries = [row for row in await summaries_of(session, flow.id or 0) if row.number is not None]
    told = [
        *await _start(session, flow),
        *entries.of_rounds(rounds, orders),
        *entries.of_orders(rows, orders, rounds),
        *(each for row in summaries for each in entries.of_summary(row, opened)),
        *entries.of_decided_objections(await objections_of(session, flow), opened),
        *entries.of_payments(await paid_of(session, flow)),
        *entries.of_claims(await claims_of(session, flow)),
        *entries.of_trail(await trail_of(session, flow)),
        *entries.of_end(flow),
    ]
    told.sort(key=lambda each: each["at"])
    return {
        "entries": [*told, *await _waiting(session, flow, told)],
        "later": later_stages(flow),
        "steps": steps_of(desk.settings, flow, rounds, summaries, now()),
    }


async def _start(session: AsyncSession, flow: Flow) -> list[HistoryEntry]:
    lines = (await flow_figures(session, flow.id or 0)).lines
    policies = await fetch_int(session, "SELECT count(*) FROM flow_policy WHERE flow_id = :flow", flow=flow.id)
    indicators = await fetch_int(session, "SELECT count(*) FROM flow_indicator WHERE flow_id = :flow", flow=flow.id)
    return list(entries.of_start(flow, lines, policies, indicators))


async def _waiting(session: AsyncSession, flow: Flow, told: list[HistoryEntry]) -> list[HistoryEntry]:
    """Where it stands now; a round that is on its way says so itself."""
    on_its_way = any(each["event"] is FlowEvent.ROUND and each["mark"] == "now" for each in told)
    if flow.stage is FlowStage.ENDED or (flow.stage is FlowStage.UNDER_REVIEW and on_its_way):
        return []
    # where the rows have moved and the run hasn't looked yet, its word is of another stage
    since = await fetch_one(
        session,
        datetime,
        "SELECT since FROM run WHERE workflow_id = :run AND stage = :stage",
        run=workflow_id(RunKind.SUBSIDY_FLOW, flow.flow_no),
        stage=flow.stage.value,
    )
    latest = told[-1]["at"]
    return [entries.entry(FlowEvent.WAITING, max(since or latest, latest), flow.stage.label, mark="now")]

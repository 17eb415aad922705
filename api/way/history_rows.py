"""A flow's history as it is read: what its rows and the trail say, each kind of fact by one statement."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch
from models.tables.flows import Flow


class OrderRow(NamedTuple):
    order_no: str
    kind: str
    state: str
    line_count: int
    total_fen: int
    reason_sealed: str
    remark_sealed: str | None
    entered_by: str
    entered_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    outcome: str | None
    finished_at: datetime | None


class TrailRow(NamedTuple):
    sequence: int
    act: str
    actor: str
    at: datetime
    line_count: int | None
    total_fen: int | None


class PaidRow(NamedTuple):
    """The platform's results of one day in China; those `after_end` stand apart."""

    after_end: bool
    since: datetime
    until: datetime
    paid: int
    paid_fen: int
    failed: int
    failed_fen: int


class ObjectionRow(NamedTuple):
    """An objection that was decided while its line was held in the flow."""

    state: str
    decided_by: str
    decided_at: datetime
    opinion_sealed: str | None
    amount_fen: int


class ClaimRow(NamedTuple):
    kind: str
    taken: str | None
    decided_by: str | None
    decided_at: datetime | None
    since: datetime
    claims: int


async def orders_of(session: AsyncSession, flow: Flow) -> list[OrderRow]:
    return await fetch(
        session,
        OrderRow,
        "SELECT order_no, kind, state, line_count, total_fen, reason_sealed, remark_sealed, entered_by, entered_at,"
        " confirmed_by, confirmed_at, outcome, finished_at FROM operator_order WHERE flow_id = :flow ORDER BY id",
        flow=flow.id,
    )


async def trail_of(session: AsyncSession, flow: Flow) -> list[TrailRow]:
    return await fetch(
        session,
        TrailRow,
        "SELECT sequence, act, actor, at, line_count, total_fen FROM trail_entry WHERE county_code = :county"
        " AND subject = :flow AND act IN ('lines.held', 'lines.freed', 'flows.deferred', 'payments.settled',"
        " 'run_restarted') ORDER BY sequence",
        county=flow.county_code,
        flow=flow.flow_no,
    )


async def paid_of(session: AsyncSession, flow: Flow) -> list[PaidRow]:
    """By day: a large flow is paid on hundreds of pages."""
    return await fetch(
        session,
        PaidRow,
        "SELECT after_end, min(taken_at) AS since, max(taken_at) AS until,"
        " count(*) FILTER (WHERE status = 'paid') AS paid,"
        " coalesce(sum(amount_fen) FILTER (WHERE status = 'paid'), 0)::bigint AS paid_fen,"
        " count(*) FILTER (WHERE status = 'failed') AS failed,"
        " coalesce(sum(amount_fen) FILTER (WHERE status = 'failed'), 0)::bigint AS failed_fen"
        " FROM payment WHERE flow_id = :flow AND source = 'platform'"
        " GROUP BY after_end, (taken_at AT TIME ZONE 'Asia/Shanghai')::date ORDER BY since",
        flow=flow.id,
    )


async def objections_of(session: AsyncSession, flow: Flow) -> list[ObjectionRow]:
    return await fetch(
        session,
        ObjectionRow,
        "SELECT o.state, o.decided_by, o.decided_at, o.opinion_sealed, l.amount_fen FROM objection o"
        " JOIN flow_line l ON l.application_id = o.application_id AND l.flow_id = o.flow_id"
        " WHERE o.flow_id = :flow ORDER BY o.decided_at",
        flow=flow.id,
    )


async def claims_of(session: AsyncSession, flow: Flow) -> list[ClaimRow]:
    """Contradictions that came or were decided together, by kind."""
    return await fetch(
        session,
        ClaimRow,
        "SELECT kind, taken, decided_by, max(decided_at) AS decided_at, min(created_at) AS since, count(*) AS claims"
        " FROM contradiction WHERE number = :flow"
        " GROUP BY kind, taken, decided_by, date_trunc('minute', decided_at) ORDER BY since",
        flow=flow.flow_no,
    )

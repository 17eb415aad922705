"""Lines leave a flow for good: by an order, or because an objection to them was upheld."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.locking import lock_applications, lock_flow, lock_indicators
from models.store.sql import execute, fetch_one
from models.tables.flows import Flow


async def withdraw_flow_lines(session: AsyncSession, line_ids: list[int], reason_sealed: str) -> None:
    """Their money is free, their applications are withdrawn with the reason; flow and indicators are held before."""
    await lock_applications(session, "SELECT application_id FROM flow_line WHERE id = ANY(:ids)", ids=line_ids)
    await execute(
        session,
        "UPDATE application a SET stage = 'withdrawn', withdrawn_reason_sealed = :reason, updated_at = now(),"
        " version = a.version + 1 FROM flow_line l WHERE l.id = ANY(:ids) AND a.id = l.application_id"
        " AND (a.stage = 'in_flow') IS TRUE",
        ids=line_ids,
        reason=reason_sealed,
    )
    # frees money: by the trigger `flow_line_update`, on the indicators that `lock_indicators` holds
    await execute(
        session,
        "UPDATE flow_line SET state = 'withdrawn', payment = NULL, money = 'released', updated_at = now()"
        " WHERE id = ANY(:ids) AND state NOT IN ('withdrawn', 'deferred', 'cancelled')",
        ids=line_ids,
    )


class HeldLine(NamedTuple):
    """A line that a flow holds back: the platform has never been told of it."""

    id: int
    flow_id: int
    flow_no: str


async def held_line(session: AsyncSession, application_id: int, *, changing: bool = False) -> HeldLine | None:
    """The application's held line in the county's open flow; `changing`: the flow is locked first."""
    found = await _held_line(session, application_id)
    if found is None or not changing:
        return found
    await lock_flow(session, Flow.id == found.flow_id)
    return await _held_line(session, application_id)


async def _held_line(session: AsyncSession, application_id: int) -> HeldLine | None:
    return await fetch_one(
        session,
        HeldLine,
        "SELECT l.id, l.flow_id, f.flow_no FROM flow_line l JOIN flow f ON f.id = l.flow_id"
        " WHERE l.application_id = :id AND l.state = 'held' AND f.stage <> 'ended'",
        id=application_id,
    )


async def withdraw_held_line(session: AsyncSession, line: HeldLine, reason_sealed: str) -> None:
    """It was never sent, so nobody else has to be told; its flow is held since `held_line`."""
    flow = await session.get_one(Flow, line.flow_id)
    await lock_indicators(session, flow)
    await withdraw_flow_lines(session, [line.id], reason_sealed)

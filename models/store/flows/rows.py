"""A flow's rows by their numbers: the flow, locked where its run changes it, and the summary that counts."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.locking import lock_flow
from models.tables.flows import Flow, Summary


async def flow_by_number(session: AsyncSession, flow_no: str) -> Flow:
    return (await session.exec(select(Flow).where(Flow.flow_no == flow_no))).one()


async def lock_flow_of_run(session: AsyncSession, flow_no: str) -> Flow:
    """As it is now, whatever the session remembers of it."""
    flow = await lock_flow(session, Flow.flow_no == flow_no)
    assert flow is not None, "a flow's row never goes"
    return flow


async def current_summary(session: AsyncSession, flow: Flow) -> Summary | None:
    if flow.summary_no == 0:
        return None
    statement = select(Summary).where(Summary.flow_id == flow.id, Summary.number == flow.summary_no)
    return (await session.exec(statement)).first()

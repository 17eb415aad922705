"""The province's one initialisation under review: who holds it, who is next (S1 2.4.1)."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.database import execute, fetch_one
from models.store.runs import wake
from models.subsidy import RunKind, Signal, workflow_id


async def release_slot(session: AsyncSession, list_no: str) -> None:
    """Give the slot (or the place in the queue) back and wake the list that has waited longest."""
    freed = await execute(
        session,
        "UPDATE province_slot SET released_at = now() WHERE list_no = :list AND released_at IS NULL",
        list=list_no,
    )
    row = await fetch_one(
        session,
        "SELECT n.list_no FROM province_slot n JOIN province_slot s ON s.province_code = n.province_code"
        " WHERE s.list_no = :list AND n.released_at IS NULL AND n.granted_at IS NULL ORDER BY n.id LIMIT 1",
        list=list_no,
    )
    if freed and row is not None:
        await wake(session, workflow_id(RunKind.BENEFICIARY_INIT, str(row[0])), Signal.LINES_CHANGED, [list_no])

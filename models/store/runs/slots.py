"""The province's one initialisation under review: who holds it, who is next (S1 2.4.1).

Everybody who asks for the slot, takes it or gives it back holds the province's name first. Otherwise one who gives it
back doesn't see the list that asks at this moment, that list sees the slot as taken still, and nobody ever wakes it.
"""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Signal, workflow_id
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.runs.runs import wake
from models.store.sql import execute, fetch_int, fetch_one
from models.wire.answers import province_of


async def ask_for_slot(session: AsyncSession, county_code: str, list_no: str) -> None:
    """A place at the end of the queue; asking again keeps the place."""
    await _hold_province(session, county_code)
    await execute(
        session,
        "INSERT INTO province_slot (province_code, county_code, list_no, asked_at)"
        " VALUES (:province, :county, :list, now()) ON CONFLICT (list_no) DO NOTHING",
        province=province_of(county_code),
        county=county_code,
        list=list_no,
    )


async def take_slot(session: AsyncSession, county_code: str, list_no: str) -> bool:
    """Take the slot when nobody holds it and nobody asked before; True when the list has, or has had, it."""
    await _hold_province(session, county_code)
    await execute(
        session,
        "UPDATE province_slot SET granted_at = now() WHERE list_no = :list AND granted_at IS NULL AND id ="
        " (SELECT min(id) FROM province_slot WHERE province_code = :province AND released_at IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM province_slot h WHERE h.province_code = :province"
        "   AND h.granted_at IS NOT NULL AND h.released_at IS NULL)",
        list=list_no,
        province=province_of(county_code),
    )
    held = await fetch_int(
        session,
        "SELECT count(*) FROM province_slot WHERE list_no = :list AND granted_at IS NOT NULL",
        list=list_no,
    )
    return held > 0


async def release_slot(session: AsyncSession, county_code: str, list_no: str) -> None:
    """Give the slot (or the place in the queue) back and wake the list that has waited longest."""
    await _hold_province(session, county_code)
    freed = await execute(
        session,
        "UPDATE province_slot SET released_at = now() WHERE list_no = :list AND released_at IS NULL",
        list=list_no,
    )
    longest = await fetch_one(
        session,
        str,
        "SELECT list_no FROM province_slot WHERE province_code = :province AND released_at IS NULL"
        " AND granted_at IS NULL ORDER BY id LIMIT 1",
        province=province_of(county_code),
    )
    if freed and longest is not None:
        await wake(session, workflow_id(RunKind.BENEFICIARY_INIT, longest), Signal.LINES_CHANGED, [list_no])


async def _hold_province(session: AsyncSession, county_code: str) -> None:
    await hold(session, Rank.SLOT, f"slot/{province_of(county_code)}")

"""Up to where a province's own list of invalid accounts has been fetched."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import execute, fetch_one


async def fetched_until(session: AsyncSession, province_code: str) -> datetime:
    """Up to where the province's invalidations are known; at first, since there are accounts."""
    since = await fetch_one(
        session,
        datetime,
        "SELECT coalesce((SELECT since FROM invalidation_cursor WHERE province_code = :province),"
        " (SELECT min(coalesce(c.as_of, c.at)) FROM register_change c JOIN register_account r"
        "  ON r.id = c.register_account_id WHERE r.county_code LIKE :counties), now())",
        province=province_code,
        counties=f"{province_code[:2]}____",
    )
    assert since is not None
    return since


async def note_fetched(session: AsyncSession, province_code: str, since: datetime) -> None:
    await execute(
        session,
        "INSERT INTO invalidation_cursor (province_code, since) VALUES (:province, :since) ON CONFLICT (province_code)"
        " DO UPDATE SET since = greatest(invalidation_cursor.since, excluded.since)",
        province=province_code,
        since=since,
    )

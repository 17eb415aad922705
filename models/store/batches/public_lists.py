"""公示网页: which batches anybody may look at, and where people are to object (S1 2.6; DOMAIN: Publicity)."""

from datetime import date
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_one

# From the publicity's start date until the flow starts, in a county that has switched it on; by the database's clock.
_PUBLIC = """
SELECT b.id, b.batch_no, b.county_code, b.fund_year, b.publicity_start AS start_date, b.publicity_address AS address,
  s.contact_sealed
FROM batch b JOIN public_list_switch s ON s.county_code = b.county_code AND s.shown
WHERE b.batch_no = :number AND b.stage IN ('open', 'verifying', 'verified')
  AND b.publicity_start <= (now() AT TIME ZONE 'Asia/Shanghai')::date AND b.publicity_address IS NOT NULL
"""


class PublicBatch(NamedTuple):
    id: int
    batch_no: str
    county_code: str
    fund_year: int
    start_date: date
    address: str
    contact_sealed: str | None


async def public_batch(session: AsyncSession, batch_no: str) -> PublicBatch | None:
    """None where there is nothing that anybody may look at now."""
    return await fetch_one(session, PublicBatch, _PUBLIC, number=batch_no)

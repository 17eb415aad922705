"""What day it is by the database's clock: one for all processes, whatever the machines' own clocks say."""

from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_one

# China has one zone and no summer time, so a fixed offset needs no zone data.
DAY_IN_CHINA = "CAST({instant} AT TIME ZONE INTERVAL '08:00' AS date)"


async def today_in_china(session: AsyncSession) -> date:
    today = await fetch_one(session, date, "SELECT " + DAY_IN_CHINA.format(instant="now()"))
    assert today is not None
    return today

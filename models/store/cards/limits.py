"""Daily limit of failed or withdrawn requests a person: each leaves rows in every county named."""

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.cards.requests import Citizen
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.sql import fetch_one
from models.tables.base import now

DAY = timedelta(days=1)


class TooManyRequests(Exception):
    """`retry_after`: seconds until the next one may be made."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many requests of one person")
        self.retry_after = retry_after


async def refuse_too_many(session: AsyncSession, citizen: Citizen, most: int) -> None:
    """Raise TooManyRequests when so many have failed or were taken back; the person's name is held from here on."""
    await hold(session, Rank.PERSON, f"{citizen.province_code}/{citizen.person_index}")
    at = now()
    made = await fetch_one(
        session,
        datetime,
        "SELECT created_at FROM card_change WHERE province_code = :province AND person_index = :person"
        " AND result IN ('failed', 'withdrawn') AND created_at > :since ORDER BY created_at DESC OFFSET :most LIMIT 1",
        province=citizen.province_code,
        person=citizen.person_index,
        since=at - DAY,
        most=most - 1,
    )
    if made is not None:
        raise TooManyRequests((made + DAY - at).total_seconds())

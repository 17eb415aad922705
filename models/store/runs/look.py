"""What every look at a run's rows shares: noting what it waits for, and when to ask the platform by itself."""

import random
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.sql import execute, fetch_one
from models.wire.answers import province_of

JITTER = 0.1
# So long after the database came back as it was earlier, a run asks the platform whenever it begins to wait for
# something: what was called back in the lost minutes was acknowledged, and doesn't come again.
ASKS_ANEW_DAYS = 30
_ASKS_ANEW = (
    f"EXISTS (SELECT FROM restoration r WHERE r.at > now() - interval '{ASKS_ANEW_DAYS} days'"
    " AND (platform_asked_at IS NULL OR platform_asked_at < greatest(since, r.at)))"
)


class WaitingSince(NamedTuple):
    """Since when a run waits for what it waits for, and whether the platform is to be asked now."""

    since: datetime
    ask_now: bool


async def note_stage(
    session: AsyncSession, workflow_id: str, stage: str, waiting_for: str, *, asks: bool = True
) -> WaitingSince:
    """Write stage and what is waited for into the run's row; most looks find them there, and write nothing.

    The platform is to be asked now after a contradiction, and, unless it has nothing of the run (`asks`), after a
    restoration of the database.
    """
    waiting = await fetch_one(
        session,
        WaitingSince,
        "WITH noted AS (UPDATE run SET since = now(), stage = :stage, waiting_for = :waiting WHERE workflow_id = :id"
        " AND (stage <> :stage OR waiting_for <> :waiting) RETURNING since), seen AS (SELECT number,"
        " platform_asked_at, coalesce((SELECT since FROM noted), since) AS since FROM run WHERE workflow_id = :id)"
        " SELECT since, EXISTS (SELECT FROM contradiction c"
        " WHERE c.number = seen.number AND c.state = 'open' AND c.asked_at IS NULL)"
        f" OR CAST(:asks AS boolean) AND {_ASKS_ANEW} AS ask_now"
        " FROM seen",
        id=workflow_id,
        stage=stage,
        waiting=waiting_for,
        asks=asks,
    )
    assert waiting is not None, "a run looks at its own row"
    return waiting


async def note_decided(session: AsyncSession, workflow_id: str, stage: str, waiting_for: str = "") -> None:
    """What a person's act has made of a run's row, with the act: until the run has looked nobody is told of what was
    waited for before. Without words where the thing is over, and its run has only to close.
    """
    await execute(
        session,
        "UPDATE run SET since = now(), stage = :stage, waiting_for = :waiting WHERE workflow_id = :id"
        " AND closed_at IS NULL AND (stage <> :stage OR waiting_for <> :waiting)",
        id=workflow_id,
        stage=stage,
        waiting=waiting_for,
    )


async def asks_anew(session: AsyncSession, workflow_id: str) -> bool:
    """Whether a run is to ask the platform now because the database came back as it was earlier."""
    return bool(await fetch_one(session, bool, f"SELECT {_ASKS_ANEW} FROM run WHERE workflow_id = :id", id=workflow_id))


async def note_asked(session: AsyncSession, workflow_id: str) -> None:
    await execute(session, "UPDATE run SET platform_asked_at = now() WHERE workflow_id = :id", id=workflow_id)


def ask_after(settings: Settings, since: datetime, now: datetime) -> float:
    """Seconds until the platform is asked: the first time after a day, then daily, never all runs at once."""
    waited = (now - since).total_seconds()
    first = settings.platform_first_ask_seconds - waited
    pause = first if first > 0 else settings.platform_ask_seconds
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


async def remember(session: AsyncSession, county_code: str, platform_id: str, number: str) -> None:
    """Keep which of ours the platform's own id belongs to: for events without our reference, or of an earlier try."""
    await execute(
        session,
        "INSERT INTO platform_reference (province_code, platform_id, number) VALUES (:province, :id, :number)"
        " ON CONFLICT DO NOTHING",
        province=province_of(county_code),
        id=platform_id,
        number=number,
    )

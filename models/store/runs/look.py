"""What every look at a run's rows shares: noting what it waits for, and when to ask the platform by itself."""

import random
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.sql import execute, fetch_one
from models.wire.answers import province_of

JITTER = 0.1


class WaitingSince(NamedTuple):
    """Since when a run waits for what it waits for, and whether a contradiction of it wants the platform asked."""

    since: datetime
    ask_now: bool


async def note_stage(session: AsyncSession, workflow_id: str, stage: str, waiting_for: str) -> WaitingSince:
    """Write stage and what is waited for into the run's row; most looks find them there, and write nothing."""
    waiting = await fetch_one(
        session,
        WaitingSince,
        "WITH noted AS (UPDATE run SET since = now(), stage = :stage, waiting_for = :waiting WHERE workflow_id = :id"
        " AND (stage <> :stage OR waiting_for <> :waiting) RETURNING since)"
        " SELECT coalesce((SELECT since FROM noted), run.since) AS since, EXISTS (SELECT"
        " FROM contradiction c WHERE c.number = run.number AND c.state = 'open' AND c.asked_at IS NULL) AS ask_now"
        " FROM run WHERE workflow_id = :id",
        id=workflow_id,
        stage=stage,
        waiting=waiting_for,
    )
    assert waiting is not None, "a run looks at its own row"
    return waiting


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

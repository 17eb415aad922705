"""Runs and what wakes them: a row and an outbox entry in the caller's transaction, never Temporal itself."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Signal, Subject
from models.store.sql import execute, fetch_int, fetch_one

OUTBOX_CHANNEL = "onecard_outbox"
INBOX_CHANNEL = "onecard_inbox"
# What has another stage now, by its number: whoever waits for it; and a county of which anything is another now, by its
# code. Told by triggers (0002_stages), never by hand.
STAGE_CHANNEL = "onecard_stage"

# Into the outbox, and the relay told with the commit: in one statement.
_POSTED = (
    "posted AS (INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, tries)"
    " VALUES (:workflow_id, :signal, CAST(:ids AS jsonb), now(), now(), 0)) SELECT pg_notify(:channel, '')"
)


class _Closed(NamedTuple):
    number: str
    county_code: str
    fund_year: int | None
    batch_no: str | None
    unasked: bool


async def open_run(session: AsyncSession, subject: Subject, stage: str = "") -> None:
    """Open (or open again) the run of a subject and ask the relay to start its workflow."""
    await session.flush()
    await execute(
        session,
        "WITH opened AS (INSERT INTO run (workflow_id, kind, number, county_code, fund_year, batch_no, stage,"
        " waiting_for, since, opened_at, restarts, asked) VALUES (:workflow_id, :kind, :number, :county, :fund_year,"
        " :batch_no, :stage, '', now(), now(), 0, 1) ON CONFLICT (workflow_id) DO UPDATE SET closed_at = NULL,"
        f" stage = excluded.stage, since = now(), missing_since = NULL, asked = run.asked + 1), {_POSTED}",
        workflow_id=subject.workflow_id,
        kind=subject.kind.value,
        number=subject.number,
        county=subject.county_code,
        fund_year=subject.fund_year,
        batch_no=subject.batch_no,
        stage=stage,
        # A signal and not a bare start: a run that is just closing sees it and looks again instead of ending.
        signal=Signal.OPENED.value,
        ids=json.dumps([subject.number]),
        channel=OUTBOX_CHANNEL,
    )


async def times_asked(session: AsyncSession, workflow_id: str) -> int:
    """How often the run was opened: read before its rows are, and held against at its end."""
    return await fetch_int(session, "SELECT asked FROM run WHERE workflow_id = :id", id=workflow_id)


async def close_run(session: AsyncSession, workflow_id: str, stage: str, asked: int | None = None) -> bool:
    """False when it was opened again since `asked` was read: its end would bury what it was opened for.

    A contradiction that it came upon last is asked about by the run for what comes after.
    """
    row = await fetch_one(
        session,
        _Closed,
        "UPDATE run SET closed_at = now(), stage = :stage, waiting_for = '', since = now(), execution = NULL"
        " WHERE workflow_id = :id AND asked = coalesce(CAST(:asked AS integer), asked)"
        " RETURNING number, county_code, fund_year, batch_no, kind <> :after AND EXISTS (SELECT FROM contradiction c"
        " WHERE c.number = run.number AND c.state = 'open' AND c.asked_at IS NULL) AS unasked",
        id=workflow_id,
        stage=stage,
        asked=asked,
        after=RunKind.PAYMENT_CORRECTION.value,
    )
    if row is not None and row.unasked:
        await open_run(session, after_end(row.number, row.county_code, row.fund_year, row.batch_no))
    return row is not None


def after_end(number: str, county_code: str, fund_year: int | None, batch_no: str | None) -> Subject:
    """The run for what comes for a number whose own run has ended."""
    return Subject(
        kind=RunKind.PAYMENT_CORRECTION,
        number=number,
        county_code=county_code,
        fund_year=fund_year,
        batch_no=batch_no,
    )


async def wake(session: AsyncSession, workflow_id: str, signal: Signal | None = None, ids: Sequence[str] = ()) -> None:
    """Tell a run that something it waits for is in its rows, or, without a signal, have it started.

    Into the outbox: the relay hears of it with the commit.
    """
    await session.flush()
    await execute(
        session,
        f"WITH {_POSTED}",
        workflow_id=workflow_id,
        signal=None if signal is None else signal.value,
        ids=json.dumps(list(ids)),
        channel=OUTBOX_CHANNEL,
    )

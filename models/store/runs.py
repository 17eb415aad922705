"""Runs and what wakes them: a row and an outbox entry in the caller's transaction, never Temporal itself."""

from collections.abc import Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.database import execute
from models.subsidy import Signal, Subject
from models.tables import Outbox, Run

OUTBOX_CHANNEL = "onecard_outbox"
INBOX_CHANNEL = "onecard_inbox"


async def open_run(session: AsyncSession, subject: Subject, stage: str = "") -> None:
    """Open (or open again) the run of a subject and ask the relay to start its workflow."""
    await execute(
        session,
        "INSERT INTO run (workflow_id, kind, number, county_code, fund_year, batch_no, stage, waiting_for, since,"
        " opened_at, restarts) VALUES (:workflow_id, :kind, :number, :county, :fund_year, :batch_no, :stage, '',"
        " now(), now(), 0) ON CONFLICT (workflow_id) DO UPDATE SET closed_at = NULL, stage = excluded.stage,"
        " since = now(), missing_since = NULL",
        workflow_id=subject.workflow_id,
        kind=subject.kind.value,
        number=subject.number,
        county=subject.county_code,
        fund_year=subject.fund_year,
        batch_no=subject.batch_no,
        stage=stage,
    )
    # A signal and not a bare start: a run that is just closing sees it and looks again instead of ending.
    await _post(session, subject.workflow_id, Signal.OPENED.value, (subject.number,))


async def wake(session: AsyncSession, workflow_id: str, signal: Signal, ids: Sequence[str]) -> None:
    """Tell a run that something it waits for is in its rows."""
    await _post(session, workflow_id, signal.value, ids)


async def close_run(session: AsyncSession, workflow_id: str, stage: str) -> None:
    await execute(
        session,
        "UPDATE run SET closed_at = now(), stage = :stage, waiting_for = '', since = now() WHERE workflow_id = :id",
        id=workflow_id,
        stage=stage,
    )


async def subject_of(session: AsyncSession, workflow_id: str) -> Subject | None:
    """What a stored run is about."""
    run = (await session.exec(select(Run).where(Run.workflow_id == workflow_id))).first()
    if run is None:
        return None
    return Subject(
        kind=run.kind,
        number=run.number,
        county_code=run.county_code,
        fund_year=run.fund_year,
        batch_no=run.batch_no,
    )


async def _post(session: AsyncSession, workflow_id: str, signal: str | None, ids: Sequence[str]) -> None:
    session.add(Outbox(workflow_id=workflow_id, signal=signal, ids=list(ids)))
    await session.flush()
    await execute(session, f"NOTIFY {OUTBOX_CHANNEL}")

"""Which run a number's news belongs to: its own while that is open, else the run for what comes after."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind
from models.store.runs.runs import after_end, open_run
from models.tables.records import Run


async def run_of_number(session: AsyncSession, number: str) -> Run | None:
    statement = select(Run).where(Run.number == number, Run.kind != RunKind.PAYMENT_CORRECTION)
    return (await session.exec(statement)).first()


async def run_to_wake(session: AsyncSession, run: Run) -> str:
    """The workflow id to signal; a run that has ended gets its payment-correction opened."""
    if run.closed_at is None:
        return run.workflow_id
    subject = after_end(run.number, run.county_code, run.fund_year, run.batch_no)
    await open_run(session, subject)
    return subject.workflow_id

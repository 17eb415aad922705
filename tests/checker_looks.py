"""Runs that nobody has woken: a look now, taken back again, finds more than what the run has seen."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.lists import ListActivities
from models.contracts import FlowLook, FlowStep, Look, RunKind, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.cards.look import look_at_request
from models.store.cards.parts import lock_request
from models.store.database import ENGINE_OPTIONS, Database
from models.store.flows.look import look_at_flow
from models.store.vault import Vault
from models.tables.records import Run

# What a flow may have before itself for days: a county that is taken, a platform that is busy.
_IN_VAIN = (FlowStep.WAIT, FlowStep.START, FlowStep.HAND_OVER)
Looks = Mapping[RunKind, Callable[[Subject], Awaitable[Look]]]


class _Undone(Exception):
    """What a look has changed is taken back."""


class _Looking(Database):
    """Transactions that come to nothing."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        with suppress(_Undone):
            async with super().transaction() as session:
                yield session
                raise _Undone


async def owed(url: str, vault: Vault, settings: Settings) -> list[str]:
    """Runs at rest that would go on if only they looked."""
    engine = create_async_engine(url, **ENGINE_OPTIONS)
    try:
        return [told async for told in _owed(_Looking(engine), vault, settings)]
    finally:
        await engine.dispose()


async def _owed(database: Database, vault: Vault, settings: Settings) -> AsyncIterator[str]:
    looks = _looks(database, vault, settings)
    async with database.reading() as session:
        runs = (await session.exec(select(Run).where(col(Run.closed_at).is_(None)))).all()
    for run in runs:
        subject = Subject.model_validate(run, from_attributes=True)
        if run.kind in looks and (news := _news(run, await looks[run.kind](subject))):
            yield f"{run.workflow_id} was not woken: {run.stage}, {run.waiting_for} -> {news}"


def _looks(database: Database, vault: Vault, settings: Settings) -> Looks:
    lists = ListActivities(database, vault, settings).look_at_list

    async def flow(subject: Subject) -> Look:
        async with database.transaction() as session:
            await apply_pending_events(session, vault, subject)
            return await look_at_flow(session, vault, subject, settings)

    async def card(subject: Subject) -> Look:
        async with database.transaction() as session:
            await apply_pending_events(session, vault, subject)
            return await look_at_request(session, subject, settings, await lock_request(session, subject.number))

    return {
        RunKind.SUBSIDY_FLOW: flow,
        RunKind.CARD_CHANGE: card,
        RunKind.BENEFICIARY_INIT: lists,
        RunKind.VERIFICATION: lists,
    }


def _news(run: Run, look: Look) -> str | None:
    if (look.stage, look.waiting_for) != (run.stage, run.waiting_for):
        return f"{look.stage}, {look.waiting_for}"
    if isinstance(look, FlowLook) and look.step not in _IN_VAIN:
        return look.step.value
    return None

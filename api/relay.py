"""The relay: carries what the outbox asks for to Temporal, and stored callbacks to the outbox."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import structlog
from psycopg import AsyncConnection
from sqlalchemy import func, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from api.bell import Bell
from api.routing import AT_ONCE, Router
from models.settings import Settings
from models.store.database import Database, execute
from models.store.runs import INBOX_CHANNEL, LOOK_CHANNEL, OUTBOX_CHANNEL
from models.store.vault import Vault
from models.subsidy import WORKFLOW_TYPES, Signal, Subject
from models.tables import Outbox, Run
from workflows.client import attributes_of

_LOG = structlog.get_logger()
_AT_ONCE = 200
_CALLS_AT_ONCE = 16
_CALL_TIMEOUT = timedelta(seconds=5)
_LONGEST_WAIT_SECONDS = 30.0
_RUN_MISSING = "RUN_MISSING"
# Temporal is away, whatever the parcel: by the server's word, by the client's that can't connect, or by silence.
_OUTAGES = frozenset(
    {RPCStatusCode.UNAVAILABLE.name, RPCStatusCode.DEADLINE_EXCEEDED.name, "RuntimeError", "TimeoutError"}
)


@dataclass(frozen=True)
class Parcel:
    """Entries of the outbox that go to Temporal in one call: a start, or all ids of one signal to one run."""

    workflow_id: str
    signal: str | None
    entries: Sequence[Outbox]

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(one for entry in self.entries for one in entry.ids))


class Relay:
    """Any number of them may run: an entry is locked while it is carried and marked in the same transaction."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, client: Client) -> None:
        self._database = database
        self._settings = settings
        self._client = client
        self._router = Router(database, vault, settings)
        self.looks = Bell()
        self._news = asyncio.Event()
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._outage: str | None = None
        self._was_away = False

    def nudge(self) -> None:
        """There is something to carry; called by whoever stored it in this process."""
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; survives every outage of database and Temporal."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._carry())

    async def _carry(self) -> None:
        while True:
            self._news.clear()
            try:
                moved = await self.round()
            except Exception as error:  # the database is away: what is due stays due
                _LOG.warning("relay round failed", error=type(error).__name__)
                moved = 0
                self._news.clear()
            # A round that was not full has left nothing behind: what it routed it has carried too.
            if moved < AT_ONCE:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._settings.relay_poll_seconds):
                await self._news.wait()
        except TimeoutError:
            return

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except Exception as error:
                _LOG.warning("relay hears nothing, it polls", error=type(error).__name__)
            await asyncio.sleep(self._settings.relay_poll_seconds)

    async def _hear(self) -> None:
        async with self._database.engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            try:
                for channel in (OUTBOX_CHANNEL, INBOX_CHANNEL, LOOK_CHANNEL):
                    await connection.execute(text(f"LISTEN {channel}"))
                raw = await connection.get_raw_connection()
                driver = cast("AsyncConnection[tuple[object, ...]]", raw.driver_connection)
                async for heard in driver.notifies():
                    (self.looks.ring if heard.channel == LOOK_CHANNEL else self.nudge)()
            finally:
                # a connection that listens must not go back to the others
                await connection.invalidate()

    async def round(self) -> int:
        """One pass over everything due; gives how many rows it moved on."""
        routed = await self._router.route_due()
        return routed + await self._deliver_due()

    async def _deliver_due(self) -> int:
        async with self._database.transaction() as session:
            due = await _due(session)
            if not due:
                return 0
            runs = await _runs(session, {entry.workflow_id for entry in due})
            parcels = _parcels(due)
            self._outage = None
            troubles = await asyncio.gather(*(self._deliver(one, runs.get(one.workflow_id)) for one in parcels))
            for parcel, trouble in zip(parcels, troubles, strict=True):
                run = runs.get(parcel.workflow_id)
                await _note(session, parcel, trouble, run is not None and run.closed_at is None)
        delivered = sum(len(one.entries) for one, trouble in zip(parcels, troubles, strict=True) if trouble is None)
        await self._after_outage(delivered)
        return delivered

    async def _deliver(self, parcel: Parcel, run: Run | None) -> str | None:
        """None when there is nothing left to do for the parcel, else what is in the way."""
        if run is None:
            return _RUN_MISSING
        if run.closed_at is not None:
            return None
        async with self._calls:
            # one that ran into the silence speaks for the rest of the round
            trouble = self._outage or await self._try(parcel, run)
        if trouble in _OUTAGES:
            self._outage = trouble
        return trouble

    async def _try(self, parcel: Parcel, run: Run) -> str | None:
        try:
            # the call's own timeout doesn't cover connecting
            async with asyncio.timeout(2 * _CALL_TIMEOUT.total_seconds()):
                await self._call(parcel, run)
        except RPCError as error:
            return error.status.name
        except Exception as error:  # a poisoned entry waits by itself, the others go on
            _LOG.error("parcel not delivered", workflow_id=parcel.workflow_id, error=type(error).__name__)
            return type(error).__name__
        return None

    async def _call(self, parcel: Parcel, run: Run) -> None:
        subject = Subject(
            kind=run.kind,
            number=run.number,
            county_code=run.county_code,
            fund_year=run.fund_year,
            batch_no=run.batch_no,
        )
        await self._client.start_workflow(
            WORKFLOW_TYPES[run.kind],
            subject,
            id=run.workflow_id,
            task_queue=self._settings.temporal_task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=attributes_of(subject, run.stage),
            start_signal=parcel.signal,
            start_signal_args=[parcel.ids] if parcel.signal else [],
            rpc_timeout=_CALL_TIMEOUT,
        )

    async def _after_outage(self, delivered: int) -> None:
        """Temporal is back: what waits only because it was away needs to wait no longer."""
        if delivered and self._was_away:
            async with self._database.transaction() as session:
                await execute(
                    session,
                    "UPDATE outbox SET next_try_at = now() WHERE id IN (SELECT id FROM outbox WHERE delivered_at"
                    " IS NULL AND next_try_at > now() AND last_error = ANY(:outages) FOR UPDATE SKIP LOCKED)",
                    outages=sorted(_OUTAGES),
                )
        self._was_away = self._outage is not None


async def _due(session: AsyncSession) -> list[Outbox]:
    statement = (
        select(Outbox)
        # A new one is due whatever its writer's clock says.
        .where(col(Outbox.delivered_at).is_(None), text("(next_try_at <= now() OR tries = 0)"))
        .order_by(col(Outbox.id))
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return list(await session.exec(statement))


async def _runs(session: AsyncSession, ids: set[str]) -> dict[str, Run]:
    runs = await session.exec(select(Run).where(col(Run.workflow_id).in_(ids)))
    return {run.workflow_id: run for run in runs}


def _parcels(due: Sequence[Outbox]) -> list[Parcel]:
    groups: defaultdict[tuple[str, str | None], list[Outbox]] = defaultdict(list)
    for entry in due:
        groups[entry.workflow_id, entry.signal].append(entry)
    return [Parcel(workflow_id, signal, entries) for (workflow_id, signal), entries in groups.items()]


async def _note(session: AsyncSession, parcel: Parcel, trouble: str | None, run_open: bool) -> None:
    for entry in parcel.entries:
        entry.last_error = trouble
        if trouble is None:
            entry.delivered_at = func.now()  # type: ignore[assignment]
        else:
            pause = timedelta(seconds=min(_LONGEST_WAIT_SECONDS, 2.0 ** min(entry.tries, 10)))
            entry.next_try_at = func.now() + pause  # type: ignore[assignment]
            entry.tries += 1
    if trouble is None and parcel.signal == Signal.CALLBACKS_ARRIVED:
        await _note_callbacks(session, [int(one) for one in parcel.ids if one.isdigit()], run_open)


async def _note_callbacks(session: AsyncSession, ids: list[int], run_open: bool) -> None:
    """Delivered; or, for a run that ended on the way, routed anew to the run for what comes after."""
    change = "state = 'delivered', delivered_at = now()" if run_open else "next_try_at = now()"
    await execute(
        session,
        # one that a look is applying right now is left to it: the relay carries for all counties and waits for none
        f"UPDATE inbox SET {change} WHERE id IN (SELECT id FROM inbox WHERE id = ANY(:ids) AND state = 'received'"
        " AND applied_at IS NULL FOR UPDATE SKIP LOCKED)",
        ids=ids,
    )

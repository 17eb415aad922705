"""The relay: carries what the outbox asks for to Temporal, and stored callbacks to the outbox."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import structlog
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from api.relay.broadcast import Broadcast
from api.relay.outbox import Addressee, OutboxEntry, Parcel, addressees, due_ids, note, parcels_of, put_off, take_due
from api.relay.pace import LOOK_SECONDS, Pace
from api.relay.routing import EVENTS_AT_ONCE, Router
from models.contracts import WORKFLOW_TYPES, RunKind, Subject
from models.fault_points import FaultPoint, reach
from models.settings import Settings
from models.store.database import Database
from models.store.runs.runs import INBOX_CHANNEL, OUTBOX_CHANNEL, STAGE_CHANNEL
from models.store.runs.watch import Begun, note_executions
from models.store.sql import execute
from models.store.vault import Vault
from workflows.client import attributes_of, priority_of, summary_of
from workflows.options import WORKFLOW_TASK_TIMEOUT

_LOG = structlog.get_logger()
_CALLS_AT_ONCE = 16
_CALL_TIMEOUT = timedelta(seconds=5)
_RUN_MISSING = "RUN_MISSING"
# Temporal is away, whatever the parcel: by the server's word, by the client's that can't connect, or by silence.
_OUTAGES = frozenset(
    {RPCStatusCode.UNAVAILABLE.name, RPCStatusCode.DEADLINE_EXCEEDED.name, "RuntimeError", "TimeoutError"}
)


@dataclass
class _Outage:
    """What a round of deliveries has run into, if Temporal is away."""

    trouble: str | None = None


class Relay:
    """Any number of them may run: an entry is locked while it is carried and marked in the same transaction."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, client: Client) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self.client = client
        self._router = Router(database, vault, settings)
        self.stages = Broadcast()
        self._callbacks = asyncio.Event()
        self._parcels = asyncio.Event()
        # what comes while parcels are under way is carried beside them: nobody's start waits for other runs' answers
        self._beside = asyncio.Event()
        self._idle: set[asyncio.Event] = set()
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._pace = Pace()
        self._was_away = False
        # runs with another execution than their rows say, until it is noted there
        self._begun: dict[str, Begun] = {}

    def nudge(self) -> None:
        """There is a callback to route; called by whoever stored it in this process."""
        self._callbacks.set()

    async def run(self) -> None:
        """Until cancelled; survives every outage of database and Temporal."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            # Side by side: neither waits for the other, nor stops with it.
            group.create_task(self._keep(self.route_due, self._callbacks))
            group.create_task(self._keep(self.deliver_due, self._parcels))
            group.create_task(self._keep(self.deliver_new, self._beside))

    async def _keep(self, carry: Callable[[], Awaitable[int]], news: asyncio.Event) -> None:
        while True:
            news.clear()
            try:
                moved = await carry()
            except Exception as error:  # the database is away: what is due stays due
                _LOG.warning("relay round failed", round=carry.__name__, error=type(error).__name__)
                moved = 0
                news.clear()
            # a round that was not full has left nothing behind
            if moved < EVENTS_AT_ONCE:
                await self._wait(news)

    async def _wait(self, news: asyncio.Event) -> None:
        self._idle.add(news)
        try:
            async with asyncio.timeout(self._settings.relay_poll_seconds):
                await news.wait()
        except TimeoutError:
            return
        finally:
            self._idle.discard(news)

    def _parcel_came(self) -> None:
        """For whoever is free; else for whoever is so first."""
        both = (self._parcels, self._beside)
        for news in [lane for lane in both if lane in self._idle][:1] or both:
            news.set()

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
                for channel in (OUTBOX_CHANNEL, INBOX_CHANNEL, STAGE_CHANNEL):
                    await connection.execute(text(f"LISTEN {channel}"))
                raw = await connection.get_raw_connection()
                driver = cast("AsyncConnection[tuple[object, ...]]", raw.driver_connection)
                self.stages.now_hears(True)
                async for heard in driver.notifies():
                    self._heard(heard.channel, heard.payload)
            finally:
                self.stages.now_hears(False)
                # a connection that listens must not go back to the others
                await connection.invalidate()

    def _heard(self, channel: str, payload: str) -> None:
        if channel == STAGE_CHANNEL:
            self.stages.tell(payload)
        else:
            {INBOX_CHANNEL: self.nudge, OUTBOX_CHANNEL: self._parcel_came}[channel]()

    async def route_due(self) -> int:
        """Callbacks that are due, to the outbox; gives how many."""
        routed = await self._router.route_due()
        if routed:
            self._parcel_came()
        return routed

    async def deliver_due(self) -> int:
        """Entries of the outbox that are due, to Temporal; gives how many."""
        delivered = await self._deliver_round(await self._pace.lot(self.client))
        if self._pace.is_held:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._parcels.set)
        return delivered

    async def deliver_new(self) -> int:
        """The same but for what is said again: of that one lot goes out at a time."""
        return await self._deliver_round(0)

    async def _deliver_round(self, again: int) -> int:
        """In one transaction; where one entry breaks it, each in its own."""
        outage = _Outage()
        try:
            async with self._database.transaction() as session:
                entries = await take_due(session, again=again)
                delivered = await self._deliver_entries(session, entries, outage)
        except Exception as error:
            _LOG.warning("the outbox is delivered one by one", error=type(error).__name__)
            async with self._database.reading() as session:
                ids = await due_ids(session)
            delivered = sum([await self._deliver_alone(each, outage) for each in ids])
        await self._note_begun()
        await self._after_outage(delivered, outage)
        return delivered

    async def _deliver_alone(self, entry_id: int, outage: _Outage) -> int:
        try:
            async with self._database.transaction() as session:
                return await self._deliver_entries(session, await take_due(session, "id = :id", id=entry_id), outage)
        except Exception as error:
            trouble = type(error).__name__
            _LOG.error("entry of the outbox could not be delivered", entry_id=entry_id, error=trouble)
        try:
            async with self._database.transaction() as session:
                await put_off(session, [entry_id], trouble)
        except Exception as error:  # not even that can be written: the others go on all the same
            _LOG.error("entry of the outbox could not be put off", entry_id=entry_id, error=type(error).__name__)
        return 0

    async def _deliver_entries(self, session: AsyncSession, entries: Sequence[OutboxEntry], outage: _Outage) -> int:
        if not entries:
            return 0
        runs = await addressees(session, {entry.workflow_id for entry in entries})
        parcels = parcels_of(entries)
        troubles = await asyncio.gather(*(self._deliver(one, runs.get(one.workflow_id), outage) for one in parcels))
        self._pace.sent([entry.workflow_id for entry in entries if entry.is_again])
        reach(FaultPoint.BEFORE_DELIVERED)
        for parcel, trouble in zip(parcels, troubles, strict=True):
            run = runs.get(parcel.workflow_id)
            await note(session, parcel, trouble, run is not None and run.is_open)
        return sum(len(one.entries) for one, trouble in zip(parcels, troubles, strict=True) if trouble is None)

    async def _deliver(self, parcel: Parcel, run: Addressee | None, outage: _Outage) -> str | None:
        """None when there is nothing left to do for the parcel, else what is in the way."""
        if run is None:
            return _RUN_MISSING
        if not run.is_open:
            return None
        async with self._calls:
            # one that ran into the silence speaks for the rest of the round
            trouble = outage.trouble or await self._try(parcel, run)
        if trouble in _OUTAGES:
            outage.trouble = trouble
        return trouble

    async def _try(self, parcel: Parcel, run: Addressee) -> str | None:
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

    async def _call(self, parcel: Parcel, run: Addressee) -> None:
        subject = Subject(
            # one that only a newer version knows is no run of ours to start: it waits for that version
            kind=RunKind(run.kind),
            number=run.number,
            county_code=run.county_code,
            fund_year=run.fund_year,
            batch_no=run.batch_no,
        )
        handle = await self.client.start_workflow(
            WORKFLOW_TYPES[subject.kind],
            subject,
            id=run.workflow_id,
            task_queue=self._settings.temporal_task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=attributes_of(subject, run.stage),
            priority=priority_of(subject),
            static_summary=summary_of(subject),
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            start_signal=parcel.signal,
            start_signal_args=[parcel.ids] if parcel.signal else [],
            rpc_timeout=_CALL_TIMEOUT,
        )
        execution = handle.first_execution_run_id
        if execution is not None and execution != run.execution:
            self._begun[run.workflow_id] = Begun(execution, run.asked)

    async def _note_begun(self) -> None:
        """In a transaction of its own: a look that holds a run's row may wait for what a delivery holds."""
        if not self._begun:
            return
        async with self._database.transaction() as session:
            noted = await note_executions(session, self._vault, self._begun)
        self._begun = {run: begun for run, begun in self._begun.items() if run not in noted}

    async def _after_outage(self, delivered: int, outage: _Outage) -> None:
        """Temporal is back: what waits only because it was away needs to wait no longer."""
        if delivered and self._was_away:
            async with self._database.transaction() as session:
                await execute(
                    session,
                    "UPDATE outbox SET next_try_at = now() WHERE id IN (SELECT id FROM outbox WHERE delivered_at"
                    " IS NULL AND next_try_at > now() AND last_error = ANY(:outages) FOR UPDATE SKIP LOCKED)",
                    outages=sorted(_OUTAGES),
                )
            self._was_away = False
        if outage.trouble:
            self._was_away = True

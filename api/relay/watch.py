"""The watch: a run that is open in its row and not running in Temporal is started again; old rows are cleared."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil, inf
from typing import NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from models.contracts import Signal
from models.settings import Settings
from models.store.database import Database
from models.store.retention import KINDS, clear_old
from models.store.runs.runs import wake
from models.store.runs.targets import run_of_number, run_to_wake
from models.store.runs.watch import restart_run, wake_open_runs
from models.store.sql import TO_THE_END, execute, fetch, fetch_one
from models.store.vault import Vault

_LOG = structlog.get_logger()
_CALL_TIMEOUT = timedelta(seconds=5)
_LOCK = "onecard/watch"
# A run that was just opened is on its way; one that ends again at once is tried ever more rarely.
_GRACE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 3_600.0
_UNAPPLIED_SECONDS = 60.0
_CLEAR_EVERY_SECONDS = 3_600.0
# Backups of Temporal's database are younger than this, and so is whatever an outage may have taken with it.
_RECENT_SECONDS = 86_400.0
# Within so long each open run is asked after by its name, some of them at each look: a list of all takes seconds where
# thousands are open, and grows with them; a list of what has ended lately doesn't.
_ALL_WITHIN_SECONDS = 600.0
_MOST_ASKED_AFTER = 200
_CALLS_AT_ONCE = 8
# A run's end may be listed this much after it.
_LISTED_WITHIN_SECONDS = 60
# So many of the newest are asked after at each look, too: a Temporal that has forgotten shows.
_NEWEST = 10


class ExpectedRun(NamedTuple):
    """A run that should be running; how often it was asked for, whether it was started again and not seen since."""

    id: int
    workflow_id: str
    asked: int
    was_missing: bool


class Watch:
    """Any number of them may run: an advisory lock lets one at a time look."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, client: Client) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self.client = client
        self._clear_at = 0.0
        # the number of the run that was asked after last
        self._asked_until = inf
        self._looked_at: datetime | None = None
        self._was_away = self._has_forgotten = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._settings.watch_seconds)
            try:
                await self.look()
            except Exception as error:  # database or Temporal away: nothing can be said now
                _LOG.warning("watch could not look", error=type(error).__name__)

    async def look(self) -> int:
        """One look over all open runs; gives how many were started again."""
        async with self._database.transaction() as guard:
            if not await fetch_one(
                guard, bool, "SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))", key=_LOCK
            ):
                return 0
            restarted = 0
            for step in (self._compare, self._deliver_again, self._decide_again, self._clear):
                try:
                    restarted += await step()
                except Exception as error:  # Temporal away, or a row that can't be worked on: the other steps go on
                    _LOG.warning("watch left a step out", step=step.__name__.strip("_"), error=type(error).__name__)
        return restarted

    async def _compare(self) -> int:
        """Missing runs are started again; a Temporal that may have come back older than our rows is told all anew."""
        try:
            missing = await self._restart_missing()
        except (RPCError, RuntimeError):  # the client's own word when it can't even connect
            self._was_away = True
            raise
        if self._was_away or self._has_forgotten:
            async with self._database.transaction() as session:
                await wake_open_runs(session, missing, None if self._has_forgotten else _RECENT_SECONDS)
            self._was_away = self._has_forgotten = False
        return len(missing)

    async def _clear(self) -> int:
        """Hourly; as long as there is more, with every look."""
        if time.monotonic() >= self._clear_at and not any([await self._clear_kind(kind) for kind in KINDS]):
            self._clear_at = time.monotonic() + _CLEAR_EVERY_SECONDS
        return 0

    async def _clear_kind(self, kind: str) -> bool:
        try:
            async with self._database.transaction() as session:
                return await clear_old(session, self._settings, kind)
        except SQLAlchemyError as error:  # a row that can't go: the other kinds go all the same
            _LOG.error("old rows could not be cleared", kind=kind, error=type(error).__name__)
            return False

    async def _restart_missing(self) -> list[str]:
        async with self._database.reading() as session:
            began, found = await _now(session), await candidates(session)
        suspects = await self._suspects(found) if found else []
        missing = await self._not_running(suspects)
        async with self._database.transaction() as session:
            await _seen(session, [one for one in suspects if one not in missing])
        self._looked_at = began
        asked = {one.workflow_id: one.asked for one in found}
        return [one for one in missing if await self._restart(one, asked[one])]

    async def _suspects(self, found: Sequence[ExpectedRun]) -> list[str]:
        """Those started again and not seen since, and what is not running when asked after, or was listed as ended.

        All are listed at the first look, and when Temporal has forgotten one: it may have come back older.
        """
        again = {one.workflow_id for one in found if one.was_missing}
        asked = [one.workflow_id for one in (*found[:_NEWEST], *self._next(found))]
        gone = set(await self._not_running(dict.fromkeys(asked)))
        if self._looked_at is None or self._has_forgotten:
            running = await self._listed("ExecutionStatus = 'Running'")
            return [one.workflow_id for one in found if one.workflow_id in again or one.workflow_id not in running]
        since = self._looked_at - timedelta(seconds=_LISTED_WITHIN_SECONDS)
        ended = await self._listed(
            f"ExecutionStatus NOT IN ('Running', 'ContinuedAsNew') AND CloseTime > '{since.isoformat()}'"
        )
        return [one.workflow_id for one in found if one.workflow_id in again | ended | gone]

    def _next(self, found: Sequence[ExpectedRun]) -> Sequence[ExpectedRun]:
        """Whose turn it is to be asked after, from the newest to the oldest and round again."""
        share = ceil(len(found) * self._settings.watch_seconds / _ALL_WITHIN_SECONDS)
        older = [one for one in found if one.id < self._asked_until] or found
        turn = older[: min(share, _MOST_ASKED_AFTER)]
        self._asked_until = turn[-1].id if turn else inf
        return turn

    async def _not_running(self, workflow_ids: Iterable[str]) -> list[str]:
        """Those of them that Temporal, asked by name, doesn't know as running: its lists may lag behind."""
        calls = asyncio.Semaphore(_CALLS_AT_ONCE)

        async def is_gone(workflow_id: str) -> bool:
            async with calls:
                return not await self._is_running(workflow_id)

        asked = list(workflow_ids)
        gone = await asyncio.gather(*map(is_gone, asked))
        return [one for one, is_gone_now in zip(asked, gone, strict=True) if is_gone_now]

    async def _restart(self, workflow_id: str, asked: int) -> bool:
        try:
            async with self._database.transaction() as session:
                return await restart_run(session, self._vault, workflow_id, _LONGEST_PAUSE_SECONDS, asked)
        except SQLAlchemyError as error:  # its row can't be written: the others are started all the same
            _LOG.error("run could not be restarted", workflow_id=workflow_id, error=type(error).__name__)
            return False

    async def _listed(self, which: str) -> set[str]:
        queue = self._settings.temporal_task_queue.replace("'", "")
        listed = self.client.list_workflows(
            f"{which} AND TaskQueue = '{queue}'", page_size=1000, rpc_timeout=_CALL_TIMEOUT
        )
        return {one.id async for one in listed}

    async def _is_running(self, workflow_id: str) -> bool:
        """Temporal's answer as of now."""
        try:
            handle = self.client.get_workflow_handle(workflow_id)
            found = await handle.describe(rpc_timeout=_CALL_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                self._has_forgotten = True
                return False
            raise
        return found.status is WorkflowExecutionStatus.RUNNING

    async def _deliver_again(self) -> int:
        """Route again what was delivered and isn't applied: its run may have ended or lost the signal."""
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE inbox SET state = 'received', next_try_at = now(), tries = tries + 1"
                " WHERE id IN (SELECT id FROM inbox WHERE state = 'delivered' AND applied_at IS NULL"
                " AND delivered_at < now() - make_interval(secs => :pause * 2 ^ least(tries, 6))"
                # one that a look is applying right now is left to it
                " FOR UPDATE SKIP LOCKED)",
                pause=_UNAPPLIED_SECONDS,
            )
        return 0

    async def _decide_again(self) -> int:
        """A reviewer's decision that no run has carried out: its run may have ended in between. Wake it again."""
        async with self._database.reading() as session:
            rows = await _undone_decisions(session, self._settings.watch_seconds)
        for number, ids in rows:
            try:
                async with self._database.transaction() as session:
                    await _wake_decided(session, number, [str(each) for each in ids])
            except (SQLAlchemyError, LookupError) as error:
                _LOG.error("decision could not be carried on", number=number, error=type(error).__name__)
        return 0


async def _now(session: AsyncSession) -> datetime:
    """The database's clock: this machine's may be wrong by days."""
    at = await fetch_one(session, datetime, "SELECT now()")
    assert at is not None
    return at


async def candidates(session: AsyncSession) -> list[ExpectedRun]:
    """The newest first, without those that something is still on its way to.

    Set against each other here: by the thousand after an outage, each run would be compared with each entry there.
    """
    told = f"SELECT workflow_id FROM outbox WHERE delivered_at IS NULL ORDER BY id {TO_THE_END}"
    on_its_way = set(await fetch(session, str, told))
    runs = await fetch(
        session,
        ExpectedRun,
        "SELECT id, workflow_id, asked, missing_since IS NOT NULL AS was_missing FROM run WHERE closed_at IS NULL"
        f" AND since < now() - make_interval(secs => :grace) ORDER BY id DESC {TO_THE_END}",
        grace=_GRACE_SECONDS,
    )
    return [run for run in runs if run.workflow_id not in on_its_way]


async def _seen(session: AsyncSession, running: list[str]) -> None:
    await execute(
        session,
        "UPDATE run SET missing_since = NULL WHERE id IN (SELECT id FROM run WHERE workflow_id = ANY(:ids)"
        " AND missing_since IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED)",
        ids=running,
    )


class _Undone(NamedTuple):
    """A subject's decisions that no run has carried out."""

    number: str
    ids: list[int]


async def _undone_decisions(session: AsyncSession, every: float) -> list[_Undone]:
    """At the look after twice, four times, eight times ... the pause: days without workers are few
    signals."""
    return await fetch(
        session,
        _Undone,
        "SELECT number, array_agg(id) AS ids FROM (SELECT id, number,"
        " extract(epoch FROM now() - decided_at) / CAST(:pause AS numeric) AS age"
        " FROM contradiction WHERE state = 'decided') d WHERE age >= 1"
        " AND floor(log(2, age)) > floor(log(2, greatest(age - CAST(:look AS numeric), 0.5))) GROUP BY number",
        pause=_UNAPPLIED_SECONDS,
        look=every / _UNAPPLIED_SECONDS,
    )


async def _wake_decided(session: AsyncSession, number: str, ids: Sequence[str]) -> None:
    run = await run_of_number(session, number)
    if run is not None:
        await wake(session, await run_to_wake(session, run), Signal.CONTRADICTION_DECIDED, ids)

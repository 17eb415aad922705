"""Starting a run again from its row when its execution is gone, and what is noted of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import Signal
from models.store.runs.runs import wake
from models.store.sql import execute, fetch, fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Vault

_FIRST_PAUSE_SECONDS = 30.0
# Whoever carries for all waits for no look that holds its run's row: what is skipped is noted with the next round.
_NOTE_EXECUTIONS = """
WITH seen AS (
  SELECT r.id, r.workflow_id, r.county_code, r.number, r.restarts, x.execution, r.execution IS NOT NULL AS again,
    r.closed_at IS NULL AND r.asked = x.asked AND r.execution IS DISTINCT FROM x.execution AS changes
  FROM unnest(CAST(:ids AS text[]), CAST(:executions AS text[]), CAST(:asked AS integer[]))
    AS x (workflow_id, execution, asked)
  JOIN run r USING (workflow_id) FOR NO KEY UPDATE OF r SKIP LOCKED),
changed AS (
  UPDATE run SET execution = seen.execution, restarts = run.restarts + seen.again::int,
    missing_since = CASE WHEN seen.again THEN now() ELSE run.missing_since END
  FROM seen WHERE run.id = seen.id AND seen.changes RETURNING run.id, run.restarts)
SELECT workflow_id, county_code, number, coalesce(changed.restarts, seen.restarts) AS restarts,
  seen.again AND seen.changes AS again FROM seen LEFT JOIN changed USING (id)
"""


class Begun(NamedTuple):
    """An execution, and how often its run had been asked for by then: of a later opening it says nothing."""

    execution: str
    asked: int


class _Restarted(NamedTuple):
    workflow_id: str
    county_code: str
    number: str
    restarts: int


class _Seen(NamedTuple):
    """A run's row as it is now; whether its new execution came in the place of another one."""

    workflow_id: str
    county_code: str
    number: str
    restarts: int
    again: bool


async def restart_run(
    session: AsyncSession, vault: Vault, workflow_id: str, longest_pause: float, asked: int | None = None
) -> bool:
    """Post the start anew and note it in the trail; False for a run that ended, or was restarted a moment ago.

    So is one that was opened again since it had been `asked` for so often: the relay starts it.

    `missing_since` stands from the last restart until the run is seen running or has moved on: one that ends
    again at once is started ever more rarely.
    """
    row = await fetch_one(
        session,
        _Restarted,
        "UPDATE run SET restarts = restarts + 1, missing_since = now(), execution = NULL"
        " WHERE workflow_id = :id AND closed_at IS NULL AND asked = coalesce(CAST(:asked AS integer), asked)"
        " AND (missing_since IS NULL OR missing_since < since OR missing_since < now()"
        " - make_interval(secs => least(:longest, :first * 2 ^ least(restarts, 20))))"
        " RETURNING workflow_id, county_code, number, restarts",
        id=workflow_id,
        asked=asked,
        longest=longest_pause,
        first=_FIRST_PAUSE_SECONDS,
    )
    if row is None:
        return False
    await wake(session, workflow_id)
    await _record(session, vault, row)
    return True


async def note_executions(session: AsyncSession, vault: Vault, executions: Mapping[str, Begun]) -> set[str]:
    """Which execution each of these runs has now: the first of its chain in Temporal, by the run's id.

    A signal starts a run whose execution is gone, and may do so before the watch has seen that it is: a run that had
    another execution was started again, and that is counted and recorded as what the watch starts again is. Gives
    those that are noted: a row that is held just now is left for the next time.
    """
    seen = await fetch(
        session,
        _Seen,
        _NOTE_EXECUTIONS,
        ids=list(executions),
        executions=[each.execution for each in executions.values()],
        asked=[each.asked for each in executions.values()],
    )
    for row in seen:
        if row.again:
            await _record(session, vault, row)
    return {row.workflow_id for row in seen}


async def _record(session: AsyncSession, vault: Vault, row: _Restarted | _Seen) -> None:
    detail = {"workflow_id": row.workflow_id, "restarts": row.restarts}
    await record(session, vault, by_system(row.county_code, "run_restarted", row.number, detail))


async def wake_open_runs(session: AsyncSession, but: Sequence[str] = (), within_seconds: float | None = None) -> int:
    """Open runs look at their rows once more: what they were told may have been forgotten with a restored database.

    All of them when a database was restored; after an outage of Temporal, those that were told something lately. What
    is said once more waits behind all that is new (`tries`), the newest first: a worker still remembers those. Gives
    how many.
    """
    return await execute(
        session,
        "INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, tries)"
        " SELECT workflow_id, :signal, jsonb_build_array(number), now(), now(), 1 FROM run WHERE closed_at IS NULL"
        " AND workflow_id <> ALL(CAST(:but AS text[])) AND (CAST(:within AS float) IS NULL"
        " OR EXISTS (SELECT 1 FROM outbox told WHERE told.workflow_id = run.workflow_id"
        " AND told.delivered_at > now() - make_interval(secs => :within)))"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.workflow_id = run.workflow_id AND delivered_at IS NULL)"
        " ORDER BY since DESC",
        signal=Signal.OPENED.value,
        but=list(but),
        within=within_seconds,
    )

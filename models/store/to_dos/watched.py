"""What is wrong or takes long: contradictions, callbacks put aside, odd answers, runs overdue or restarted."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.applications.makers import acts_about
from models.store.runs.next_wait import overdue
from models.store.sql import fetch
from models.store.to_dos.found import Asker, Found, ToDoSearch
from models.wire.answers import province_of
from models.words.makers import Act, closed_by

_CONTRADICTIONS = """
SELECT 'contradictions' AS kind, NOT number = ANY(:closed) AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(created_at) AS since, NULL::text AS number FROM contradiction
WHERE county_code = :county AND state = 'open' GROUP BY 2
"""
_ABOUT = "SELECT DISTINCT number FROM contradiction WHERE county_code = :county AND state = 'open' LIMIT 100"
_CALLBACKS = """
SELECT 'callbacks_' || state AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(received_at) AS since, NULL::text AS number FROM inbox
WHERE state IN ('parked', 'unknown', 'quarantined') AND (county_code = :county
  OR :ops AND county_code IS NULL AND province_code = :province) GROUP BY 1
"""
# They are for a person to look at, and nothing says that one did: the last week's.
_ODD = """
SELECT 'odd_answers' AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen, min(came_at) AS since,
  NULL::text AS number FROM odd_answer
WHERE county_code = :county AND came_at > now() - interval '7 days' HAVING count(*) > 0
"""
_OUTBOX = """
SELECT 'outbox' AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen, min(created_at) AS since,
  NULL::text AS number FROM outbox
WHERE delivered_at IS NULL AND created_at < now() - interval '1 minute' HAVING count(*) > 0
"""
_OPEN_RUNS = """
SELECT run.kind, run.stage, count(*) AS counted, min(run.since) AS since, count(*) FILTER (WHERE {late}) AS late,
  min(run.since) FILTER (WHERE {late}) AS late_since, count(*) FILTER (WHERE run.restarts > 0) AS restarted,
  min(run.since) FILTER (WHERE run.restarts > 0) AS restarted_since
FROM run WHERE run.county_code = :county AND run.closed_at IS NULL GROUP BY 1, 2
"""
_LAST_CHECK = """
SELECT 'trail_checked' AS kind, true AS able, 1 AS counted, NULL::bigint AS total_fen, at AS since, NULL::text AS number
FROM trail_entry WHERE county_code = :county AND subject = 'trail' AND act = 'trail.checked'
ORDER BY sequence DESC LIMIT 1
"""


class OpenRuns(NamedTuple):
    """Open runs of one kind at one stage."""

    kind: str
    stage: str
    counted: int
    since: datetime
    late: int
    late_since: datetime | None
    restarted: int
    restarted_since: datetime | None


async def of_contradictions(session: AsyncSession, asker: Asker) -> list[Found]:
    numbers = await fetch(session, str, _ABOUT, county=asker.county)
    act = Act.CONTRADICTION_DECIDED
    closed = [each for each in numbers if closed_by(act, await acts_about(session, each, asker.person))]
    return await fetch(session, Found, _CONTRADICTIONS, county=asker.county, closed=closed)


def of_callbacks(asker: Asker, *, ops: bool) -> ToDoSearch:
    """To ops also the province's that nobody could read."""
    return ToDoSearch(_CALLBACKS, {"county": asker.county, "province": province_of(asker.county), "ops": ops})


def of_installation(asker: Asker) -> list[ToDoSearch]:
    return [ToDoSearch(_ODD, {"county": asker.county}), ToDoSearch(_OUTBOX, {})]


async def last_check(session: AsyncSession, asker: Asker) -> list[Found]:
    """Of the trail, by whomever; a county where nobody ever did is told too."""
    found = await fetch(session, Found, _LAST_CHECK, county=asker.county)
    return found or [Found("trail_unchecked", True, 1, None, None, None)]


async def open_runs(session: AsyncSession, asker: Asker, settings: Settings) -> list[OpenRuns]:
    late, ends = overdue(settings)
    return await fetch(session, OpenRuns, _OPEN_RUNS.format(late=late), county=asker.county, **ends)


def of_runs(runs: Sequence[OpenRuns]) -> list[Found]:
    """What is overdue and what was restarted, over all kinds."""
    late = [(run.late, run.late_since) for run in runs if run.late]
    restarted = [(run.restarted, run.restarted_since) for run in runs if run.restarted]
    return [
        Found(kind, True, sum(counted for counted, _ in which), None, min(since for _, since in which if since), None)
        for kind, which in (("runs_overdue", late), ("runs_restarted", restarted))
        if which
    ]

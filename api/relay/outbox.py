"""The outbox's rows: which are due, what they say to which run, and what came of carrying them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import Signal
from models.store.sql import Value, execute, fetch, looked_at

ENTRIES_AT_ONCE = 200
_LONGEST_WAIT_SECONDS = 30.0
# A new one is due whatever its writer's clock says.
_DUE = f"delivered_at IS NULL AND {looked_at('next_try_at <= now() OR tries = 0')}"
_NEW, _AGAIN = looked_at("tries = 0"), looked_at("tries > 0")


class OutboxEntry(NamedTuple):
    """A start or a signal in the outbox."""

    id: int
    workflow_id: str
    signal: str | None
    ids: list[str]
    is_again: bool


@dataclass(frozen=True)
class Parcel:
    """Entries of the outbox that go to Temporal in one call: a start, or all ids of one signal to one run."""

    workflow_id: str
    signal: str | None
    entries: Sequence[OutboxEntry]

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(one for entry in self.entries for one in entry.ids))


class Addressee(NamedTuple):
    """A run as the relay needs it; its kind as it is stored, since a newer version may know more of them."""

    workflow_id: str
    kind: str
    number: str
    county_code: str
    fund_year: int | None
    batch_no: str | None
    stage: str
    execution: str | None
    asked: int
    is_open: bool


async def due_ids(session: AsyncSession) -> list[int]:
    return await fetch(session, int, f"{_next('true')} LIMIT {ENTRIES_AT_ONCE}")


async def take_due(
    session: AsyncSession, which: str = "true", again: int = ENTRIES_AT_ONCE, **values: Value
) -> list[OutboxEntry]:
    """What is due and nobody else's, marked as delivered before it is: nothing goes out that can't be marked.

    So many at most of what is said `again`; what is new doesn't wait behind it.
    """
    rows = await fetch(
        session,
        OutboxEntry,
        "UPDATE outbox SET delivered_at = now(), last_error = NULL WHERE id = ANY("
        f"ARRAY({_next(f'{_NEW} AND {which}')} LIMIT {ENTRIES_AT_ONCE} FOR UPDATE SKIP LOCKED)"
        f" || ARRAY({_next(f'{_AGAIN} AND {which}')} LIMIT :again FOR UPDATE SKIP LOCKED))"
        " RETURNING id, workflow_id, signal, ids, tries > 0 AS is_again",
        again=again,
        **values,
    )
    return sorted(rows)


def _next(which: str) -> str:
    return f"SELECT id FROM outbox WHERE {_DUE} AND {which} ORDER BY id"


async def put_off(session: AsyncSession, ids: Sequence[int], trouble: str) -> None:
    await execute(
        session,
        "UPDATE outbox SET delivered_at = NULL, last_error = :trouble, tries = tries + 1,"
        " next_try_at = now() + make_interval(secs => least(:most, 2 ^ least(tries, 10))) WHERE id = ANY(:ids)",
        ids=list(ids),
        trouble=trouble,
        most=_LONGEST_WAIT_SECONDS,
    )


async def addressees(session: AsyncSession, ids: set[str]) -> dict[str, Addressee]:
    rows = await fetch(
        session,
        Addressee,
        "SELECT workflow_id, kind, number, county_code, fund_year, batch_no, stage, execution,"
        " asked, closed_at IS NULL AS is_open FROM run WHERE workflow_id = ANY(:ids)",
        ids=sorted(ids),
    )
    return {row.workflow_id: row for row in rows}


def parcels_of(entries: Sequence[OutboxEntry]) -> list[Parcel]:
    groups: defaultdict[tuple[str, str | None], list[OutboxEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.workflow_id, entry.signal].append(entry)
    return [Parcel(workflow_id, signal, entries) for (workflow_id, signal), entries in groups.items()]


async def note(session: AsyncSession, parcel: Parcel, trouble: str | None, run_open: bool) -> None:
    if trouble is not None:
        await put_off(session, [entry.id for entry in parcel.entries], trouble)
    elif parcel.signal == Signal.CALLBACKS_ARRIVED:
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

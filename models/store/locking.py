"""Who takes locks: names by advisory locks, rows by selecting them; all in the order of `models.store.lock_order`.

Rows are locked FOR NO KEY UPDATE: nobody changes a key, and rows that point to a locked one may still be added.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.store.lock_order import Rank
from models.store.sql import Shape, Value, execute, fetch, fetch_one
from models.store.transaction import turns_of
from models.tables.batches import Batch, Dataset
from models.tables.cards import CardChange, CardChangePart
from models.tables.flows import Flow

Found = TypeVar("Found")
# A hundred thousand lines in one act.
ACT_STATEMENT_SECONDS = 120
# What a session remembers of a row may be older than the lock that it has waited for.
_NOW = {"populate_existing": True}


class _Whose(NamedTuple):
    batch_id: int | None
    flow_id: int | None


CHANGING = "FOR NO KEY UPDATE"
# Others may hold them so, too.
SHARED = "FOR SHARE"


def changing(alias: str) -> str:
    """Of a statement over several tables, the rows of one."""
    return f"{CHANGING} OF {alias}"


async def hold(session: AsyncSession, rank: Rank, key: str) -> None:
    """Hold a name until the transaction ends, so that two writers of one thing take turns."""
    turns_of(session).take(rank, key)
    await execute(session, "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=key)


async def begin_act(session: AsyncSession, key: str) -> None:
    """Hold the answer of a person's act; what it changes at once may take longer than what people read may."""
    turns_of(session).take(Rank.ANSWER, key)
    await execute(
        session,
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0)), set_config('statement_timeout', :limit, TRUE)",
        key=key,
        limit=f"{ACT_STATEMENT_SECONDS}s",
    )


async def lock_county(session: AsyncSession, county_code: str) -> None:
    """Acts on a county's applications take turns, so that a batch can't freeze between an act's look and its change."""
    await hold(session, Rank.COUNTY, f"applications/{county_code}")


async def lock_rows(
    session: AsyncSession, rank: Rank, statement: SelectOfScalar[Found], *, shared: bool = False
) -> Sequence[Found]:
    """Rows as they are now, whatever the session remembers of them. `shared`: others may hold them so, too."""
    locked = statement.with_for_update(read=shared, key_share=not shared)
    rows = (await session.exec(locked, execution_options=_NOW)).all()
    if rows:
        turns_of(session).take(rank)
    return rows


async def lock_row(session: AsyncSession, rank: Rank, statement: SelectOfScalar[Found]) -> Found | None:
    return next(iter(await lock_rows(session, rank, statement)), None)


async def fetch_locked(
    session: AsyncSession, rank: Rank, shape: type[Shape], statement: str, how: str = CHANGING, **values: Value
) -> list[Shape]:
    """The same by a statement; `how`: CHANGING, `changing` one of its tables, or SHARED."""
    rows = await fetch(session, shape, f"{statement} {how}", **values)
    if rows:
        turns_of(session).take(rank)
    return rows


async def lock_card_change(session: AsyncSession, request_no: str) -> Sequence[tuple[CardChange, CardChangePart]]:
    """A request with each of its parts, in the order of their counties; its name is held from here on."""
    await hold(session, Rank.REQUEST, request_no)
    statement = (
        select(CardChange, CardChangePart)
        .where(CardChange.request_no == request_no, CardChangePart.request_id == CardChange.id)
        .order_by(col(CardChangePart.county_code))
        .with_for_update(key_share=True)
    )
    return (await session.exec(statement, execution_options=_NOW)).all()


async def lock_batch(session: AsyncSession, *which: ColumnElement[bool] | bool) -> Batch | None:
    rows = await lock_rows(session, Rank.BATCH, select(Batch).where(*which))
    return rows[0] if rows else None


async def lock_flow(session: AsyncSession, *which: ColumnElement[bool] | bool) -> Flow | None:
    """A flow, and before it its batch, which goes the flow's ways: `OF` names them in the order of their ranks."""
    statement = select(Flow).join(Batch, col(Batch.id) == Flow.batch_id).where(*which)
    locked = statement.with_for_update(of=[Batch, Flow], key_share=True)
    flow = (await session.exec(locked, execution_options=_NOW)).first()
    if flow is not None:
        turns_of(session).take(Rank.BATCH)
        turns_of(session).take(Rank.FLOW)
    return flow


async def lock_indicators(session: AsyncSession, flow: Flow) -> None:
    """Those that a flow draws on, before its lines take from them or give back.

    The trigger `flow_line_update` changes them with the lines, in no order of its own: two flows that draw on the same
    two would wait crosswise.
    """
    if not turns_of(session).take(Rank.INDICATOR, flow.flow_no):
        return
    await execute(
        session,
        "SELECT 1 FROM indicator WHERE id IN (SELECT indicator_id FROM flow_indicator WHERE flow_id = :flow)"
        " ORDER BY id FOR NO KEY UPDATE",
        flow=flow.id,
    )


async def lock_applications(session: AsyncSession, which: str, **values: Value) -> None:
    """Those whose ids a statement gives, in their order: an act on a whole county locks them in the same."""
    turns_of(session).take(Rank.APPLICATION)
    await execute(
        session,
        # ids first: the lock keeps to the primary key, whatever `which` joins. On tables without statistics,
        # right after an import, a NOT EXISTS joined by dataset_id walked through a whole list once per line.
        f"SELECT count(*) FROM (SELECT 1 FROM application WHERE id = ANY(ARRAY({which})) ORDER BY id"
        " FOR NO KEY UPDATE) AS held",
        **values,
    )


async def lock_applications_into(session: AsyncSession, table: str, statement: str, **values: Value) -> None:
    """Applications `a` that a statement chooses, locked in the order of their ids, and what it says of them kept.

    The temporary table is gone with the transaction.
    """
    turns_of(session).take(Rank.APPLICATION)
    await execute(
        session,
        f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {statement} ORDER BY a.id FOR NO KEY UPDATE OF a",
        **values,
    )


async def lock_list(session: AsyncSession, reference: str) -> Dataset | None:
    """A list, and before it the batch and the flow that go on with its results."""
    whose = await fetch_one(
        session, _Whose, "SELECT batch_id, flow_id FROM dataset WHERE reference = :no", no=reference
    )
    if whose is None:
        return None
    if whose.flow_id is not None:
        await lock_flow(session, col(Flow.id) == whose.flow_id)
    elif whose.batch_id is not None:
        await lock_batch(session, col(Batch.id) == whose.batch_id)
    statement = select(Dataset).where(Dataset.reference == reference).with_for_update(key_share=True)
    return (await session.exec(statement, execution_options=_NOW)).one()

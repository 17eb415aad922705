"""A flow's rounds: which lines go out next, as copies fixed when they go (S1 2.7)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import DatasetRef
from models.store.batches.held import kept_back
from models.store.registered import ToSeal, sealed_anew
from models.store.sql import execute, fetch, fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.batches import Dataset
from models.tables.flows import Flow, Order
from models.words.stages import DatasetStage, FlowStage, LineState, OrderKind

# Acts of the trail: lines are held, and are free again.
HELD, FREED = "lines.held", "lines.freed"
KEPT_BACK = kept_back("l")
# What goes out by itself: unsent, no repayment, verification passed or not required.
SENDABLE = "l.state = 'unsent' AND l.repays_flow_id IS NULL AND l.verification IN ('passed', 'not_required')"
# What an order sends, of the lines that it names.
ORDERED = {
    OrderKind.MODIFIED: "l.state = 'rejected'",
    OrderKind.CONFIRMED: "l.state = 'rejected' AND l.reason_code = 'duplicate_person'",
    OrderKind.UNVERIFIED: "l.state = 'unsent' AND l.verification = 'failed'",
    OrderKind.REPAYMENT: "l.state = 'unsent' AND l.repays_flow_id IS NOT NULL",
}
# A list's own count and sum, once its lines are fixed.
LIST_SUMS = (
    "UPDATE dataset SET (record_count, total_fen) = (SELECT coalesce(sum(lines), 0), coalesce(sum(fen), 0)"
    " FROM dataset_tally WHERE dataset_id = :id) WHERE id = :id"
)
# found by themselves, and held against the flow then: see `models.store.orders.rules`
NAMED = (
    "(l.flow_id = :flow) IS TRUE AND l.id = ANY(ARRAY(SELECT o.flow_line_id FROM order_line o"
    " WHERE o.order_id = :order_id AND o.fault_code IS NULL))"
)


async def current_round(session: AsyncSession, flow: Flow) -> Dataset | None:
    """The round that is on its way or under review; a unique index holds it to one."""
    over = (DatasetStage.REVIEWED, DatasetStage.REFUSED)
    statement = select(Dataset).where(Dataset.flow_id == flow.id, col(Dataset.stage).not_in(over))
    return (await session.exec(statement)).first()


class Moved(NamedTuple):
    """How many lines are held from now on, or are free again (`unsent`); in fen together."""

    state: str
    lines: int
    fen: int


async def refresh_held(session: AsyncSession, flow: Flow) -> list[Moved]:
    """Lines of people whose account is being changed or was cleared, or to whom somebody objects, are held; they join
    again when nothing holds them any more.

    A line that was held at the verification too has never been verified: it stays held until it is deferred.
    """
    return await fetch(
        session,
        Moved,
        "WITH moved AS (UPDATE flow_line l SET state = CASE l.state WHEN 'unsent' THEN 'held' ELSE 'unsent' END,"
        f" updated_at = now() WHERE l.flow_id = :id AND (l.state = 'unsent' AND {KEPT_BACK}"
        f" OR l.state = 'held' AND l.verification <> 'held' AND NOT {KEPT_BACK}) RETURNING l.state, l.amount_fen)"
        " SELECT state, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM moved GROUP BY state ORDER BY state",
        id=flow.id,
    )


async def note_held(session: AsyncSession, vault: Vault, flow: Flow, moved: Sequence[Moved]) -> None:
    """For the flow's history: a line says only where it stands now."""
    for state, lines, fen in moved:
        act = by_system(flow.county_code, HELD if state == LineState.HELD else FREED, flow.flow_no, {})
        await record(session, vault, replace(act, line_count=lines, total_fen=fen))


async def open_new_round(session: AsyncSession, vault: Vault, flow: Flow, order: Order | None) -> DatasetRef | None:
    """Fix the lines of the next round as a list to push; None when the order's lines have all gone another way."""
    mode = "initial" if order is None else order.kind.value
    ids = await _next_lines(session, flow, order)
    if not ids:
        return None
    flow.round_no += 1
    reference = f"{flow.flow_no}.r{flow.round_no}"
    dataset_id = await fetch_one(
        session,
        int,
        "INSERT INTO dataset (reference, kind, county_code, batch_id, flow_id, mode, order_no, stage, generation,"
        " record_count, total_fen, created_at) VALUES (:reference, 'application_submission', :county, :batch, :flow,"
        " :mode, :order_no, 'prepared', 1, 0, 0, now()) RETURNING id",
        reference=reference,
        county=flow.county_code,
        batch=flow.batch_id,
        flow=flow.id,
        mode=mode,
        order_no=None if order is None else order.order_no,
    )
    assert dataset_id is not None
    await _fix_lines(session, vault, flow, dataset_id, mode, ids)
    return DatasetRef(dataset_id=dataset_id, reference=reference, county_code=flow.county_code)


async def _next_lines(session: AsyncSession, flow: Flow, order: Order | None) -> list[int]:
    which = f"l.flow_id = :flow AND {SENDABLE}" if order is None else f"{NAMED} AND {ORDERED[order.kind]}"
    named = {} if order is None else {"order_id": order.id}
    return await fetch(
        session,
        int,
        f"SELECT l.id FROM flow_line l WHERE {which} AND NOT {KEPT_BACK} ORDER BY l.application_id",
        flow=flow.id,
        **named,
    )


async def _fix_lines(
    session: AsyncSession, vault: Vault, flow: Flow, dataset_id: int, mode: str, line_ids: list[int]
) -> None:
    await take_registered_accounts(session, vault, line_ids)
    await execute(
        session,
        "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen)"
        " SELECT :dataset, row_number() OVER (ORDER BY l.application_id) - 1, l.application_id, l.application_no,"
        " l.amount_fen FROM flow_line l WHERE l.id = ANY(:ids)",
        dataset=dataset_id,
        ids=line_ids,
    )
    await execute(
        session,
        LIST_SUMS,
        id=dataset_id,
    )
    await execute(
        session,
        "UPDATE flow_line SET state = 'under_review', sent = TRUE, mode = :mode, updated_at = now()"
        " WHERE id = ANY(:ids)",
        mode=mode,
        ids=line_ids,
    )
    flow.stage = FlowStage.UNDER_REVIEW
    await session.flush()


async def take_registered_accounts(session: AsyncSession, vault: Vault, line_ids: list[int]) -> None:
    """Submissions take the account from the register; a line keeps the copy that it is sent with."""
    rows = await fetch(
        session,
        ToSeal,
        "SELECT l.id, l.application_no, r.county_code || '/' || r.person_index AS place, r.bank_code, r.account_sealed,"
        " r.account_index FROM flow_line l JOIN register_account r USING (county_code, person_index)"
        " WHERE l.id = ANY(:ids) AND r.account_sealed IS NOT NULL AND (r.account_index <> l.account_index"
        " OR r.bank_code <> l.bank_code)",
        ids=line_ids,
    )
    if not rows:
        return
    taken = await sealed_anew(vault, rows)
    await execute(
        session,
        "UPDATE flow_line l SET bank_code = t.bank, account_sealed = t.account, account_index = t.index,"
        " updated_at = now() FROM unnest(CAST(:ids AS bigint[]), CAST(:banks AS text[]), CAST(:accounts AS text[]),"
        " CAST(:indexes AS text[])) AS t(id, bank, account, index) WHERE l.id = t.id",
        ids=[each.id for each in taken],
        banks=[each.bank_code for each in taken],
        accounts=[each.account_sealed for each in taken],
        indexes=[each.account_index for each in taken],
    )

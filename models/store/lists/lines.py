"""What a result means for its line: matched or not, verified or not, accepted or sent back (S1 2.4.1, 2.5, 2.7)."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.locking import lock_applications
from models.store.register.register import fill_from_matched
from models.store.runs.slots import release_slot
from models.store.sql import drop_scratch, execute, fetch, scratch
from models.store.vault import Field, Vault
from models.tables.batches import Dataset

Effect = Callable[[AsyncSession, Vault, Dataset], Awaitable[None]]


# `(...) IS TRUE` is looked at row by row and never a way to find rows: statistics that are older than an import say
# that no row stands there, and the plan would walk through all that do, once per line.


# A line that has come, in the list: one look for each, by its number. A join would go by statistics that are older than
# the list too: no line of it stands there, and all of them are walked through once for each that has come.
LISTED = (
    "LATERAL (SELECT * FROM dataset_line d WHERE d.application_no = i.application_no"
    " AND (d.dataset_id = :dataset) IS TRUE LIMIT 1) AS l"
)
# Applications of the lines that have come, and of those that nothing came of.
_INCOMING = f"SELECT l.application_id FROM incoming i CROSS JOIN {LISTED}"
_WITHOUT_RESULT = "SELECT application_id FROM dataset_line WHERE dataset_id = :dataset AND outcome IS NULL"


# A line that was returned meanwhile may be in another list or batch by now, with another account, and waits for the
# results of that one: what an earlier list says of it is kept with that list, without effect.
OF_LIST = "(a.list_id = (SELECT id FROM beneficiary_list WHERE list_no = :reference)) IS TRUE"
OF_BATCH = "(a.batch_id = :batch) IS TRUE"


async def _initialised(session: AsyncSession, vault: Vault, dataset: Dataset) -> None:
    await lock_applications(session, _INCOMING, dataset=dataset.id)
    await execute(
        session,
        f"DELETE FROM incoming i USING application a WHERE a.application_no = i.application_no AND NOT {OF_LIST}",
        reference=dataset.reference,
    )
    await execute(
        session,
        "UPDATE application a SET stage = CASE i.outcome WHEN 'matched' THEN 'matched' ELSE 'unmatched' END,"
        " match_outcome = i.outcome, correct_name_sealed = i.correct_name_sealed,"
        " correct_name_index = i.correct_name_index, match_bank_name = i.bank_name,"
        " updated_at = now(), version = a.version + 1"
        f" FROM incoming i WHERE a.id = ANY(ARRAY({_INCOMING})) AND i.application_no = a.application_no"
        " AND (a.stage = 'publicised') IS TRUE",
        dataset=dataset.id,
    )
    handed_in = dataset.committed_at or dataset.created_at
    await fill_from_matched(session, vault, dataset.county_code, handed_in)


async def _verified(session: AsyncSession, vault: Vault, dataset: Dataset) -> None:
    await lock_applications(session, _INCOMING, dataset=dataset.id)
    await execute(
        session,
        "UPDATE application a SET verification = i.outcome, verification_reason_sealed = i.reason_sealed,"
        " updated_at = now(), version = a.version + 1"
        f" FROM incoming i WHERE a.id = ANY(ARRAY({_INCOMING})) AND i.application_no = a.application_no"
        f" AND (a.verification = 'pending') IS TRUE AND {OF_BATCH}",
        dataset=dataset.id,
        batch=dataset.batch_id,
    )


async def _submitted(session: AsyncSession, vault: Vault, dataset: Dataset) -> None:
    await execute(
        session,
        "UPDATE flow_line f SET state = i.outcome, reason_code = i.reason_code, reason_sealed = i.reason_sealed,"
        " payment = CASE i.outcome WHEN 'accepted' THEN 'awaiting' END, updated_at = now()"
        " FROM incoming i CROSS JOIN LATERAL (SELECT id FROM flow_line n WHERE n.application_no = i.application_no"
        " AND (n.flow_id = :flow) IS TRUE AND (n.state = 'under_review') IS TRUE LIMIT 1) AS l WHERE f.id = l.id",
        flow=dataset.flow_id,
    )


EFFECT_OF_LIST: dict[str, Effect] = {
    "beneficiary_init": _initialised,
    "verification": _verified,
    "application_submission": _submitted,
}


async def finish_list(session: AsyncSession, vault: Vault, dataset: Dataset, missing: str) -> None:
    """Close a list whose pages are all here."""
    await FINISHES[dataset.kind](session, vault, dataset, missing)


async def _finish_init(session: AsyncSession, vault: Vault, dataset: Dataset, missing: str) -> None:
    await lock_applications(session, _WITHOUT_RESULT, dataset=dataset.id)
    await execute(
        session,
        "UPDATE application a SET stage = 'unmatched', match_outcome = NULL, updated_at = now() FROM dataset_line l"
        " WHERE l.dataset_id = :dataset AND l.outcome IS NULL AND a.id = l.application_id"
        f" AND (a.stage = 'publicised') IS TRUE AND {OF_LIST}",
        dataset=dataset.id,
        reference=dataset.reference,
    )
    await release_slot(session, dataset.county_code, dataset.reference)


async def _finish_verification(session: AsyncSession, vault: Vault, dataset: Dataset, missing: str) -> None:
    await lock_applications(session, _WITHOUT_RESULT, dataset=dataset.id)
    await execute(
        session,
        "UPDATE application a SET verification = 'failed', updated_at = now() FROM dataset_line l"
        " WHERE l.dataset_id = :dataset AND l.outcome IS NULL AND a.id = l.application_id"
        f" AND a.verification = 'pending' AND {OF_BATCH}",
        dataset=dataset.id,
        batch=dataset.batch_id,
    )
    await execute(
        session,
        "UPDATE batch SET stage = 'verified', updated_at = now() WHERE id = :batch AND stage = 'verifying'",
        batch=dataset.batch_id,
    )


async def _finish_round(session: AsyncSession, vault: Vault, dataset: Dataset, missing: str) -> None:
    """Lines that no page named go back to the operator; the order that sent the round gets its figures."""
    await send_back(session, vault, dataset, "other", missing)
    await execute(
        session,
        "UPDATE operator_order o SET state = 'done', finished_at = now(), done_count = r.count, done_fen = r.fen,"
        " outcome = '平台审核通过 ' || r.count || ' 笔' FROM (SELECT count(*) AS count,"
        " coalesce(sum(amount_fen), 0) AS fen FROM dataset_line WHERE dataset_id = :dataset AND outcome = 'accepted') r"
        " WHERE o.order_no = :order_no AND o.state = 'confirmed'",
        dataset=dataset.id,
        order_no=dataset.order_no,
    )


FINISHES: dict[str, Callable[[AsyncSession, Vault, Dataset, str], Awaitable[None]]] = {
    "beneficiary_init": _finish_init,
    "verification": _finish_verification,
    "application_submission": _finish_round,
}


class _Line(NamedTuple):
    id: int
    application_no: str


async def send_back(
    session: AsyncSession, vault: Vault, dataset: Dataset, reason_code: str, reason: str, only: list[str] | None = None
) -> int:
    """Lines of a round that are still under review become rejected with a reason of ours."""
    rows = await fetch(
        session,
        _Line,
        "SELECT f.id, f.application_no FROM flow_line f JOIN dataset_line l ON l.application_id = f.application_id"
        " WHERE l.dataset_id = :dataset AND (f.flow_id = :flow) IS TRUE AND (f.state = 'under_review') IS TRUE",
        dataset=dataset.id,
        flow=dataset.flow_id,
    )
    lines = [
        (row.id, vault.seal(Field.REASON, row.application_no, reason))
        for row in rows
        if only is None or row.application_no in only
    ]
    await scratch(session, "sent_back", {"line_id": "bigint", "reason": "text"}, lines)
    await execute(
        session,
        "UPDATE flow_line f SET state = 'rejected', reason_code = :code, reason_sealed = s.reason, updated_at = now()"
        " FROM sent_back s WHERE f.id = s.line_id",
        code=reason_code,
    )
    await drop_scratch(session, "sent_back")
    return len(lines)

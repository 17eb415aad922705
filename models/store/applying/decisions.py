"""A reviewer's decision on a contradiction: the applied answer stays, or the claimed one replaces it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.cards.results import CONTRADICTED
from models.store.cards.taken_contradictions import take_change_claim
from models.store.events.contradictions import decided, open_content
from models.store.flows.taken_contradictions import PAYMENT_CLAIMS
from models.store.lists.results import finish_if_complete
from models.store.locking import lock_list
from models.store.register.entry_results import KIND as ENTRY_CONTRADICTED
from models.store.register.entry_results import take_entry_claim
from models.store.register.register import fill_from_matched
from models.store.sql import drop_scratch, execute, fetch_one, scratch
from models.store.texts import seal_text
from models.store.trail.entries import by_system, record
from models.store.vault import Field, SealBroken, Vault, name_index
from models.tables.flows import Contradiction
from models.words.stages import DatasetStage

CLAIMED = "claimed"
NOT_BOOKABLE = "来件所称的内容无法入账；请改为保留现有结果"
GONE_ON = "该事项已办到下一步，来件所称已不能采纳；请改为保留现有结果"
UNBALANCED = "指标余额不足，采纳后收支不平；请先核对指标，或保留现有结果"
Content = dict[str, Any]


class _List(NamedTuple):
    id: int
    kind: str
    handed_in: datetime


async def settle_decided(session: AsyncSession, vault: Vault, number: str) -> None:
    """Carry decisions out; one that the books can't take goes back to the reviewer with what is in its way.

    Hundreds may be decided at once: the rows are marked together, and the trail has one entry for all that went alike.
    """
    alike: defaultdict[tuple[str, str, str | None, str | None], list[int]] = defaultdict(list)
    for row in await decided(session, number):
        hindrance = await _take_claim(session, vault, row) if row.taken == CLAIMED else None
        alike[row.county_code, row.kind, row.taken, hindrance].append(int(row.id or 0))
    for (_, _, _, hindrance), ids in alike.items():
        await execute(
            session,
            "UPDATE contradiction SET state = :state, hindrance = :hindrance WHERE id = ANY(:ids)",
            ids=ids,
            state="settled" if hindrance is None else "open",
            hindrance=hindrance,
        )
    for (county, kind, taken, hindrance), ids in alike.items():
        detail = {"ids": ids, "kind": kind, "taken": taken, "hindrance": hindrance}
        act = by_system(county, "contradiction_carried_out", number, detail)
        await record(session, vault, replace(act, line_count=len(ids)))


async def _take_claim(session: AsyncSession, vault: Vault, row: Contradiction) -> str | None:
    """None when the claim took effect, else in words why it can't."""
    effect = TAKERS.get(row.kind)
    if effect is None:
        return None
    try:
        content = open_content(vault, row, row.claimed_sealed)
        async with session.begin_nested():
            return await effect(session, vault, row, content)
    except IntegrityError:
        return UNBALANCED
    except (DataError, ProgrammingError, SealBroken):
        # one row must never stop every later event of its run
        return NOT_BOOKABLE


async def _take_review(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """A policy or indicator takes the claimed decision while no flow uses it."""
    table = "policy" if row.kind.startswith("policy") else "indicator"
    changed = await execute(
        session,
        f"UPDATE {table} t SET stage = :stage, opinion_sealed = :opinion, updated_at = now() WHERE {table}_no = :number"
        f" AND NOT EXISTS (SELECT 1 FROM flow_{table} u WHERE u.{table}_id = t.id)",
        stage=claimed["status"],
        opinion=_opinion(vault, row, claimed),
        number=row.number,
    )
    return None if changed else GONE_ON


def _opinion(vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    opinion = claimed.get("opinion")
    return None if opinion is None else seal_text(vault, row.county_code, str(opinion))


async def _take_summary(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """The summary that the claim is about, while it is the current one and nobody has confirmed the payment."""
    changed = await execute(
        session,
        "UPDATE summary s SET stage = :stage, platform_opinion_sealed = :opinion FROM flow f WHERE f.id = s.flow_id"
        " AND f.flow_no || '.s' || s.number = :reference AND s.number = f.summary_no"
        " AND s.stage IN ('approved', 'rejected') AND s.confirmed_at IS NULL AND f.stage <> 'ended'",
        stage=claimed["status"],
        opinion=_opinion(vault, row, claimed),
        reference=row.line_key,
    )
    return None if changed else GONE_ON


async def _take_page_count(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """The list has the claimed number of pages; those that are missing are fetched by asking."""
    dataset = await lock_list(session, row.line_key)
    if dataset is None or dataset.stage is DatasetStage.REVIEWED:
        return GONE_ON
    dataset.result_pages = int(claimed["result_pages"])
    await session.flush()
    await finish_if_complete(session, vault, dataset)
    return None


async def _take_result(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """A line takes the claimed result while it hasn't gone on: not verified away, not summed up, not paid."""
    reference, _, number = row.line_key.partition("#")
    dataset = await fetch_one(
        session,
        _List,
        "SELECT id, kind, coalesce(committed_at, created_at) AS handed_in FROM dataset WHERE reference = :r",
        r=reference,
    )
    if dataset is None:
        return GONE_ON
    reason = claimed.get("reason")
    correct = claimed.get("correct_name")
    values: dict[str, Any] = {
        "dataset": dataset.id,
        "number": number,
        "outcome": str(claimed["outcome"]),
        "code": claimed.get("reason_code"),
        "reason": vault.seal(Field.REASON, number, str(reason)) if reason else None,
        "correct": vault.seal(Field.NAME, number, str(correct)) if correct else None,
        "correct_index": name_index(vault, str(correct)) if correct else None,
    }
    changed = await execute(session, RESULT_TAKEN[dataset.kind], **values)
    if not changed:
        return GONE_ON
    await execute(
        session,
        "UPDATE dataset_line SET outcome = :outcome, reason_code = :code, reason_sealed = :reason"
        " WHERE application_no = :number AND (dataset_id = :dataset) IS TRUE",
        **values,
    )
    if values["outcome"] == "matched":
        await scratch(session, "incoming", {"application_no": "text", "outcome": "text"}, [(number, "matched")])
        await fill_from_matched(session, vault, row.county_code, dataset.handed_in)
        await drop_scratch(session, "incoming")
    return None


# PostgreSQL wants to know the type of a value that is used in two places.
RESULT_TAKEN = {
    # a line that was returned meanwhile may be in another batch or list: what this one said of it is history
    "verification": "UPDATE application a SET verification = CAST(:outcome AS text),"
    " verification_reason_sealed = :reason, updated_at = now() FROM dataset d"
    " WHERE d.id = :dataset AND a.application_no = :number AND a.stage = 'in_batch' AND a.batch_id = d.batch_id"
    " AND NOT EXISTS (SELECT FROM dataset_line x JOIN dataset y ON y.id = x.dataset_id"
    " WHERE x.application_id = a.id AND y.kind = 'verification' AND y.id > d.id)",
    "beneficiary_init": "UPDATE application a SET match_outcome = CAST(:outcome AS text),"
    " stage = CASE CAST(:outcome AS text) WHEN 'matched' THEN 'matched' ELSE 'unmatched' END,"
    " correct_name_sealed = :correct, correct_name_index = :correct_index, updated_at = now()"
    " FROM dataset d JOIN beneficiary_list n ON n.list_no = d.reference"
    " WHERE d.id = :dataset AND a.application_no = :number AND a.stage IN ('matched', 'unmatched')"
    " AND a.list_id = n.id",
    "application_submission": "UPDATE flow_line l SET state = CAST(:outcome AS text), reason_code = :code,"
    " reason_sealed = :reason, updated_at = now(),"
    " payment = CASE CAST(:outcome AS text) WHEN 'accepted' THEN 'awaiting' END FROM flow f, dataset d"
    " WHERE d.id = :dataset AND f.id = d.flow_id AND l.flow_id = f.id AND l.application_no = :number"
    " AND l.state IN ('accepted', 'rejected') AND f.stage IN ('settling', 'under_review', 'county_review')"
    # a line that went out again in a later round has its result from there
    " AND NOT EXISTS (SELECT 1 FROM dataset_line x JOIN dataset y ON y.id = x.dataset_id WHERE y.flow_id = f.id"
    " AND x.application_id = l.application_id AND y.id > d.id)",
}


async def _take_end(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """The claimed end is the one that the books are held against, while the flow hasn't ended here."""
    changed = await execute(
        session,
        "UPDATE flow SET end_claim = end_claim || jsonb_build_object('outcome', CAST(:outcome AS text),"
        " 'payment_pages', CAST(:pages AS int), 'paid_count', CAST(:paid_count AS int),"
        " 'paid_fen', CAST(:paid_fen AS bigint), 'failed_count', CAST(:failed_count AS int),"
        " 'failed_fen', CAST(:failed_fen AS bigint)) WHERE flow_no = :number AND stage <> 'ended'",
        number=row.number,
        outcome=claimed.get("outcome"),
        pages=claimed.get("payment_pages"),
        paid_count=claimed.get("paid_count"),
        paid_fen=claimed.get("paid_fen"),
        failed_count=claimed.get("failed_count"),
        failed_fen=claimed.get("failed_fen"),
    )
    return None if changed else GONE_ON


Settle = Callable[[AsyncSession, Vault, Contradiction, Content], Awaitable[str | None]]
# What is not here (an unknown line, a line not accepted) has nothing in our rows that could be replaced.
TAKERS: dict[str, Settle] = {
    "policy.reviewed": _take_review,
    "indicator.reviewed": _take_review,
    "flow.summary.reviewed": _take_summary,
    "result_line": _take_result,
    "result_pages": _take_page_count,
    "flow_ended": _take_end,
    CONTRADICTED: take_change_claim,
    ENTRY_CONTRADICTED: take_entry_claim,
    **PAYMENT_CLAIMS,
}

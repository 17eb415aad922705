"""Pages of a list's results take effect: many pages at a time, one COPY and one UPDATE."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import number_of
from models.store.events.contradictions import Claim, keep_claim
from models.store.events.contrary import ContraryLine
from models.store.lists.contrary_results import differing_results, keep_contrary_results, verdict_of
from models.store.lists.lines import EFFECT_OF_LIST, LISTED, finish_list
from models.store.locking import lock_list
from models.store.sql import drop_scratch, execute, fetch, fetch_int, scratch
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault, name_index
from models.tables.base import now
from models.tables.batches import Dataset
from models.wire import answers
from models.wire.answers import ResultLine
from models.wire.words import OUTCOMES_OF, DatasetKind
from models.words.stages import DatasetStage

# The page is known with other content: its lines are compared.
_OTHER_CONTENT = "other content"
MISSING_LINE = "平台结果中没有这一行"


@dataclass(frozen=True, slots=True)
class TakenResults:
    inbox_id: int
    page: answers.ResultPage


class _Outcome(NamedTuple):
    outcome: str
    lines: int


async def apply_results(session: AsyncSession, vault: Vault, taken: Sequence[TakenResults]) -> dict[int, str]:
    """Apply pages of any number of lists; gives the effect per event."""
    effects: dict[int, str] = {}
    for reference in {each.page.client_reference or "" for each in taken}:
        pages = [each for each in taken if (each.page.client_reference or "") == reference]
        effects |= await _apply_list(session, vault, reference, pages)
    return effects


async def _apply_list(
    session: AsyncSession, vault: Vault, reference: str, taken: Sequence[TakenResults]
) -> dict[int, str]:
    dataset = await lock_list(session, reference)
    if dataset is None:
        return {each.inbox_id: "unknown list" for each in taken}
    effects, fresh, copies = {}, [], []
    for each in taken:
        effect = await _take_page(session, vault, dataset, each)
        if effect == "applied":
            fresh.append(each)
        if effect == _OTHER_CONTENT:
            copies.append(each)
        effects[each.inbox_id] = "contradiction" if effect == _OTHER_CONTENT else effect
    # Copies are compared with what stands once the pages that came first are applied.
    contrary = await _apply_lines(session, vault, dataset, fresh) if fresh else []
    for each in copies:
        contrary += await differing_results(session, vault, dataset, each.inbox_id, each.page)
    await keep_contrary_results(session, vault, dataset, contrary)
    await finish_if_complete(session, vault, dataset)
    return effects


async def _take_page(session: AsyncSession, vault: Vault, dataset: Dataset, taken: TakenResults) -> str:
    page = taken.page
    if dataset.platform_id is not None and page.dataset_id != dataset.platform_id:
        return "another generation"
    allowed = OUTCOMES_OF[DatasetKind(dataset.kind)]
    if any(line.outcome not in allowed for line in page.results):
        return "outside contract"
    if dataset.result_pages is None:
        dataset.result_pages = page.result_pages
    if page.result_pages != dataset.result_pages:
        await keep_claim(session, vault, _page_claim(dataset, taken))
        return "contradiction"
    digest = vault.digest("".join(line.model_dump_json() for line in page.results).encode())
    new = await execute(
        session,
        "INSERT INTO result_page (dataset_id, page, content_sha256, inbox_id, taken_at) "
        "VALUES (:dataset, :page, :digest, :inbox_id, now()) ON CONFLICT (dataset_id, page) DO NOTHING",
        dataset=dataset.id,
        page=page.page,
        digest=digest,
        inbox_id=taken.inbox_id,
    )
    if new:
        return "applied"
    same = await fetch_int(
        session,
        "SELECT count(*) FROM result_page WHERE dataset_id = :dataset AND page = :page AND content_sha256 = :digest",
        dataset=dataset.id,
        page=page.page,
        digest=digest,
    )
    if same:
        return "again"
    return _OTHER_CONTENT


def _page_claim(dataset: Dataset, taken: TakenResults) -> Claim:
    return Claim(
        county_code=dataset.county_code,
        number=number_of(dataset.reference),
        kind="result_pages",
        line_key=dataset.reference,
        applied={"result_pages": dataset.result_pages},
        claimed={"result_pages": taken.page.result_pages, "page": taken.page.page},
        inbox_id=taken.inbox_id,
    )


async def _apply_lines(
    session: AsyncSession, vault: Vault, dataset: Dataset, taken: Sequence[TakenResults]
) -> list[ContraryLine]:
    """Apply what the pages say of lines that have no result yet; gives what can't be applied."""
    columns = {
        "application_no": "text",
        "outcome": "text",
        "reason_code": "text",
        "reason_sealed": "text",
        "correct_name_sealed": "text",
        "correct_name_index": "text",
        "bank_name": "text",
    }
    first, contrary = _first_words(taken)
    rows = (_row(vault, each.said) for each in first.values() if each.said)
    await scratch(session, "incoming", columns, rows, key="application_no")
    contrary += [first[number] for number in await _leave_out_strangers(session, dataset)]
    await execute(
        session,
        "UPDATE dataset_line n SET outcome = i.outcome, reason_code = i.reason_code, reason_sealed = i.reason_sealed"
        f" FROM incoming i CROSS JOIN {LISTED} WHERE (n.dataset_id, n.position) = (l.dataset_id, l.position)"
        " AND l.outcome IS NULL",
        dataset=dataset.id,
    )
    await EFFECT_OF_LIST[dataset.kind](session, vault, dataset)
    await drop_scratch(session, "incoming")
    return contrary


def _first_words(taken: Sequence[TakenResults]) -> tuple[dict[str, ContraryLine], list[ContraryLine]]:
    """Each line as the first of these pages names it, and what later ones say of it otherwise."""
    first: dict[str, ContraryLine] = {}
    contrary = []
    for each in taken:
        for line in each.page.results:
            said = ContraryLine(each.inbox_id, each.page.page, line.application_no, line, None)
            known = first.setdefault(line.application_no, said)
            if known is not said and known.said != line:
                contrary.append(replace(said, first=known.said))
    return first, contrary


def _row(vault: Vault, line: ResultLine) -> tuple[str | None, ...]:
    number = line.application_no
    return (
        number,
        *verdict_of(line),
        vault.seal(Field.REASON, number, line.reason) if line.reason else None,
        vault.seal(Field.NAME, number, line.correct_name) if line.correct_name else None,
        name_index(vault, line.correct_name) if line.correct_name else None,
        line.bank_name,
    )


async def _leave_out_strangers(session: AsyncSession, dataset: Dataset) -> list[str]:
    """A line that isn't in the list, or has another result from an earlier page, changes nothing."""
    return await fetch(
        session,
        str,
        f"WITH strange AS (SELECT i.application_no FROM incoming i LEFT JOIN {LISTED} ON TRUE"
        " WHERE l.application_no IS NULL OR l.outcome IS NOT NULL"
        " AND (l.outcome, l.reason_code) IS DISTINCT FROM (i.outcome, i.reason_code))"
        " DELETE FROM incoming i USING strange s WHERE i.application_no = s.application_no RETURNING i.application_no",
        dataset=dataset.id,
    )


async def finish_if_complete(session: AsyncSession, vault: Vault, dataset: Dataset) -> None:
    """All pages are here: the list is reviewed; a line that no page named counts as not passed."""
    if dataset.stage is DatasetStage.REVIEWED or dataset.result_pages is None:
        return
    here = await fetch_int(
        session,
        "SELECT count(*) FROM result_page WHERE dataset_id = :dataset AND page <= :pages",
        dataset=dataset.id,
        pages=dataset.result_pages,
    )
    if here < dataset.result_pages:
        return
    await finish_list(session, vault, dataset, MISSING_LINE)
    dataset.stage, dataset.reviewed_at = DatasetStage.REVIEWED, now()
    await session.flush()
    outcomes = await fetch(
        session,
        _Outcome,
        "SELECT outcome, sum(lines)::bigint AS lines FROM dataset_tally WHERE dataset_id = :id AND lines > 0"
        " GROUP BY 1",
        id=dataset.id,
    )
    detail = {"kind": dataset.kind, "mode": dataset.mode, "outcomes": dict(outcomes)}
    act = by_system(dataset.county_code, "results_complete", dataset.reference, detail)
    await record(session, vault, replace(act, line_count=dataset.record_count, total_fen=dataset.total_fen))

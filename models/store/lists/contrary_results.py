"""Results that contradict what stands: found in changed pages, kept line by line with both sides."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import number_of
from models.store.events.contradictions import RESULT_MISSING, Claim, keep_all
from models.store.events.contrary import Content, ContraryLine, event_before, line_content
from models.store.sql import fetch, fetch_int
from models.store.vault import Vault
from models.tables.batches import Dataset
from models.wire import answers
from models.wire.answers import ResultLine
from models.wire.events import DatasetResults


class _Standing(NamedTuple):
    application_no: str
    outcome: str | None
    reason_code: str | None


async def differing_results(
    session: AsyncSession, vault: Vault, dataset: Dataset, inbox_id: int, copy: answers.ResultPage
) -> list[ContraryLine]:
    """The lines of a page's copy that its first one says otherwise or doesn't have, and those left out."""
    page = copy.page
    taken_from = await fetch_int(
        session, "SELECT inbox_id FROM result_page WHERE dataset_id = :id AND page = :page", id=dataset.id, page=page
    )
    event = await event_before(session, vault, taken_from)
    first = {line.application_no: line for line in event.data.results} if isinstance(event, DatasetResults) else {}
    said = {line.application_no: line for line in copy.results}
    return [
        ContraryLine(inbox_id, page, number, said.get(number), first.get(number))
        for number in {**said, **first}
        if said.get(number) != first.get(number)
    ]


async def keep_contrary_results(
    session: AsyncSession, vault: Vault, dataset: Dataset, contrary: list[ContraryLine]
) -> None:
    """Each line once, beside what stands for it; a line that came in another page and says the same is none."""
    if not contrary:
        return
    rows = await fetch(
        session,
        _Standing,
        "SELECT application_no, outcome, reason_code FROM dataset_line WHERE"
        " application_no = ANY(:numbers) AND (dataset_id = :dataset) IS TRUE",
        dataset=dataset.id,
        numbers=[each.application_no for each in contrary],
    )
    stand = {row.application_no: (row.outcome, row.reason_code) for row in rows}
    claims = []
    for each in contrary:
        standing = stand.get(each.application_no, (None, None))
        if each.first is None and each.said is not None and standing == verdict_of(each.said):
            continue
        claims.append(_claim(dataset, each, _standing_content(standing, each.first)))
    await keep_all(session, vault, claims)


def _claim(dataset: Dataset, contrary: ContraryLine, applied: Content) -> Claim:
    return Claim(
        county_code=dataset.county_code,
        number=number_of(dataset.reference),
        kind="result_line" if contrary.said else RESULT_MISSING,
        line_key=f"{dataset.reference}#{contrary.application_no}",
        applied=applied,
        claimed=line_content(contrary.application_no, contrary.said, contrary.page),
        inbox_id=contrary.inbox_id,
    )


def verdict_of(line: ResultLine) -> tuple[str, str | None]:
    return line.outcome.value, line.reason_code.value if line.reason_code else None


def _standing_content(standing: tuple[str | None, str | None], first: ResultLine | None) -> Content:
    """What stands; in the first page's full words where it still does."""
    if first is not None and standing == verdict_of(first):
        return first.model_dump(mode="json")
    return {"outcome": standing[0], "reason_code": standing[1]}

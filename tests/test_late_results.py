"""Results that come after a line was returned: kept with their list, without effect on what it has become (S1 2.7)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from models.store.applying.decisions import settle_decided
from models.store.events.contradictions import Claim, keep_claim
from models.store.lists.results import TakenResults, apply_results
from models.wire import answers
from models.wire.answers import ResultLine
from models.wire.words import Outcome
from tests.rows import COUNTY, REVIEWER, YEAR, Line, Office, add_ground, count_of, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def put_list(office: Office, kind: str, reference: str, numbers: Sequence[str], batch_no: str) -> None:
    """A reviewed list whose one page named none of these lines."""
    await office.run(
        "INSERT INTO beneficiary_list (list_no, county_code, fund_year, line_count, total_fen, held_count, entered_by,"
        " created_at) VALUES (:no, :county, :year, 1, 1, 0, 'o', now())",
        no=reference,
        county=COUNTY,
        year=YEAR,
    )
    await office.run(
        "WITH d AS (INSERT INTO dataset (reference, kind, county_code, batch_id, stage, generation, record_count,"
        " total_fen, result_pages, created_at) SELECT :no, :kind, :county, id, 'reviewed', 1, 2, 1, 1, now() FROM batch"
        " WHERE batch_no = :batch RETURNING id) INSERT INTO dataset_line (dataset_id, position, application_id,"
        " application_no, amount_fen) SELECT d.id, a.id, a.id, a.application_no, 1 FROM d, application a"
        " WHERE a.application_no = ANY(:numbers)",
        no=reference,
        kind=kind,
        county=COUNTY,
        numbers=list(numbers),
        batch=batch_no,
    )


async def late_page(office: Office, reference: str, outcome: Outcome, numbers: Sequence[str]) -> None:
    results = tuple(ResultLine(application_no=number, outcome=outcome) for number in numbers)
    page = answers.ResultPage(
        dataset_id="d", client_reference=reference, county_code=COUNTY, page=2, result_pages=1, results=results
    )
    async with office.database.transaction() as session:
        await apply_results(session, office.vault, [TakenResults(1, page)])


async def claim_taken(office: Office, number: str, reference: str, claimed: Mapping[str, object]) -> str:
    """A reviewer takes what a contradicting page said of a line; gives what came of the decision."""
    key = f"{reference}#{claimed['application_no']}"
    async with office.database.transaction() as session:
        await keep_claim(session, office.vault, Claim(COUNTY, number, "result_line", key, {}, dict(claimed), None))
    await office.run(
        "UPDATE contradiction SET state = 'decided', taken = 'claimed', decided_by = 'rev.zhao' WHERE line_key = :key",
        key=key,
    )
    async with office.database.transaction() as session:
        await settle_decided(session, office.vault, number)
    [(state,)] = await office.rows("SELECT state FROM contradiction WHERE line_key = :key", key=key)
    return str(state)


async def returned(office: Office, number: str) -> None:
    body = {"selection": {"application_nos": [number]}, "reason": "账号有误"}
    answer = await office.post("/application-returns", body, REVIEWER)
    assert answer.status_code == 200, answer.text


async def state_of(office: Office, column: str, numbers: Sequence[str]) -> list[object]:
    statement = f"SELECT {column} FROM application WHERE application_no = ANY(:numbers) ORDER BY id"
    return [row[0] for row in await office.rows(statement, numbers=list(numbers))]


async def test_a_verification_says_nothing_of_a_line_that_is_in_another_batch_now(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line()])
    other = await add_ground(office, [Line()])
    reference = f"{ground.batch_no}-V1"
    await put_list(office, "verification", reference, ground.numbers, ground.batch_no)
    await returned(office, ground.numbers[0])
    await office.run(
        "UPDATE application SET stage = 'in_batch', batch_id = :batch WHERE application_no = :no",
        batch=other.batch_id,
        no=ground.numbers[0],
    )
    await office.run("UPDATE application SET verification = 'pending'")
    await late_page(office, reference, Outcome.PASSED, ground.numbers)
    assert await state_of(office, "verification", ground.numbers) == ["pending", "passed"]
    states = []
    for number in ground.numbers:
        claimed = {"application_no": number, "outcome": "failed", "reason": "已死亡"}
        states.append(await claim_taken(office, reference, reference, claimed))
    assert states == ["open", "settled"]
    assert await state_of(office, "verification", ground.numbers) == ["pending", "failed"]


async def test_an_initialisation_says_nothing_of_a_line_that_is_in_another_list_now(office: Office) -> None:
    """Nor does it bring the account in that the line has now: nobody has matched that one."""
    ground = await add_ground(office, [Line(), Line()])
    await put_list(office, "beneficiary_init", "L-1", ground.numbers, ground.batch_no)
    await put_list(office, "beneficiary_init", "L-2", [], ground.batch_no)
    await returned(office, ground.numbers[0])
    for number, list_no in zip(ground.numbers, ("L-2", "L-1"), strict=True):
        await office.run(
            "UPDATE application SET stage = 'publicised', batch_id = NULL, list_id = (SELECT id FROM beneficiary_list"
            " WHERE list_no = :list) WHERE application_no = :no",
            list=list_no,
            no=number,
        )
    await late_page(office, "L-1", Outcome.MATCHED, ground.numbers)
    assert await state_of(office, "stage", ground.numbers) == ["publicised", "matched"]
    assert await count_of(office, "register_account") == 1
    await office.run("UPDATE application SET stage = 'matched' WHERE application_no = :no", no=ground.numbers[0])
    states = []
    for number in ground.numbers:
        claimed = {"application_no": number, "outcome": "not_found"}
        states.append(await claim_taken(office, "L-1", "L-1", claimed))
    assert states == ["open", "settled"]
    assert await state_of(office, "stage", ground.numbers) == ["matched", "unmatched"]

"""What a start reads grows with its lines and with the rounds there are, never with their product.

With the server's own costs and no statistics, a count of earlier rounds line by line walks through all rounds of all
counties for each line, from a hundred thousand lines of rounds on: 16 s instead of 5 for a batch of that size.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.flows.start import StartRequest, enter_flow
from models.store.sql import execute
from models.words.calendar import china_today
from tests.rows import COUNTY, OPERATOR, OTHER_COUNTY, Ground, Line, Office, add_ground, open_office
from tests.statements import rows_of

LINES, ROUNDS = 10_000, 400
FOREIGN_LINES = 110_000
AMOUNT = 49_500
_COLUMNS = """county_code, fund_year, applicant_kind, channel, stage, name_sealed, name_index, id_number_sealed,
  phone_sealed, town_code, village_code, group_name, bank_code, account_sealed, account_index,
  household_registration, family_size,
  item_code, amount_fen, batch_id, match_outcome, verification, payments, entered_by, version, created_at, updated_at"""


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def _many(session: AsyncSession, ground: Ground, foreign: str) -> None:
    """The ground's one line so often, each accepted once before in some round, and lines of other counties' rounds."""
    await execute(
        session,
        f"INSERT INTO application (application_no, person_index, {_COLUMNS}) SELECT 'M-' || n, 'person-' || n,"
        f" {_COLUMNS} FROM application, generate_series(2, :lines) n WHERE batch_id = :batch",
        lines=LINES,
        batch=ground.batch_id,
    )
    await execute(
        session,
        "INSERT INTO flow (flow_no, county_code, fund_year, batch_id, batch_no, policy_unit_code, stage, round_no,"
        " summary_no, called_off, started_by, created_at) SELECT 'F-' || n, 'C-' || n, 2026, :batch, :number, 'U',"
        " 'ended', 1, 0, false, 'nobody', now() FROM generate_series(1, :rounds) n",
        batch=ground.batch_id,
        number=ground.batch_no,
        rounds=ROUNDS,
    )
    await execute(
        session,
        "INSERT INTO dataset (reference, kind, county_code, flow_id, stage, generation, record_count, total_fen,"
        " created_at) SELECT flow_no || '.r1', 'application_submission', county_code, id, 'reviewed', 1, 1, 1, now()"
        " FROM flow WHERE stage = 'ended'",
    )
    await execute(
        session,
        "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)"
        " SELECT d.id, a.id, a.id, a.application_no, a.amount_fen, 'accepted' FROM application a"
        " JOIN (SELECT id, row_number() OVER () AS place FROM dataset) d ON d.place = a.id % :rounds + 1",
        rounds=ROUNDS,
    )
    await execute(
        session,
        "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)"
        " SELECT d.id, :lines + n, a.id, a.application_no, a.amount_fen, 'accepted' FROM generate_series(1, :more) n"
        " JOIN (SELECT id, row_number() OVER () AS place FROM dataset) d ON d.place = n % :rounds + 1"
        " JOIN application a ON a.application_no = :foreign",
        lines=2 * LINES,
        more=FOREIGN_LINES,
        rounds=ROUNDS,
        foreign=foreign,
    )


async def _read(session: AsyncSession) -> dict[str, int]:
    """Rows that the session's connection has read, table by table, beside what it has told the server already."""
    rows = await rows_of(
        session,
        "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('dataset', 'dataset_line')",
    )
    return {str(name): int(count) for name, count in rows}


@pytest.mark.unseen
@pytest.mark.parametrize("page_cost", [1.1, 4.0], ids=["the product's costs", "the server's costs"])
async def test_a_start_on_a_fresh_database_reads_each_round_about_once(office: Office, page_cost: float) -> None:
    ground = await add_ground(office, [Line(amount_fen=AMOUNT)], money=[LINES * AMOUNT])
    elsewhere = await add_ground(office, [Line()], county=OTHER_COUNTY)
    async with office.database.transaction() as session:
        await _many(session, ground, elsewhere.numbers[0])
    wanted = StartRequest(COUNTY, ground.batch_no, [ground.policy_no], ground.indicator_nos, OPERATOR)
    async with office.database.transaction() as session:
        # a pooler between us and the server may swallow the options that a connection is opened with
        await execute(session, f"SET LOCAL random_page_cost = {page_cost}")
        before = await _read(session)
        started = await enter_flow(session, office.vault, wanted, publicity_days=7, today=china_today())
        read = await _read(session)
    assert started.figures.lines.count == LINES
    assert await office.rows("SELECT attempt, count(*) FROM flow_line GROUP BY 1") == [(2, LINES)]
    assert read["dataset"] - before["dataset"] <= 2 * (LINES + ROUNDS)
    assert read["dataset_line"] - before["dataset_line"] <= 3 * LINES + FOREIGN_LINES

"""The journal of instructions: first bytes and first answer stay, but a bank's word is forgotten after a day."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.platform.rows_journal import PostgresJournal
from models.store.sql import execute
from models.wire.words import Operation
from tests.api_server import COUNTY, ApiServer, api_server


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


async def after(server: ApiServer, hours: int) -> None:
    async with server.database.transaction() as session:
        await execute(
            session, "UPDATE instruction SET answered_at = answered_at - make_interval(hours => :hours)", hours=hours
        )


async def answered(journal: PostgresJournal, operation: Operation, key: str, *answers: bytes) -> bytes | None:
    await journal.intend(key, COUNTY, operation, b"first")
    for answer in answers:
        await journal.answered(key, answer)
    kept = await journal.intend(key, COUNTY, operation, b"second")
    assert kept.body == b"first"
    return kept.answer


@pytest.mark.parametrize("operation", [Operation.VERIFY_ACCOUNT, Operation.VERIFY_ACCOUNTS])
async def test_a_banks_word_is_asked_for_again_after_a_day(server: ApiServer, operation: Operation) -> None:
    journal = PostgresJournal(server.database, server.vault)
    assert await answered(journal, operation, "k", b"valid", b"not valid") == b"valid"
    await after(server, 23)
    assert await answered(journal, operation, "k") == b"valid"
    await after(server, 2)
    assert await answered(journal, operation, "k") is None
    assert await answered(journal, operation, "k", b"not valid", b"valid") == b"not valid"


async def test_any_other_answer_stays_for_good(server: ApiServer) -> None:
    journal = PostgresJournal(server.database, server.vault)
    assert await answered(journal, Operation.START_FLOW, "k", b"started") == b"started"
    await after(server, 24 * 400)
    assert await answered(journal, Operation.START_FLOW, "k", b"again") == b"started"


async def test_a_key_belongs_to_its_operation(server: ApiServer) -> None:
    journal = PostgresJournal(server.database, server.vault)
    await journal.intend("k", COUNTY, Operation.START_FLOW, b"first")
    with pytest.raises(ValueError, match="startFlow"):
        await journal.intend("k", COUNTY, Operation.CANCEL_FLOW, b"second")

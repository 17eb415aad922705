"""A platform that wants to be left alone is left alone by every worker of its province."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.platform import pauses
from activities.platform.pauses import SharedPauses
from models.store.database import Database
from models.store.sql import execute
from tests.api_server import api_server

PROVINCE, OTHER = "500000", "510000"


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with api_server(database_url, tmp_path) as running:
        yield running.database


@pytest.fixture
def always_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "LOOK_AGAIN_SECONDS", 0.0)


async def test_what_one_worker_was_told_holds_for_all(database: Database, always_looked_up: None) -> None:
    told, beside, late = (SharedPauses(database) for _ in range(3))
    assert await beside.seconds_left(PROVINCE) == 0
    await told.leave_alone(PROVINCE, 30)
    # a shorter wish that comes later takes nothing from the longer one
    await beside.leave_alone(PROVINCE, 5)
    for worker in (told, beside, late):
        assert 25 < await worker.seconds_left(PROVINCE) <= 30
        assert await worker.seconds_left(OTHER) == 0


async def test_it_ends_by_itself(database: Database, always_looked_up: None) -> None:
    await SharedPauses(database).leave_alone(PROVINCE, 30)
    async with database.transaction() as session:
        await execute(session, "UPDATE platform_pause SET until = now() - interval '1 second'")
    assert await SharedPauses(database).seconds_left(PROVINCE) == 0


async def test_a_call_that_follows_another_looks_nothing_up(database: Database) -> None:
    beside = SharedPauses(database)
    assert await beside.seconds_left(PROVINCE) == 0
    await SharedPauses(database).leave_alone(PROVINCE, 30)
    assert await beside.seconds_left(PROVINCE) == 0
    beside._looked_at.clear()
    assert await beside.seconds_left(PROVINCE) > 25

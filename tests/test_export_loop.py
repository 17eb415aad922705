"""A large export leaves the loop free: whoever asks meanwhile is answered at once."""

import asyncio
import gc
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest

from models.store.sql import execute
from models.words.staff import Role
from tests.api_server import COUNTY, PROVINCE, ApiServer, api_server

ROWS = 20_000
LONGEST_TURN_SECONDS = 0.6


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


async def _longest_turn(over: asyncio.Event) -> float:
    """What the loop works at a stretch, whatever else the machine does: seconds of its own thread's work."""
    longest, last = 0.0, time.thread_time()
    while not over.is_set():
        await asyncio.sleep(0.002)
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
    return longest


async def test_the_loop_is_never_held_while_a_list_is_exported(server: ApiServer) -> None:
    async with server.database.transaction() as session:
        await execute(
            session,
            "INSERT INTO inbox (province_code, county_code, event_id, source, event_type, body_sha256, body, state,"
            " received_at, next_try_at, tries) SELECT :province, :county, 'evt-' || n, 'callback', 'dataset.results',"
            " '', '', 'received', now(), now(), 0 FROM generate_series(1, :rows) n",
            province=PROVINCE,
            county=COUNTY,
            rows=ROWS,
        )
    # a server's heap is not that of a whole test run, which the collector would walk through within a turn
    gc.collect()
    gc.freeze()
    over = asyncio.Event()
    watching = asyncio.create_task(_longest_turn(over))
    answer = await server.get(Role.OPERATOR, "/inbox", format="xlsx")
    over.set()
    longest = await watching
    gc.unfreeze()
    print(f"longest turn {longest:.3f} s")
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True).active
    assert sheet is not None
    assert sum(1 for _ in sheet.iter_rows()) == ROWS + 1
    assert longest < LONGEST_TURN_SECONDS

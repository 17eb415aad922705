"""Kinds of work have connections of their own: a full pool refuses soon, and nobody else waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from models.stages import Role
from models.store.database import API_POOLS, BOUNDS, WORKER_POOLS, Database, Pool, fetch_one, pool_sizes
from tests.api_server import ApiServer, api_server
from tests.platform_posts import policy_reviewed, post_event


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


@asynccontextmanager
async def exhausted(database: Database, kind: Pool, size: int) -> AsyncIterator[None]:
    """Every connection of a kind is in somebody's hands."""
    async with AsyncExitStack() as hands:
        for _ in range(size):
            session = await hands.enter_async_context(database.pool(kind).reading())
            assert await fetch_one(session, "SELECT 1") is not None
        yield


@pytest.mark.parametrize("total", [16, 24, 40, 100])
@pytest.mark.parametrize("kinds", [API_POOLS, WORKER_POOLS])
def test_a_process_has_no_more_connections_than_its_setting_says(kinds: tuple[Pool, ...], total: int) -> None:
    sizes = pool_sizes(total, *kinds)
    assert sum(sizes.values()) == total
    assert all(size >= BOUNDS[kind].least for kind, size in sizes.items())


async def test_a_full_desk_refuses_soon_and_callbacks_and_health_go_on(server: ApiServer) -> None:
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.DESK]
    async with exhausted(server.database, Pool.DESK, size):
        began = time.monotonic()
        refused, taken, health = await asyncio.gather(
            server.get(Role.OPERATOR, "/batches"),
            post_event(server, "evt-1", policy_reviewed("500001-Z2026-0001.1")),
            server.http.get("/health"),
        )
        assert time.monotonic() - began < 2
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert 0 < int(refused.headers["retry-after"]) <= 5
    assert (taken.status_code, health.status_code) == (204, 200)
    assert (await server.get(Role.OPERATOR, "/batches")).status_code == 200

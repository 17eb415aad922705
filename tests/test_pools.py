"""Kinds of work have connections of their own: a full pool refuses soon, and nobody else waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.open_requests import PER_PERSON
from deploy.stack.objects import Access
from models.stages import Role
from models.store.database import API_POOLS, BOUNDS, COUNTY_SHARE, WORKER_POOLS, Database, Pool, fetch_one, pool_sizes
from models.store.objects import THREADS
from tests.api_server import COUNTY, OTHER_COUNTY, ApiServer, api_server
from tests.object_proxy import ObjectProxy, proxied
from tests.platform_posts import policy_reviewed, post_event
from tests.tiny_runs import eventually

# Two seconds, and a busy machine's share on top of them; it was thirty, and with a frozen store more.
SOON_SECONDS = 4


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
        assert time.monotonic() - began < SOON_SECONDS
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert 0 < int(refused.headers["retry-after"]) <= 5
    assert (taken.status_code, health.status_code) == (204, 200)
    assert (await server.get(Role.OPERATOR, "/batches")).status_code == 200


async def test_one_county_never_has_every_connection(server: ApiServer) -> None:
    """Its acts wait for something: it is told soon that it is busy, and the others notice nothing."""
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.DESK]
    async with exhausted(server.database.share_of(COUNTY), Pool.DESK, int(size * COUNTY_SHARE)):
        refused, served = await asyncio.gather(
            server.get(Role.OPERATOR, "/batches"), server.get(Role.OPERATOR, "/batches", OTHER_COUNTY)
        )
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert served.status_code == 200


async def test_exports_have_a_pool_of_their_own(server: ApiServer) -> None:
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.EXPORTS]
    async with exhausted(server.database, Pool.EXPORTS, size):
        export, listed = await asyncio.gather(
            server.get(Role.OPERATOR, "/batches", format="xlsx"), server.get(Role.OPERATOR, "/batches")
        )
    assert (export.status_code, export.json()["code"], listed.status_code) == (503, "BUSY", 200)


@dataclass
class Store:
    server: ApiServer
    proxy: ObjectProxy

    async def frozen_downloads(self, count: int) -> "list[asyncio.Task[httpx.Response]]":
        """So many people wait for a file that doesn't come."""
        stored = await self.server.upload(Role.OPERATOR, b"%PDF-1.4 form %%EOF", "form.pdf")
        path = stored.headers["location"]
        self.proxy.open.clear()
        self.proxy.came.clear()
        asked = [asyncio.create_task(self.server.get(Role.OPERATOR, path)) for _ in range(count)]
        await self.proxy.came.wait()
        return asked


@pytest.fixture
async def store(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Store]:
    async with proxied(s3_settings) as (proxy, through), api_server(database_url, tmp_path, through) as server:
        yield Store(server, proxy)


async def test_lists_are_answered_while_downloads_hang(store: Store) -> None:
    """And whoever asks for a file while every thread hangs is told soon; those that hang are told in seconds."""
    began = time.monotonic()
    asked = await store.frozen_downloads(THREADS)
    for path in ("/applications", "/batches", "/flows", "/health"):
        asking = time.monotonic()
        assert (await store.server.get(Role.OPERATOR, path)).status_code == 200
        assert time.monotonic() - asking < SOON_SECONDS
    asking = time.monotonic()
    one_more = await store.server.get(Role.OPERATOR, "/files/1")
    assert (one_more.status_code, one_more.json()["code"]) == (503, "BUSY")
    assert time.monotonic() - asking < SOON_SECONDS
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {503}
    assert time.monotonic() - began < 25
    store.proxy.heal()
    assert (await store.server.get(Role.OPERATOR, "/files/1")).status_code == 200


async def test_a_person_and_a_county_have_so_many_requests_open_and_others_are_served(store: Store) -> None:
    asked = await store.frozen_downloads(PER_PERSON)

    async def counted() -> bool:
        return (await store.server.get(Role.OPERATOR, "/batches")).status_code == 429

    await eventually(counted)
    refused = await store.server.get(Role.OPERATOR, "/batches")
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("TOO_MANY_REQUESTS", "1")
    assert (await store.server.get(Role.REVIEWER, "/batches")).status_code == 200
    assert (await post_event(store.server, "evt-1", policy_reviewed("500001-Z2026-0001.1"))).status_code == 204
    await asyncio.gather(*asked)
    assert (await store.server.get(Role.OPERATOR, "/batches")).status_code == 200

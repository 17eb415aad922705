"""Kinds of work have connections of their own: a full pool refuses soon, and nobody else waits for it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from fastapi import Request

from api.server.open_requests import PER_COUNTY, PER_PERSON, WAITING_PER_PERSON, OpenRequests
from api.server.problems import Problem
from deploy.cluster import agreed
from deploy.stack.objects import Access
from models.settings import Settings
from models.store.database import API_POOLS, BOUNDS, COUNTY_SHARE, WORKER_POOLS, Database, Pool, pool_sizes
from models.store.objects import THREADS
from models.words.staff import Role
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server
from tests.object_proxy import ObjectProxy, proxied
from tests.platform_posts import policy_reviewed, post_event
from tests.statements import one_row
from tests.tiny_runs import eventually

Answer = TypeVar("Answer")
SOON_SECONDS = 2.0
DEPLOY = Path(__file__).parents[1] / "deploy"


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
            assert await one_row(session, "SELECT 1") is not None
        yield


async def soon(asking: Awaitable[Answer]) -> Answer:
    """Answered before two seconds of the loop's have gone by; it is the server's loop too, and late for both alike."""
    asked, over = asyncio.ensure_future(asking), asyncio.create_task(asyncio.sleep(SOON_SECONDS))
    done, _ = await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
    assert asked in done, f"no answer within {SOON_SECONDS} s"
    over.cancel()
    return await asked


@pytest.mark.parametrize("kind", [Pool.CALLBACKS, Pool.DESK, Pool.EXPORTS])
def test_whoever_waits_for_a_place_and_then_for_a_connection_is_told_in_time(kind: Pool) -> None:
    """A county's place and the connection are waited for one after the other; callbacks need no place."""
    waits = 1 if kind is Pool.CALLBACKS else 2
    assert waits * BOUNDS[kind].wait_seconds <= SOON_SECONDS


@pytest.mark.parametrize("total", [16, 24, 40, 100])
@pytest.mark.parametrize("kinds", [API_POOLS, WORKER_POOLS])
def test_a_process_has_no_more_connections_than_its_setting_says(kinds: tuple[Pool, ...], total: int) -> None:
    sizes = pool_sizes(total, *kinds)
    assert sum(sizes.values()) == total
    assert all(size >= BOUNDS[kind].least for kind, size in sizes.items())


def test_the_servers_have_room_for_the_processes_and_temporal() -> None:
    """An API, a worker, and all nodes of a Temporal cluster."""
    nodes = sum(agreed.REPLICAS.values()) * sum(agreed.CONNECTIONS.values())
    wanted = 2 * Settings.model_fields["database_pool_size"].default + nodes
    for file in ("compose.yaml", "stack/postgres.py"):
        [given] = re.findall(r"max_connections\W+([0-9]+)", (DEPLOY / file).read_text(encoding="utf-8"))
        assert wanted < int(given) - 10, file


async def test_a_full_desk_refuses_soon_and_callbacks_and_health_go_on(server: ApiServer) -> None:
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.DESK]
    async with exhausted(server.database, Pool.DESK, size):
        refused, taken, health = await asyncio.gather(
            soon(server.get(Role.OPERATOR, "/batches")),
            soon(post_event(server, "evt-1", policy_reviewed("500001-Z2026-0001.1"))),
            soon(server.http.get("/health")),
        )
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert 0 < int(refused.headers["retry-after"]) <= 5
    assert (taken.status_code, health.status_code) == (204, 200)
    assert (await server.get(Role.OPERATOR, "/batches")).status_code == 200


async def test_one_county_never_has_every_connection(server: ApiServer) -> None:
    """Its acts wait for something: it is told soon that it is busy, and the others notice nothing."""
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.DESK]
    async with exhausted(server.database.share_of(COUNTY), Pool.DESK, int(size * COUNTY_SHARE)):
        refused, served = await asyncio.gather(
            soon(server.get(Role.OPERATOR, "/batches")), soon(server.get(Role.OPERATOR, "/batches", OTHER_COUNTY))
        )
    assert (refused.status_code, refused.json()["code"]) == (503, "BUSY")
    assert served.status_code == 200


async def test_exports_have_a_pool_of_their_own(server: ApiServer) -> None:
    size = pool_sizes(server.settings.database_pool_size, *API_POOLS)[Pool.EXPORTS]
    async with exhausted(server.database, Pool.EXPORTS, size):
        export, listed = await asyncio.gather(
            soon(server.get(Role.OPERATOR, "/batches", format="xlsx")), soon(server.get(Role.OPERATOR, "/batches"))
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
    asked = await store.frozen_downloads(THREADS)
    for path in ("/applications", "/batches", "/flows", "/health"):
        assert (await soon(store.server.get(Role.OPERATOR, path))).status_code == 200
    one_more = await soon(store.server.get(Role.OPERATOR, "/files/1"))
    assert (one_more.status_code, one_more.json()["code"]) == (503, "BUSY")
    assert 0 < int(one_more.headers["retry-after"]) <= 5
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {503}
    store.proxy.heal()
    assert (await store.server.get(Role.OPERATOR, "/files/1")).status_code == 200


async def test_a_person_has_so_many_requests_open_and_everybody_else_is_served(server: ApiServer) -> None:
    """Those that wait for a stage, here: they hold nothing, so that the others are served on."""
    number = (await server.post(Role.OPERATOR, "/batches", {"title": "第一批", "fund_year": YEAR})).json()["batch_no"]
    path = f"/batches/{number}"
    refused: list[httpx.Response] = []

    async def wait_on() -> None:
        while True:
            answer = await server.get(Role.OPERATOR, path, wait=20, stage="open")
            refused.extend([answer] if answer.status_code == 429 else [])
            await asyncio.sleep(0.2)

    waiting = [asyncio.create_task(wait_on()) for _ in range(WAITING_PER_PERSON + 10)]

    async def counted() -> bool:
        return bool(refused)

    await eventually(counted)
    assert (refused[0].json()["code"], refused[0].headers["retry-after"]) == ("TOO_MANY_REQUESTS", "1")
    assert (await server.get(Role.OPERATOR, path)).status_code != 429
    assert (await server.get(Role.REVIEWER, path, wait=0.1)).status_code != 429
    assert (await post_event(server, "evt-1", policy_reviewed("500001-Z2026-0001.1"))).status_code == 204
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    async def gone() -> bool:
        return (await server.get(Role.OPERATOR, path, wait=0.1, stage="open")).status_code == 200

    await eventually(gone)


def test_what_is_open_is_counted_by_person_and_by_county() -> None:
    counter, asking = OpenRequests(), Request({"type": "http", "query_string": b"", "headers": []})
    with ExitStack() as opened:
        for _ in range(PER_PERSON):
            opened.enter_context(counter.one(asking, COUNTY, "li"))
        assert not _is_taken(counter, asking, COUNTY, "li")
        assert _is_taken(counter, asking, COUNTY, "wang")
        for place in range(PER_COUNTY - PER_PERSON):
            opened.enter_context(counter.one(asking, COUNTY, f"clerk-{place}"))
        assert not _is_taken(counter, asking, COUNTY, "wang")
        assert _is_taken(counter, asking, OTHER_COUNTY, "wang")
    assert _is_taken(counter, asking, COUNTY, "li")


def _is_taken(counter: OpenRequests, asking: Request, county: str, person: str) -> bool:
    try:
        with counter.one(asking, county, person):
            return True
    except Problem as refusal:
        return refusal.code != "TOO_MANY_REQUESTS"

"""More requests than are worked for wait, more than may wait are refused at once, and callbacks have their own way."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from api.server.open_requests import Admission
from models.places import resting
from tests.api_server import api_server
from tests.tiny_runs import eventually


class Desk:
    """Requests that stay until they are let go: at work, or waiting for somebody else."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.seen: list[str] = []

    def app(self) -> ASGIApp:
        paths = {"/work": self._work, "/rest": self._rest, "/callbacks/500000": self._work, "/health": self._quick}
        return Starlette(routes=[Route(path, act, methods=["GET", "POST"]) for path, act in paths.items()])

    async def _work(self, request: Request) -> Response:
        await request.body()
        self.seen.append(request.url.path)
        await self.go.wait()
        return PlainTextResponse("done")

    async def _rest(self, request: Request) -> Response:
        self.seen.append(request.url.path)
        async with resting():
            await self.go.wait()
        return PlainTextResponse("done")

    async def _quick(self, _: Request) -> Response:
        return PlainTextResponse("done")


async def test_who_waits_for_others_leaves_the_place_and_who_finds_none_is_told() -> None:
    desk = Desk()
    app = Admission(desk.app(), places=2, waiting=1, wait_seconds=60, callbacks=1)
    async with AsyncExitStack() as clients:
        transport = httpx.ASGITransport(app)
        http = await clients.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://desk"))
        asked = [asyncio.create_task(http.get("/rest")) for _ in range(5)]
        asked += [asyncio.create_task(http.post("/work", content=b"x")) for _ in range(3)]
        await until(lambda: desk.seen.count("/rest") == 5 and desk.seen.count("/work") == 2)
        refused = await http.get("/work")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "BUSY", "2")
        page = await http.get("/work", headers={"Accept": "text/html"})
        assert (page.status_code, "系统繁忙" in page.text) == (503, True)
        assert (await http.get("/health")).status_code == 200
        callback = asyncio.create_task(http.post("/callbacks/500000", content=b"x"))
        await until(lambda: "/callbacks/500000" in desk.seen)
        assert (await http.post("/callbacks/500000", content=b"x")).status_code == 503
        desk.go.set()
        answers = await asyncio.gather(*asked, callback)
        assert {answer.status_code for answer in answers} == {200}
        assert (await http.get("/work")).status_code == 200


async def test_who_gives_up_while_it_waits_takes_no_place_along() -> None:
    desk = Desk()
    app = Admission(desk.app(), places=1, waiting=5, wait_seconds=60)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        first, *others = [asyncio.create_task(http.get("/work")) for _ in range(4)]
        await until(lambda: len(desk.seen) == 1)
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        desk.go.set()
        assert (await first).status_code == 200
        assert (await http.get("/work")).status_code == 200


async def until(seen: Callable[[], bool]) -> None:
    async def look() -> bool:
        return seen()

    await eventually(look)


async def test_every_request_of_the_product_comes_through_it(database_url: str, tmp_path: Path) -> None:
    async with api_server(database_url, tmp_path) as server:
        kinds = [each.cls for each in server.app.user_middleware]
    # around all that costs something, within what every answer's headers need
    assert kinds.index(Admission) == 1

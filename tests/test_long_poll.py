"""Who waits for a stage hears of each change of it, at once and nobody else; nothing is lost where nobody listened."""

import ast
import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import event
from temporalio.client import Client

from deploy.stack import temporal
from models.store.sql import execute, fetch
from models.words.staff import Role
from tests.api_server import ApiServer, api_server
from tests.loopback import NO_TLS
from tests.tiny_runs import eventually, fresh_queue

COUNTIES = ("500001", "500002", "500003", "500004")
LOGINS = "/citizen/logins"
# Sooner than anybody would look by himself.
AT_ONCE_SECONDS = 4.0


@pytest.fixture
async def server(database_url: str, tmp_path: Path, temporal_client: Client) -> AsyncIterator[ApiServer]:
    settings: dict[str, Any] = {
        "temporal_task_queue": fresh_queue(),
        "temporal_namespace": temporal.NAMESPACE,
        "citizen_cookies_secure": False,
    }
    async with api_server(database_url, tmp_path, temporal=temporal_client, **settings) as running:
        await heard(running)
        yield running


class Turns:
    """How often the counter has gone to the database."""

    def __init__(self, server: ApiServer) -> None:
        self.count = 0
        event.listen(server.database.engine.sync_engine, "checkout", self._count)

    def _count(self, _connection: object, _record: object, _proxy: object) -> None:
        self.count += 1

    async def until(self, count: int) -> None:
        async def so_many() -> bool:
            return self.count >= count

        await eventually(so_many)


async def heard(server: ApiServer) -> None:
    async def hears() -> bool:
        return bool(server.app.state.parts.stages.hears)

    await eventually(hears)


async def open_batch(server: ApiServer, county: str) -> str:
    answer = await server.post(Role.OPERATOR, "/batches", {"fund_year": 2026, "title": "春耕"}, county)
    return str(answer.json()["batch_no"])


def wait_for_batch(server: ApiServer, number: str) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(
        server.get(Role.OPERATOR, f"/batches/{number}", number.partition("-")[0], wait=20, stage="open")
    )


async def become(server: ApiServer, number: str, stage: str) -> None:
    """What a flow or the platform would have brought about."""
    async with server.database.transaction() as session:
        await execute(session, "UPDATE batch SET stage = :stage WHERE batch_no = :no", stage=stage, no=number)


async def test_only_who_waits_for_the_row_wakes(server: ApiServer) -> None:
    mine, *others = [await open_batch(server, county) for county in COUNTIES]
    beside = await open_batch(server, COUNTIES[0])
    turns = Turns(server)
    waiting = {number: wait_for_batch(server, number) for number in (mine, beside, *others)}
    await turns.until(len(waiting))
    await become(server, mine, "verified")
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert (await waiting.pop(mine)).json()["stage"] == "verified"
    changed, answered = 1, 1
    assert turns.count == len(waiting) + 1 + changed + answered, "nobody else has looked"
    for number, task in waiting.items():
        assert not task.done()
        await become(server, number, "verified")
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert {answer.json()["stage"] for answer in await asyncio.gather(*waiting.values())} == {"verified"}


async def test_a_stage_that_was_another_for_a_moment_was_another(server: ApiServer) -> None:
    """A short round is over before anybody has read that it began: what it came to is waited for all the same."""
    number = await open_batch(server, COUNTIES[0])
    turns = Turns(server)
    waiting = wait_for_batch(server, number)
    await turns.until(1)
    with psycopg.connect(server.settings.database_url.get_secret_value().replace("+psycopg", "")) as line:
        line.autocommit = True
        for stage in ("verifying", "open"):  # the server shares this loop: it can't read in between
            line.execute("UPDATE batch SET stage = %s WHERE batch_no = %s", (stage, number))
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert (await waiting).json()["stage"] == "open"


async def test_what_nobody_heard_is_read_when_the_line_is_there_again(server: ApiServer) -> None:
    first, second = [await open_batch(server, county) for county in COUNTIES[:2]]
    turns = Turns(server)
    waiting = [wait_for_batch(server, number) for number in (first, second)]
    await turns.until(len(waiting))
    await hang_up(server)
    await become(server, first, "verified")
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert (await waiting[0]).json()["stage"] == "verified"
    await heard(server)
    await become(server, second, "verified")
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert (await waiting[1]).json()["stage"] == "verified"


async def hang_up(server: ApiServer) -> None:
    stages = server.app.state.parts.stages
    async with server.database.transaction() as session:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
        assert await execute(session, f"{ended} AND datname = current_database()") == 1

    async def deaf() -> bool:
        return not stages.hears

    await eventually(deaf)


async def test_a_browser_hears_of_its_own_attempts(server: ApiServer) -> None:
    async with browser(server) as one, browser(server) as other:
        first, second, theirs = await asked(one), await asked(one), await asked(other)
        turns = Turns(server)
        waiting, elsewhere = progress(one, first, "opening"), progress(other, theirs, "opening")
        await turns.until(2)
        await change_login(server, first, "stage = 'waiting'")
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert (await waiting).json()["stage"] == "waiting"
        changed, read = 1, 1
        assert turns.count == 2 + changed + read, "the other browser has not looked"
        waiting = progress(one, first, "waiting")
        await turns.until(5)
        passed = "stage = 'passed', ended_at = now(), person_index = 'p', name_sealed = '', id_number_sealed = ''"
        await change_login(server, second, passed)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert (await waiting).json()["signed_in"] is True, "the tab beside it has passed"
        assert not elsewhere.done()
        elsewhere.cancel()
        await asyncio.gather(elsewhere, return_exceptions=True)


def progress(one: httpx.AsyncClient, login_no: str, known: str) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(one.get(f"{LOGINS}/{login_no}", params={"wait": 20, "stage": known}))


def browser(server: ApiServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.http.base_url, verify=NO_TLS, trust_env=False, timeout=30)


async def asked(one: httpx.AsyncClient) -> str:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    answer = await one.post(LOGINS, json={"channel": "pc"}, headers=headers)
    return str(answer.json()["login_no"])


async def change_login(server: ApiServer, login_no: str, change: str) -> None:
    async with server.database.transaction() as session:
        await execute(session, f"UPDATE face_login SET {change} WHERE login_no = :no", no=login_no)


async def test_every_stage_that_is_waited_for_is_told(server: ApiServer) -> None:
    """A trigger stands on each table of `stage_of`, with its own number and column."""
    async with server.database.reading() as session:
        statement = (
            "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname = 'tell_stage'"
        )
        triggers = await fetch(session, str, statement)
    waited = [("dataset", "reference", "stage"), ("face_login", "login_no", "stage"), *waited_for()]
    assert len(waited) > 7
    for table, number, column in waited:
        own = f"ON public.{table} FOR EACH ROW", f"(new.{column})", f"tell_stage('{number}')"
        assert [each for each in triggers if all(part in each for part in own)], table


def waited_for() -> Iterator[tuple[str, str, str]]:
    for path in Path("api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "stage_of":
                named = [ast.literal_eval(argument) for argument in node.args]
                table, number, column = [*named, "stage"][:3]
                yield table, number, column

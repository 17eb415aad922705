"""How quick the API is with a province's million applications: each list, search, figure, alone and with ten callers.

The API is asked in process, over a real PostgreSQL; each question twenty times, so that the server's plan for any
value (from a statement's tenth time or so) is among them. The ground is kept for the next run.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import httpx
import psycopg
from pydantic import SecretStr

from api.main import build_database, build_objects, build_s3, create_app
from deploy.bench.lookups_asked import Asked, asked
from deploy.bench.lookups_ground import PARTS, Size, fill
from deploy.local_people import LocalPerson, put_local_people
from deploy.stack.layout import Options
from deploy.stack.processes import StackError
from deploy.stack.stack import Stack
from models import tokens
from models.settings import Settings
from models.store.database import Database
from models.store.vault import LocalVault, create_vault_key_file
from models.words.staff import Role

DATABASE = "lookups"
ALONE, CALLERS, EACH = 16, 10, 2


@dataclass(frozen=True)
class Took:
    """Milliseconds of one question: the first five, the later ones, and with ten callers at once."""

    asked: Asked
    rows: int | None
    first: float
    alone: float
    alone_p95: float
    ten: float
    ten_p95: float


@dataclass(frozen=True)
class Lookups:
    """`before`: of the same rows before anybody had analysed a table; where that was asked for."""

    applications: int
    took: Sequence[Took]
    before: Sequence[Took] = ()


def measure(home: Path, size: Size | None = None, only: str = "", *, new: bool = False) -> Lookups:
    wanted = size or Size()
    with Stack(home, Options(durable=False)) as stack:
        stack.start("postgres")
        url, vault = _ground(stack, home, wanted)
        before = asyncio.run(_walk(url, home, vault, wanted, only)) if new else []
        with stack.layout.cluster.connect(DATABASE) as server:
            server.execute("VACUUM (ANALYZE)")
        after = asyncio.run(_walk(url, home, vault, wanted, only))
    return Lookups(PARTS * wanted.counties * wanted.lines_of_part, after, before)


def _ground(stack: Stack, home: Path, size: Size) -> tuple[str, LocalVault]:
    create_vault_key_file(home / "vault.json")
    tokens.create_token_key_file(home / "token.key")
    vault = LocalVault.from_file(home / "vault.json")
    cluster = stack.layout.cluster
    with cluster.connect() as server:
        known = server.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
    if known is None:
        stack.create_migrated_database(DATABASE)
        try:
            with cluster.connect(DATABASE) as server:
                put_province(server, vault, size)
        except BaseException:
            stack.drop_database(DATABASE)
            raise
    return cluster.url(DATABASE), vault


def put_province(server: psycopg.Connection, vault: LocalVault, size: Size) -> None:
    """Tables that nobody analyses by himself, their rows, and somebody of the measured county in each role."""
    for (table,) in server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
        server.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
    fill(server, vault, size)
    people = [LocalPerson(size.measured, person_in(role), (role,), "工作人员") for role in Role]
    put_local_people(server, vault, people)


def person_in(role: Role) -> str:
    return f"{role.value}.bench"


def settings_of(url: str, home: Path) -> Settings:
    return Settings(
        database_url=SecretStr(url),
        platform_clients_file=home / "clients.json",
        vault_key_file=home / "vault.json",
        token_key_file=home / "token.key",
        searches_per_person_hour=1_000_000,
        s3_endpoint_url="http://127.0.0.1:9",
        s3_access_key_id=SecretStr("none"),
        s3_secret_access_key=SecretStr("none"),
    )


@asynccontextmanager
async def counter(url: str, home: Path, vault: LocalVault) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """The API in this process, and its connections."""
    settings = settings_of(url, home)
    database = build_database(settings)
    key = tokens.load_key(settings.token_key_file)
    app = create_app(database, vault, build_objects(settings, vault, build_s3(settings)), settings, key, None)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://counter", timeout=120) as http:
        try:
            yield http, database
        finally:
            await database.dispose()


async def _walk(url: str, home: Path, vault: LocalVault, size: Size, only: str) -> list[Took]:
    county = size.measured
    async with counter(url, home, vault) as (http, _):
        minted = tokens_of(home, county)
        wanted = [each for each in asked(county, size.paid) if only in each.name]
        return [await _took(http, minted[Role(each.who)], each) for each in wanted]


def tokens_of(home: Path, county: str) -> dict[Role, str]:
    return {role: tokens.mint(home / "token.key", person_in(role), role, county) for role in Role}


async def _took(http: httpx.AsyncClient, token: str, each: Asked) -> Took:
    rows = await ask(http, token, each)
    alone = [await _timed(http, token, each) for _ in range(ALONE)]
    again = await asyncio.gather(*(_several(http, token, each) for _ in range(CALLERS)))
    ten = [one for several in again for one in several]
    later = alone[ALONE // 2 :]
    return Took(
        each,
        rows,
        statistics.median(alone[:4]),
        statistics.median(later),
        _p95(later),
        statistics.median(ten),
        _p95(ten),
    )


async def _several(http: httpx.AsyncClient, token: str, each: Asked) -> list[float]:
    return [await _timed(http, token, each) for _ in range(EACH)]


async def _timed(http: httpx.AsyncClient, token: str, each: Asked) -> float:
    """Milliseconds; never, where nobody came to it for want of a connection."""
    begun = time.perf_counter()
    found = await ask(http, token, each)
    return inf if found is None else (time.perf_counter() - begun) * 1000


async def ask(http: httpx.AsyncClient, token: str, each: Asked) -> int | None:
    """How many rows there were; None for a 503."""
    headers = {"Authorization": f"Bearer {token}"}
    if each.body is None:
        answer = await http.get(each.path, params=each.query, headers=headers)
    else:
        answer = await http.post(each.path, params=each.query, json=each.body, headers=headers)
    if answer.status_code == 503:
        return None
    if answer.status_code != 200:
        raise StackError(f"{each.name}：{answer.status_code} {answer.text[:500]}")
    return len(answer.json().get("items", ()))


def _p95(took: Sequence[float]) -> float:
    return sorted(took)[len(took) * 95 // 100]

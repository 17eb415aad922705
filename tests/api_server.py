"""The API on a real port, for tests: every part real, one server per test."""

import asyncio
import base64
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp
from temporalio.client import Client

from api.main import build_database, build_objects, create_app
from api.server.protocol import bounded
from deploy.stack.objects import Access
from models import tokens
from models.settings import Settings
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.vault import KeyRing, LocalVault
from models.tables.catalogs import CatalogList
from models.wire.signing import PlatformCredentials
from models.words.staff import Role
from tests.contract import HeldToContract
from tests.loopback import NO_TLS
from tests.staff import Staff
from tests.store_clients import s3_of

COUNTY, OTHER_COUNTY, PROVINCE = "500001", "500003", "500000"
YEAR = 2026


def fresh_vault() -> LocalVault:
    key, index = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    return LocalVault(KeyRing(active="k1", keys={"k1": key}, index=index))


def fresh_credentials() -> PlatformCredentials:
    return PlatformCredentials(
        base_url="http://127.0.0.1:9",
        client_id="onecard-test",
        secrets=(SecretStr(secrets.token_urlsafe(32)),),
        callback_secrets=(SecretStr("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()),),
    )


def settings_for(database_url: str, folder: Path, s3: Access | None = None, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "database_url": database_url,
        "platform_clients_file": folder / "clients.json",
        "vault_key_file": folder / "vault.key",
        "token_key_file": folder / "token.key",
    }
    if s3 is not None:
        given |= {
            "s3_endpoint_url": s3.endpoint_url,
            "s3_bucket": s3.bucket,
            "s3_region": s3.region,
            "s3_access_key_id": s3.access_key_id,
            "s3_secret_access_key": s3.secret_access_key,
        }
    return Settings(**(given | more))


@dataclass(frozen=True)
class ApiServer:
    """A running API and the parts it runs on."""

    app: FastAPI
    http: httpx.AsyncClient
    database: Database
    vault: LocalVault
    objects: ObjectStore
    settings: Settings
    credentials: PlatformCredentials
    staff: Staff

    def bearer(self, role: Role, county: str = COUNTY, person: str | None = None) -> dict[str, str]:
        token = self.staff.token(person or role.value, role, county)
        return {"Authorization": f"Bearer {token}"}

    async def get(self, role: Role, path: str, county: str = COUNTY, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.bearer(role, county))

    async def put(self, role: Role, path: str, body: object, county: str = COUNTY) -> httpx.Response:
        return await self.http.put(path, json=body, headers=self.bearer(role, county))

    async def post(
        self,
        role: Role,
        path: str,
        body: object,
        county: str = COUNTY,
        key: str | None = None,
        person: str | None = None,
    ) -> httpx.Response:
        headers = self.bearer(role, county, person) | {"Idempotency-Key": key or secrets.token_hex(8)}
        return await self.http.post(path, json=body, headers=headers)

    async def whole(self, role: Role, path: str, county: str = COUNTY, purpose: str = "review") -> Any:
        """What stands at an address, in clear."""
        answer = await self.post(role, f"{path}/disclosures", {"purpose": purpose}, county)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def upload(self, role: Role, data: bytes, name: str, county: str = COUNTY, **more: Any) -> httpx.Response:
        headers = self.bearer(role, county, more.get("person")) | {
            "Idempotency-Key": more.get("key") or secrets.token_hex(8)
        }
        return await self.http.post("/files", files={"file": (name, data)}, headers=headers)


@asynccontextmanager
async def api_server(
    database_url: str,
    folder: Path,
    s3: Access | None = None,
    temporal: Client | None = None,
    vault: LocalVault | None = None,
    **settings: Any,
) -> AsyncIterator[ApiServer]:
    """Serves on a free port until the test is done; with `temporal` relay and watch run too."""
    knobs = settings_for(database_url, folder, s3, **settings)
    tokens.create_token_key_file(knobs.token_key_file)
    database = build_database(knobs)
    ring, credentials = vault or fresh_vault(), fresh_credentials()
    objects = build_objects(knobs, ring, s3_of(knobs))
    key = tokens.load_key(knobs.token_key_file)
    app = create_app(database, ring, objects, knobs, key, temporal, {PROVINCE: credentials})
    staff = Staff(database_url, ring, knobs.token_key_file)
    try:
        async with (
            serving(HeldToContract(app), knobs.request_seconds) as url,
            httpx.AsyncClient(base_url=url, timeout=30, verify=NO_TLS) as http,
        ):
            yield ApiServer(app, http, database, ring, objects, knobs, credentials, staff)
    finally:
        staff.close()
        await database.dispose()


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@asynccontextmanager
async def serving(app: ASGIApp, request_seconds: float = 20.0) -> AsyncIterator[str]:
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    bounds = bounded(request_seconds)
    server = _Server(
        uvicorn.Config(
            app, log_level="error", http=bounds, access_log=False, timeout_graceful_shutdown=5, proxy_headers=False
        )
    )
    # serve() would take over the signals of the whole test run
    running = asyncio.create_task(server._serve([door]))
    started = asyncio.create_task(server.listening.wait())
    await asyncio.wait([running, started], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        started.cancel()
        server.should_exit = True
        await running
        door.close()


async def seed_catalogs(database: Database, county: str = COUNTY, year: int = YEAR) -> None:
    """The platform's lists as a fetching leaves them in the rows."""
    lists: Mapping[tuple[str, int], list[dict[str, Any]]] = {
        ("policy-units", 0): _items(f"{county}101", "农业农村局", f"{county}102", "林业局"),
        ("budget-units", 0): _items("11500001006562645B", "农业农村局", "11500001006562723A", "林业局"),
        ("budget-projects", year): _items(f"{county}{year}001", "惠民惠农财政补贴"),
        ("indicator-documents", year): _items(
            f"50{year}001", f"渝财农〔{year}〕15号", f"50{year}002", f"渝财农〔{year}〕28号"
        ),
        ("subsidy-items", year): _items("BT1001", "耕地地力保护补贴", "BT1002", "农机购置与应用补贴"),
        ("banks", 0): _items("ICBC", "中国工商银行", "ABC", "中国农业银行"),
        ("towns", 0): [
            {"code": f"{county}100", "name": "城关镇", "villages": _items(f"{county}100001", "东街村")},
        ],
    }
    async with database.transaction() as session:
        for (kind, fund_year), items in lists.items():
            session.add(CatalogList(county_code=county, kind=kind, fund_year=fund_year, items=items))


def _items(*words: str) -> list[dict[str, Any]]:
    return [{"code": code, "name": name} for code, name in zip(words[::2], words[1::2], strict=True)]

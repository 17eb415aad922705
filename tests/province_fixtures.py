"""The fixture `province`; a test module takes it by `pytest_plugins = ["tests.province_fixtures"]`."""

import base64
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client
from temporalio.worker import Worker

from api.main import build_objects, create_app
from deploy.demo import people
from deploy.simulator import launch
from deploy.stack import Stack, temporal
from deploy.stack.objects import Access
from models import tokens
from models.settings import Settings
from models.signing import PlatformCredentials
from models.store.database import Database, engine_options
from models.store.objects import ObjectStore
from models.store.vault import LocalVault
from tests.api_server import fresh_vault, serving, settings_for
from tests.loopback import NO_TLS
from tests.province import Platform, Province
from worker import activities_of, build_worker
from workflows.client import connect

# Each test is a province of its own to the simulator, so that nothing of another test can be in its way.
_codes = (code for code in count(10) if code not in (43, 50))
LOOK_EVERY_SECONDS = 0.05


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session")
def platform(servers: Stack) -> Iterator[Platform]:
    """One simulator for all provinces of the session."""
    home = servers.layout.home / "platform"
    clients = launch.clients_json([], home / "clients.json")
    running = launch.start(home / "state", clients, time_scale=0, seed=11)
    door = Platform(running.url, clients)
    yield door
    door.close()
    running.process.terminate()
    running.process.wait(20)


@pytest.fixture
def province(
    request: pytest.FixtureRequest,
    servers: Stack,
    database_url: str,
    tmp_path: Path,
    s3_settings: Access,
    temporal_address: str,
    portal: BlockingPortal,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Province]:
    """A whole province; settings by `@pytest.mark.parametrize("province", [{...}], indirect=True)`."""
    monkeypatch.setattr(people, "LOOK_EVERY_SECONDS", LOOK_EVERY_SECONDS)
    code = str(next(_codes))
    knobs = {
        "temporal_address": temporal_address,
        "temporal_namespace": temporal.NAMESPACE,
        "temporal_task_queue": f"province-{code}",
        "worker_grace_seconds": 10,
        "platform_timeout_seconds": 5,
        "citizen_province_code": f"{code}0000",
        "citizen_cookies_secure": False,
        "relay_poll_seconds": 0.2,
        "platform_busy_retry_seconds": 0.3,
        "platform_missing_page_seconds": 0.2,
    } | getattr(request, "param", {})
    settings = settings_for(database_url, tmp_path, s3_settings, **knobs)
    with portal.wrap_async_context_manager(_running(code, settings, platform, portal)) as running:
        yield running
        running.check()
        running.check_trails()


@asynccontextmanager
async def _running(
    code: str, settings: Settings, platform: Platform, portal: BlockingPortal
) -> AsyncIterator[Province]:
    tokens.create_key_file(settings.token_key_file)
    url = settings.database_url.get_secret_value()
    database, vault = Database(create_async_engine(url, **engine_options(settings))), fresh_vault()
    objects = build_objects(settings, vault)
    credentials = _credentials(code, platform)
    client = await connect(settings.temporal_address, settings.temporal_namespace)
    clients = {f"{code}0000": credentials}
    app = create_app(database, vault, objects, settings, tokens.load_key(settings.token_key_file), client, clients)
    try:
        async with serving(app) as address, _working(client, database, vault, objects, clients, settings):
            platform.serve_only(
                {
                    "client_id": credentials.client_id,
                    "province_code": f"{code}0000",
                    "secrets": [one.get_secret_value() for one in credentials.secrets],
                    "callback_url": f"{address}/callbacks/{code}0000",
                    "callback_secrets": [one.get_secret_value() for one in credentials.callback_secrets],
                }
            )
            with httpx.Client(base_url=address, timeout=30, trust_env=False, verify=NO_TLS) as http:
                yield Province(code, address, settings, database, vault, credentials, platform, portal, client, http)
    finally:
        await database.dispose()


@asynccontextmanager
async def _working(
    client: Client,
    database: Database,
    vault: LocalVault,
    objects: ObjectStore,
    clients: Mapping[str, PlatformCredentials],
    settings: Settings,
) -> AsyncIterator[Worker]:
    async with httpx.AsyncClient(trust_env=False, timeout=settings.platform_timeout_seconds, verify=NO_TLS) as http:
        hands = activities_of(database, vault, objects, http, clients, settings)
        async with build_worker(client, settings, hands) as worker:
            yield worker


def _credentials(code: str, platform: Platform) -> PlatformCredentials:
    return PlatformCredentials(
        base_url=f"{platform.url}/v1",
        client_id=f"onecard-{code}0000",
        secrets=(SecretStr(secrets.token_urlsafe(32)),),
        callback_secrets=(SecretStr("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()),),
    )

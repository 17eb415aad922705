"""The fixture `province`; a test module takes it by `pytest_plugins = ["tests.province_fixtures"]`."""

import base64
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

from api.main import build_database, build_objects, create_app
from deploy.demo import people
from deploy.simulator import launch
from deploy.stack import Stack
from deploy.stack.layout import FUND_NATURES
from deploy.stack.objects import Access
from models import tokens
from models.settings import Settings
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.vault import LocalVault, create_vault_key_file
from models.wire.signing import PlatformCredentials
from tests.api_server import serving, settings_for
from tests.contract import HeldToContract
from tests.databases import Databases
from tests.loopback import NO_TLS
from tests.platform_door import Door
from tests.province import Platform, Province
from tests.staff import Staff
from tests.store_clients import s3_of
from worker import activities_of, at_work, build_workers
from worker import build_database as build_worker_database
from workflows.client import connect

# The simulator knows these two by itself.
_CODES = [str(code) for code in range(10, 100) if code not in (43, 50)]
# Each look is a whole answer of the API; the first ones come sooner.
LOOK_EVERY_SECONDS = 0.1


class Provinces:
    """Each test is a province of its own, so that nothing of another test can be in its way.

    There are only so many codes: when all are used up the simulator is a new one, and what still runs is ended.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._numbers = count(1)
        self._open()

    def next_code(self, end_runs: Callable[[], None]) -> str:
        if not self._codes:
            self.close()
            end_runs()
            self._open()
        return self._codes.pop(0)

    def _open(self) -> None:
        home = self._home / str(next(self._numbers))
        clients = launch.clients_json([], home / "clients.json")
        self._running = launch.start(home / "state", clients, time_scale=0, seed=11)
        self.platform = Platform(self._running.url, clients)
        self._codes = list(_CODES)

    def close(self) -> None:
        self.platform.close()
        self._running.process.terminate()
        self._running.process.wait(20)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal(backend_options={"use_uvloop": True}) as running:
        yield running


@pytest.fixture(scope="session")
def provinces(servers: Stack) -> Iterator[Provinces]:
    """One simulator for as many provinces of the session as it has room for."""
    open_ones = Provinces(servers.layout.home / "platform")
    yield open_ones
    open_ones.close()


@pytest.fixture
def build_beside(province: Province) -> Callable[[str], AbstractContextManager[None]]:
    """Workers of a build, beside what the province has."""

    @asynccontextmanager
    async def working(build: str) -> AsyncIterator[None]:
        settings = province.settings.model_copy(update={"worker_build_id": build})
        database, clients = build_worker_database(settings), {f"{province.code}0000": province.credentials}
        objects = build_objects(settings, province.vault, s3_of(settings))
        async with _working(province.temporal, database, province.vault, objects, clients, settings):
            yield
        await database.dispose()

    return lambda build: province.portal.wrap_async_context_manager(working(build))


async def _end_runs(environment: Mapping[str, str]) -> None:
    client = await connect(environment)
    async for run in client.list_workflows("ExecutionStatus = 'Running'"):
        with suppress(RPCError):  # it has ended meanwhile
            await client.get_workflow_handle(run.id).terminate()


@pytest.fixture
def province_code(portal: BlockingPortal, provinces: Provinces, temporal_environment: Mapping[str, str]) -> str:
    """Before anything that knows the simulator: the next code may be a new simulator's first."""
    return provinces.next_code(partial(portal.call, _end_runs, temporal_environment))


@pytest.fixture
def door(portal: BlockingPortal, provinces: Provinces, province_code: str) -> Iterator[Door]:
    """Asked for beside `province`: its worker reaches the platform through this door only."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Door]:
        door = Door(provinces.platform.url)
        async with serving(door) as door.url:
            yield door
            await door.close()

    with portal.wrap_async_context_manager(opened()) as running:
        yield running


@pytest.fixture
def province(
    request: pytest.FixtureRequest,
    servers: Stack,
    database_url: str,
    tmp_path: Path,
    s3_settings: Access,
    temporal_environment: Mapping[str, str],
    portal: BlockingPortal,
    provinces: Provinces,
    province_code: str,
) -> Iterator[Province]:
    """A whole province; settings by `@pytest.mark.parametrize("province", [{...}], indirect=True)`."""
    knobs = _knobs(province_code, temporal_environment) | getattr(request, "param", {})
    settings = settings_for(database_url, tmp_path, s3_settings, **knobs)
    door = request.getfixturevalue("door").url if "door" in request.fixturenames else provinces.platform.url
    with _open(province_code, settings, provinces.platform, door, portal) as running:
        yield running
        if request.node.get_closest_marker("helped") is None:
            running.check_wakeups()


@pytest.fixture(scope="module")
def shared_province(
    servers: Stack,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    s3_settings: Access,
    temporal_environment: Mapping[str, str],
    portal: BlockingPortal,
    provinces: Provinces,
) -> Iterator[Province]:
    """One province for all tests of a module: each takes a county, and people, of its own."""
    name, folder = databases.take(), tmp_path_factory.mktemp("province")
    code = provinces.next_code(partial(portal.call, _end_runs, temporal_environment))
    # whoever signs in does so from this machine
    knobs = _knobs(code, temporal_environment) | {"citizen_logins_per_address_hour": 1_000}
    settings = settings_for(servers.layout.cluster.url(name), folder, s3_settings, **knobs)
    with _open(code, settings, provinces.platform, provinces.platform.url, portal) as running:
        yield running
        running.check_wakeups()
    databases.give_back(name)


def _knobs(code: str, temporal_environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        **{name.lower(): value for name, value in temporal_environment.items()},
        "temporal_task_queue": f"province-{code}",
        "worker_grace_seconds": 10,
        "platform_timeout_seconds": 5,
        "citizen_province_code": f"{code}0000",
        "citizen_cookies_secure": False,
        "platform_busy_retry_seconds": 0.3,
        "fund_natures": FUND_NATURES,
    }


@contextmanager
def _open(code: str, settings: Settings, platform: Platform, door: str, portal: BlockingPortal) -> Iterator[Province]:
    """The books and trails must be right when it closes."""
    running = portal.wrap_async_context_manager(_running(code, settings, platform, door, portal))
    with pytest.MonkeyPatch.context() as patched, running as province:
        patched.setattr(people, "LOOK_EVERY_SECONDS", LOOK_EVERY_SECONDS)
        yield province
        province.check()
        province.check_trails()


@asynccontextmanager
async def _running(
    code: str, settings: Settings, platform: Platform, door: str, portal: BlockingPortal
) -> AsyncIterator[Province]:
    tokens.create_token_key_file(settings.token_key_file)
    create_vault_key_file(settings.vault_key_file)
    database, workers = build_database(settings), build_worker_database(settings)
    vault = LocalVault.from_file(settings.vault_key_file)
    objects = build_objects(settings, vault, s3_of(settings))
    credentials = _credentials(code, door)
    client = await connect(settings.temporal_environment)
    clients = {f"{code}0000": credentials}
    staff = Staff(settings.database_url.get_secret_value(), vault, settings.token_key_file)
    app = create_app(database, vault, objects, settings, tokens.load_key(settings.token_key_file), client, clients)
    try:
        async with (
            serving(HeldToContract(app)) as address,
            _working(client, workers, vault, objects, clients, settings),
        ):
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
                yield Province(
                    code, address, settings, database, vault, credentials, platform, portal, client, http, staff
                )
    finally:
        staff.close()
        await database.dispose()
        await workers.dispose()


@asynccontextmanager
async def _working(
    client: Client,
    database: Database,
    vault: LocalVault,
    objects: ObjectStore,
    clients: Mapping[str, PlatformCredentials],
    settings: Settings,
) -> AsyncIterator[None]:
    async with httpx.AsyncClient(trust_env=False, timeout=settings.platform_timeout_seconds, verify=NO_TLS) as http:
        hands = activities_of(database, vault, objects, http, clients, settings)
        async with at_work(build_workers(client, settings, hands)):
            yield


def _credentials(code: str, door: str) -> PlatformCredentials:
    return PlatformCredentials(
        base_url=f"{door}/v1",
        client_id=f"onecard-{code}0000",
        secrets=(SecretStr(secrets.token_urlsafe(32)),),
        callback_secrets=(SecretStr("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()),),
    )

"""Where the API is plugged together: clients are built here, routers included, relay and watch started."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any, cast

import boto3
import httpx
import uvicorn
import uvloop
from botocore.config import Config
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from joserfc.jwk import OctKey
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.routing import BaseRoute
from temporalio.client import Client

from api.counter.idempotency import Answered
from api.counter.parts import Parts
from api.near_routes import NearRoutes
from api.oidc.provider import OidcClient, Provider
from api.pages import refusing
from api.pages.door import Door
from api.pages.form_keys import FormKeys
from api.pages.quiet import Quiet
from api.pages.routes import ROUTERS as PAGES
from api.people.sessions import Sessions
from api.relay.canary import Canary
from api.relay.relay import Relay
from api.relay.watch import Watch
from api.routers import ROUTERS
from api.season.kept_pages import open_door
from api.server import docs, problems
from api.server.limits import BodyLimit
from api.server.open_requests import Admission
from api.server.openapi import describe
from api.server.protocol import bounded
from api.server.rendering import Rendered
from api.server.security_headers import SecurityHeaders
from models import fault_points, tokens
from models.gc_tuning import give_back_memory, tune_gc
from models.settings import Settings
from models.store.database import API_POOLS, BOUNDS, Database, Pool, engine_options
from models.store.database_role import leave_if_unfit, unfit_role
from models.store.objects import S3, S3_CONFIG_FOR_PEOPLE, ObjectStore, s3_arguments
from models.store.vault import LocalVault, Vault
from models.this_machine import require_this_machine
from models.wire.signing import PlatformCredentials, parse_clients
from models.words import counties
from workflows.certificates import follow_certificates
from workflows.client import connect

TITLE, VERSION = "一卡通对接", "1"
_API = (docs.router, *ROUTERS)


def create_app(
    database: Database,
    vault: Vault,
    objects: ObjectStore,
    settings: Settings,
    token_key: OctKey,
    temporal_client: Client | None,
    clients: Mapping[str, PlatformCredentials] | None = None,
) -> FastAPI:
    """The app; without a Temporal client nothing is carried: rows wait for an API that has one."""
    counties.overlay(settings.county_names)
    relay = Relay(database.pool(Pool.RELAY), vault, settings, temporal_client) if temporal_client else None
    # With the scripts and styles of the documentation page.
    app = FastAPIOffline(None, None, title=TITLE, version=VERSION, lifespan=_lifespan)
    app.openapi = openapi  # type: ignore[method-assign]
    provider = _provider(settings)
    canary = Canary(settings, namespace) if (namespace := settings.temporal_canary_namespace) else None
    app.state.parts = Parts(
        database, vault, objects, settings, token_key, clients or {}, temporal_client, relay, provider, canary
    )
    app.state.open_door = open_door(app.state.parts.stages, settings)
    app.state.door = _door(app, app.state.parts)
    problems.install(app)
    refusing.install(app)
    app.add_exception_handler(Answered, _on_answered)
    app.router.routes.append(_near_routes())
    _guard(app, settings, token_key)
    return app


def _guard(app: FastAPI, settings: Settings, token_key: OctKey) -> None:
    """What stands around every route, the innermost first."""
    app.add_middleware(BodyLimit, settings.upload_max_mib, token_key, settings.request_seconds, app.state.door.knows)
    app.add_middleware(refusing.ProblemPages)
    app.add_middleware(Admission)
    app.add_middleware(SecurityHeaders, https_only=settings.citizen_cookies_secure)


def _provider(settings: Settings) -> Provider | None:
    """Whom staff sign in with, where that is set; asked rarely, so no connection is kept open."""
    if settings.oidc_issuer is None:
        return None
    assert settings.oidc_client_id is not None
    assert settings.oidc_client_secret is not None
    assert settings.oidc_redirect_url is not None
    secret = settings.oidc_client_secret.get_secret_value()
    known = OidcClient(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_redirect_url, secret)
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=0)
    http = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(5.0), follow_redirects=False, limits=limits)
    return Provider(http, known)


def _door(app: FastAPI, parts: Parts) -> Door:
    """The pages ask this app as the person of a session, and know nothing else."""
    sessions = Sessions(parts)
    return Door(
        app=app,
        who=sessions.who,
        token=sessions.token,
        form_keys=FormKeys(parts.vault.digest),
        cookies_secure=parts.settings.citizen_cookies_secure,
        quiet=Quiet(parts.stages),
        start_page=parts.settings.start_page_url or "",
    )


@cache
def _routes() -> Sequence[BaseRoute]:
    """FastAPI works an included router's routes out at its first request, 0.15 s: once for all apps of a process."""
    together = APIRouter()
    for router in _API:
        together.include_router(router, default_response_class=Rendered)
    for pages in PAGES:
        together.include_router(pages)
    return together.routes


@cache
def _near_routes() -> NearRoutes:
    paths = ([getattr(route, "path", "") for route in router.routes] for router in (*_API, *PAGES))
    return NearRoutes(zip(_routes(), paths, strict=True))


@cache
def openapi() -> dict[str, Any]:
    """The contract of all apps of a process, written when somebody first asks for it."""
    return describe(TITLE, VERSION, _routes())


def _on_answered(_: Request, answered: Exception) -> Response:
    assert isinstance(answered, Answered)
    return answered.response


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    runners = []
    if parts.relay is not None and parts.temporal is not None:
        watch = Watch(parts.database.pool(Pool.RELAY), parts.vault, parts.settings, parts.temporal)
        given, both = parts.settings.temporal_environment, (parts.relay, watch)
        works = [parts.relay.run(), watch.run(), follow_certificates(given, partial(_hand_on, both))]
        if parts.canary is not None:
            works.append(parts.canary.run())
        runners = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for runner in runners:
            runner.cancel()
        for runner in runners:
            with contextlib.suppress(asyncio.CancelledError):
                await runner
        await parts.drawing.close()
        if parts.provider is not None:
            await parts.provider.close()


def _hand_on(those: Iterable[Relay | Watch], client: Client) -> None:
    for one in those:
        one.client = client


async def _temporal(settings: Settings) -> Client:
    """Lazy: callbacks and orders are taken while Temporal is down, the relay connects when it can."""
    return await connect(settings.temporal_environment, lazy=True)


def build_database(settings: Settings) -> Database:
    """A pool per kind of work: callbacks and health never wait behind what people ask for."""
    url = settings.database_url.get_secret_value()
    options = engine_options(settings, *API_POOLS)
    return Database.of_pools({kind: create_async_engine(url, **given) for kind, given in options.items()})


def build_s3(settings: Settings) -> S3:
    client = boto3.client("s3", config=Config(**S3_CONFIG_FOR_PEOPLE), **s3_arguments(settings))
    # typed by boto3's stubs as keyword dictionaries, which no protocol with named arguments fits
    return cast(S3, client)


def build_objects(settings: Settings, vault: Vault, s3: S3) -> ObjectStore:
    return ObjectStore(s3, settings.s3_bucket, vault, BOUNDS[Pool.DESK].wait_seconds)


def _keep_to_this_machine(settings: Settings, clients: Mapping[str, PlatformCredentials]) -> None:
    """What the local stack alone may have."""
    fault_points.arm(settings, clients)
    if settings.start_page_url is not None:
        require_this_machine("START_PAGE_URL", settings, clients)


async def serve(settings: Settings) -> None:
    database = build_database(settings)
    vault = LocalVault.from_file(settings.vault_key_file)
    clients = parse_clients(settings.platform_clients_file.read_bytes())
    _keep_to_this_machine(settings, clients)
    app = create_app(
        database,
        vault,
        build_objects(settings, vault, build_s3(settings)),
        settings,
        tokens.load_key(settings.token_key_file),
        await _temporal(settings),
        clients,
    )
    server = uvicorn.Server(_config(app, settings))
    role = asyncio.create_task(unfit_role(database, partial(setattr, server, "should_exit", True)))
    try:
        await server.serve()
    finally:
        await database.dispose()
    leave_if_unfit(role)


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    # Access lines name addresses and nothing of use; refusals and errors are logged where they happen.
    # X-Forwarded-For is believed from the proxies named in the settings only, by default from none: limits count by it.
    return uvicorn.Config(
        app,
        settings.api_host,
        settings.api_port,
        access_log=False,
        server_header=False,
        http=bounded(settings.request_seconds),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or "127.0.0.1",
    )


def main() -> None:
    """Settings come from the environment, once."""
    tune_gc()
    give_back_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Settings()))


if __name__ == "__main__":
    main()

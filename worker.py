"""The worker: builds the clients, plugs activities into workflows, and runs until it is told to stop."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, cast

import boto3
import httpx
import uvloop
from botocore.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.after_end import AfterEndActivities
from activities.cards import CardActivities
from activities.catalogs import CatalogActivities
from activities.checks import CheckActivities
from activities.datasets import DatasetActivities
from activities.entries import VillageEntryActivities
from activities.evidence import EvidenceActivities
from activities.failures import SafeFailures
from activities.flows import FlowActivities
from activities.imports import ApplicationImports
from activities.intake.loads import LoadActivities
from activities.lists import ListActivities
from activities.logins import FaceLoginActivities
from activities.orders import OrderActivities
from activities.platform.asking import AskingActivities
from activities.platform.client import PlatformClient
from activities.platform.files import PlatformFiles
from activities.platform.pauses import SharedPauses
from activities.platform.rows_journal import PostgresJournal
from activities.platform.trial import TrialActivities
from activities.policies import ReviewActivities
from activities.trail_heads import TrailActivities
from models import fault_points
from models.contracts import Queue
from models.gc_tuning import give_back_memory, tune_gc
from models.settings import Settings
from models.store.database import WORKER_POOLS, Database, Pool, engine_options
from models.store.database_role import leave_if_unfit, unfit_role
from models.store.objects import S3, S3_CONFIG, ObjectStore, s3_arguments
from models.store.vault import LocalVault, Vault
from models.wire.signing import PlatformCredentials, parse_clients
from models.words import counties
from workflows.canary_worker import keep_canary
from workflows.certificates import follow_certificates, trouble_with
from workflows.client import connect
from workflows.options import BEATS_PASS, LIMITS, STICKY_TIMEOUT
from workflows.registered import WORKFLOWS
from workflows.schedules import keep_schedules, schedules_of
from workflows.versions import Identified, identified, runner_of, take_turn

RECONNECT_SECONDS = 2.0
# Turns are Python: more threads than can run would only each keep their own memory.
TURN_THREADS = 4


def build_database(settings: Settings) -> Database:
    """A pool per kind of work: a flow's look never waits behind a whole dataset."""
    url = settings.database_url.get_secret_value()
    options = engine_options(settings, *WORKER_POOLS)
    return Database.of_pools({kind: create_async_engine(url, **given) for kind, given in options.items()})


def activities_of(
    database: Database,
    vault: Vault,
    objects: ObjectStore,
    http: httpx.AsyncClient,
    clients: Mapping[str, PlatformCredentials],
    settings: Settings,
) -> list[Callable[..., Any]]:
    """All activities with their clients, ready for a worker."""
    platform = PlatformClient(
        http,
        clients,
        PostgresJournal(database, vault),
        SharedPauses(database),
        total_seconds=settings.platform_total_seconds,
    )
    return [
        *_subsidy_activities(database, vault, objects, platform, settings),
        *_card_activities(database, vault, objects, platform, settings),
        AskingActivities(database, vault, platform).ask_platform,
        TrialActivities(database, platform).try_platform,
        TrailActivities(database, vault, objects).sign_heads,
        AfterEndActivities(database, vault, settings).apply_after_end,
    ]


def _subsidy_activities(
    database: Database, vault: Vault, objects: ObjectStore, platform: PlatformClient, settings: Settings
) -> list[Callable[..., Any]]:
    bulk = database.pool(Pool.BULK)
    files = PlatformFiles(bulk, objects, platform)
    reviews = ReviewActivities(database, vault, platform, files, settings)
    lists = ListActivities(database, vault, settings)
    datasets = DatasetActivities(bulk, vault, platform, files, settings)
    flows = FlowActivities(database, vault, platform, files, settings)
    orders = OrderActivities(database, vault, platform)
    evidence = EvidenceActivities(bulk, platform, files)
    return [
        ApplicationImports(bulk, vault, objects).import_applications,
        CatalogActivities(bulk, platform).refresh_catalogs,
        *(reviews.submit_policy, reviews.submit_indicator, reviews.look_at_review),
        *(lists.prepare_list, lists.ask_for_slot, lists.look_at_list),
        *(datasets.push_dataset, datasets.commit_dataset, datasets.hand_over),
        *(flows.look_at_flow, flows.start_flow, flows.call_off, flows.submit_summary, flows.confirm_payment),
        *(orders.open_round, orders.open_ordered_round, orders.withdraw_lines, orders.cancel_flow),
        *(evidence.list_missing_photos, evidence.send_evidence),
    ]


def _card_activities(
    database: Database, vault: Vault, objects: ObjectStore, platform: PlatformClient, settings: Settings
) -> list[Callable[..., Any]]:
    cards = CardActivities(database, vault, platform, settings)
    logins = FaceLoginActivities(database, vault, platform, settings)
    checks = CheckActivities(database.pool(Pool.BULK), vault, platform)
    entries = VillageEntryActivities(database, vault, platform, settings)
    loads = LoadActivities(database.pool(Pool.BULK), vault, objects, platform)
    return [
        *(cards.validate_request, cards.look_at_card, cards.apply_part, cards.apply_invalidation),
        *(logins.open_face_session, logins.ask_face_session, logins.look_at_login),
        *(checks.begin_round, checks.fetch_invalidations, checks.read_invalidations, checks.check_page),
        *(entries.validate_entry, entries.apply_entry, entries.ask_about_entry, entries.look_at_entry),
        *(loads.look_at_load, loads.check_load, loads.ask_bank_of_load, loads.take_load),
    ]


def build_workers(client: Client, settings: Settings, activities: list[Callable[..., Any]]) -> list[Worker]:
    """One for each queue that this process takes (WORKER_QUEUES)."""
    grace = timedelta(seconds=settings.worker_grace_seconds)
    base = settings.temporal_task_queue
    code = identified(base, settings.worker_build_id)
    workers = [_runs_worker(client, settings, activities, code)] if Queue.RUNS in settings.queues else []
    return workers + [
        Worker(
            client,
            task_queue=queue.named(base),
            **code,
            activities=activities,
            interceptors=[SafeFailures()],
            graceful_shutdown_timeout=grace,
            max_concurrent_activities=limits.places,
            max_concurrent_activity_task_polls=limits.pollers,
            max_heartbeat_throttle_interval=BEATS_PASS,
        )
        for queue, limits in LIMITS.items()
        if queue in settings.queues
    ]


def _runs_worker(client: Client, settings: Settings, activities: list[Callable[..., Any]], code: Identified) -> Worker:
    """The runs' own turns with the looks in them."""
    return Worker(
        client,
        task_queue=settings.temporal_task_queue,
        **code,
        workflows=WORKFLOWS,
        activities=activities,
        no_remote_activities=True,
        workflow_runner=runner_of(settings.worker_build_id),
        workflow_task_executor=ThreadPoolExecutor(TURN_THREADS, thread_name_prefix="turn"),
        interceptors=[SafeFailures()],
        graceful_shutdown_timeout=timedelta(seconds=settings.worker_grace_seconds),
        max_concurrent_local_activities=100,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


@contextlib.asynccontextmanager
async def at_work(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """They end side by side: the grace of one isn't spent while another still takes work."""
    async with contextlib.AsyncExitStack() as running:
        for worker in workers:
            await running.enter_async_context(worker)
        try:
            yield
        finally:
            await asyncio.gather(*(worker.shutdown() for worker in workers))


@contextlib.asynccontextmanager
async def _beside(
    client: Client, settings: Settings, clients: Mapping[str, PlatformCredentials], workers: Sequence[Worker]
) -> AsyncIterator[None]:
    """What the process does beside its queues: the clock's runs, certificates that are replaced, the canary."""
    environment, queue = settings.temporal_environment, settings.temporal_task_queue
    wanted = schedules_of(sorted(clients), queue, settings.account_check_hours, settings.invalidations_hours)
    tasks = [
        asyncio.create_task(keep_schedules(client, wanted)),
        asyncio.create_task(follow_certificates(environment, partial(_hand_on, workers))),
        asyncio.create_task(keep_canary(environment, settings.temporal_canary_namespace, queue)),
        asyncio.create_task(take_turn(workers, queue, settings.worker_build_id)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; calls under way get their grace."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    counties.overlay(settings.county_names)
    database = build_database(settings)
    vault = LocalVault.from_file(settings.vault_key_file)
    s3 = boto3.client("s3", config=Config(**S3_CONFIG), **s3_arguments(settings))
    objects = ObjectStore(cast(S3, s3), settings.s3_bucket, vault)
    clients = parse_clients(settings.platform_clients_file.read_bytes())
    fault_points.arm(settings, clients)
    timeout = httpx.Timeout(settings.platform_timeout_seconds, connect=5.0)
    role = asyncio.create_task(unfit_role(database, stop.set))
    # the queues' places bound how many calls are open at once: a pool of connections would bind them together again
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(trust_env=False, timeout=timeout, limits=limits, follow_redirects=False) as http:
        client = await _connect(settings, stop)
        if client is not None:
            workers = build_workers(client, settings, activities_of(database, vault, objects, http, clients, settings))
            async with _beside(client, settings, clients, workers), at_work(workers):
                print("worker is ready", flush=True)
                await stop.wait()
    await database.dispose()
    leave_if_unfit(role)


def _hand_on(workers: Sequence[Worker], client: Client) -> None:
    """What they poll and answer with from now on; polls under way end by themselves."""
    for worker in workers:
        worker.client = client


async def _connect(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Wait for Temporal as long as it takes; None when told to stop meanwhile."""
    if settings.metrics_address:
        Runtime.set_default(
            Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=settings.metrics_address)))
        )
    while not stop.is_set():
        try:
            return await connect(settings.temporal_environment)
        except (RPCError, RuntimeError, OSError, ValueError) as error:
            trouble = await trouble_with(settings.temporal_environment)
            print(f"Temporal is not there yet: {trouble or type(error).__name__}", flush=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)
    return None


def main() -> None:
    tune_gc()
    give_back_memory()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(Settings()))


if __name__ == "__main__":
    main()

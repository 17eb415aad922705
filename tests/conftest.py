"""Real servers for every test: started once per session, and only when a test asks for them."""

import gc

# Nothing of what is imported goes away: looking through it all again and again takes a quarter of the imports' time.
gc.disable()

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from functools import cache
from itertools import count
from pathlib import Path
from types import FrameType

import certifi
import psutil
import psycopg
import pytest
import uvloop
from hypothesis import configuration
from lxml.cssselect import CSSSelector
from sqlalchemy import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from deploy.stack import Options, Stack, StackError, postgres, temporal
from deploy.stack.objects import Access
from deploy.stack.processes import end_leftovers
from models.gc_tuning import tune_gc
from models.store.lock_order import strictness
from tests.browser import IN_CHROMIUM
from tests.contract import lies
from tests.databases import Databases, deadlocks_in, staged_deadlocks
from tests.engines import create_async_engine
from tests.fork_server import Launcher
from tests.migrating import migrate
from workflows.client import connect

ROOT = Path(__file__).resolve().parents[1]
STACKS = ROOT / "var" / "tests"
# Three minutes each as a rule, of which a test sees none.
SOON_DRAINED = {
    "matching.wv.VersionDrainageStatusVisibilityGracePeriod": "1s",
    "matching.wv.VersionDrainageStatusRefreshInterval": "1s",
}

configuration.set_hypothesis_home_dir(ROOT / "var" / "cache" / "hypothesis")

# What only the log would tell an operator ends a test.
strictness.raises = True

_numbers = count(1)
# What no server of tests has, and every connection would ask for first.
os.environ |= {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}

# Long files whose names come late: begun last, one of them would keep one process busy while two have nothing to do.
_EARLY = (
    "test_tries",
    "test_unreadable_values",
    "test_walk",
    "test_watch",
    "test_stack_programs",
    "test_stack_commands",
)


if IN_CHROMIUM:
    from tests.chromium import started
    from tests.window import Window

    # Journeys that are made once more in these ways (CONSOLE 2.9, journey 30).
    _WAYS = {"keyboard": {5, 8, 20, 24}, "plain": {5, 8, 11, 24}}
    # These alone, where the run names some.
    _ASKED = {int(number) for number in os.environ.get("ONECARD_JOURNEYS", "").split(",") if number}

    @pytest.fixture(scope="session", autouse=True)
    async def browser_program() -> AsyncIterator[None]:
        async with started():
            yield

    def _journeys(item: pytest.Item) -> set[int]:
        return {number for mark in item.iter_markers("journey") for number in mark.args}

    def _is_asked(item: pytest.Item) -> bool:
        if _ASKED:
            return bool(_journeys(item) & _ASKED)
        return bool(_journeys(item)) or item.path.stem.startswith("chromium")

    def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
        numbers = _journeys(metafunc.definition)
        if numbers and not metafunc.definition.path.stem.startswith("chromium"):
            also = [name for name, journeys in _WAYS.items() if journeys & numbers]
            metafunc.parametrize("way", ["mouse", *also], indirect=True)

    @pytest.fixture(autouse=True)
    def way(request: pytest.FixtureRequest) -> Iterator[None]:
        """How those at the windows of this test work them."""
        Window.way = getattr(request, "param", "mouse")
        yield
        Window.way = "mouse"

else:

    def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        """The loop of worker and API."""
        return {"uvloop": uvloop.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM is as Ctrl-C, which reaches all processes of a run: one that is killed leaves its servers behind."""
    shared_out = bool(config.getoption("numprocesses", None))

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for one in psutil.Process().children() if shared_out else ():
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if IN_CHROMIUM:
        chosen = [item for item in items if _is_asked(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
    items.sort(key=lambda item: item.path.stem not in _EARLY)


def pytest_collection_finish() -> None:
    """All is imported now: looking through every module again and again took a fifth of the tests' own time."""
    tune_gc()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def forked_programs() -> Iterator[None]:
    """A program's imports cost more than what most tests do with it: done once, then forked.

    The migration, which ends by itself, runs here.
    """
    launcher = Launcher()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("deploy.stack.stack.launch", launcher)
        patched.setattr("deploy.stack.programs.migrate", migrate)
        yield
    launcher.close()


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Reading all certificate authorities takes 40 ms of every HTTP client, and nobody here speaks TLS: one will do."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    bundle = tmp_path_factory.mktemp("authorities") / "one.pem"
    bundle.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(certifi, "where", lambda: str(bundle))
        yield


@pytest.fixture(scope="session", autouse=True)
def what_was_compiled_is_kept() -> Iterator[None]:
    """Statements, and what is looked for in pages: else each engine, and each `cssselect`, compiles anew."""
    with pytest.MonkeyPatch.context() as patched:
        for place in ("api.main", "worker"):
            patched.setattr(f"{place}.create_async_engine", create_async_engine)
        patched.setattr("lxml.cssselect.CSSSelector", cache(CSSSelector))
        yield


@pytest.fixture(scope="session")
def servers(forked_programs: None) -> Iterator[Stack]:
    """The session's own stack, nothing started yet: the fixtures below start what they need."""
    STACKS.mkdir(parents=True, exist_ok=True)
    _sweep()
    options = Options(durable=False, temporal_config=SOON_DRAINED)
    with Stack(STACKS / f"session-{os.getpid()}", options) as stack:
        yield stack
    # of databases that were dropped too, which have taken their own count along
    found = deadlocks_in(stack)
    stack.remove()
    assert found == staged_deadlocks.total(), f"{found} deadlocks in the server's log"


@pytest.fixture(autouse=True)
def answers_keep_to_the_contract() -> Iterator[None]:
    yield
    found = sorted(set(lies))
    lies.clear()
    assert not found, "\n".join(found)


@pytest.fixture(scope="session")
def migrated_template(servers: Stack) -> str:
    """Name of a database at the newest revision, to be copied."""
    servers.start("postgres")
    servers.create_migrated_database("migrated")
    return "migrated"


@pytest.fixture
def empty_database_url(servers: Stack) -> Iterator[str]:
    """A database of this test's own, without tables."""
    servers.start("postgres")
    name = f"empty_{next(_numbers)}"
    yield servers.create_database(name)
    servers.drop_database(name)


@pytest.fixture(scope="session")
def databases(servers: Stack, migrated_template: str) -> Iterator[Databases]:
    with closing(Databases(servers, migrated_template)) as made:
        yield made


@pytest.fixture
def database_url(request: pytest.FixtureRequest, servers: Stack, databases: Databases) -> Iterator[str]:
    """A database of this test's own, at the newest revision, without rows, as worker and API use it."""
    servers.start("postgres")
    name = databases.make_unseen() if request.node.get_closest_marker("unseen") else databases.take()
    yield servers.layout.cluster.url(name)
    databases.give_back(name)


@pytest.fixture
def owner(servers: Stack, database_url: str) -> Iterator[psycopg.Connection]:
    """The tables' owner at this test's database, each statement committed by itself."""
    with servers.layout.cluster.connect(str(make_url(database_url).database), postgres.OWNER) as connection:
        yield connection


@pytest.fixture(scope="session")
def temporal_environment(servers: Stack) -> Mapping[str, str]:
    """The session's Temporal by the SDK's own names, namespace `temporal.NAMESPACE`; use a task queue of your own."""
    servers.start("temporal")
    return servers.layout.temporal.environment


@pytest.fixture
async def temporal_client(temporal_environment: Mapping[str, str]) -> Client:
    return await connect(temporal_environment)


@pytest.fixture(scope="session")
def s3_settings(servers: Stack) -> Access:
    """The session's object store with its bucket; use keys of your own."""
    servers.start("s3")
    return servers.layout.objects.access


@pytest.fixture
async def time_skipping_env() -> AsyncIterator[WorkflowEnvironment]:
    """A server that jumps over timers while a result is awaited (not while an update is)."""
    program = temporal.find_program("temporal-test-server")
    if program is None:
        raise StackError("没有找到 temporal-test-server。请运行 make venv 重新安装。")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), data_converter=pydantic_data_converter
    ) as env:
        yield env


@pytest.fixture
def stack_factory(forked_programs: None) -> Iterator[Callable[..., Stack]]:
    """Whole stacks of this test's own: `stack_factory(faults="lost=0.1", env={...})`, started and with a fresh home.

    `parts=("postgres",)` starts only these; `parts=()` nothing.
    """
    with ExitStack() as stacks:

        def make(parts: tuple[str, ...] | None = None, **options: object) -> Stack:
            home = STACKS / f"stack-{os.getpid()}-{next(_numbers)}"
            stack = Stack(home, Options(**({"durable": False} | options)))  # type: ignore[arg-type]
            stacks.callback(_remove, stack)
            stacks.enter_context(stack)
            if parts is None:
                stack.start()
            elif parts:
                stack.start(*parts)
            return stack

        yield make


def _remove(stack: Stack) -> None:
    found = deadlocks_in(stack)
    stack.remove()
    assert not found, f"{found} deadlocks in the log of a stack"


def _sweep() -> None:
    """What killed sessions left: their processes, then their folders.

    A folder's name says whose it is: a session beside this one may have made its folder, and written nothing in it yet.
    """
    end_leftovers(STACKS)
    for home in STACKS.glob("*-*"):
        if not psutil.pid_exists(int(home.name.split("-")[1])):
            shutil.rmtree(home, ignore_errors=True)

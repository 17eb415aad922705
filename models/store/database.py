"""The database: sessions over psycopg, bulk rows by COPY."""

import select
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar, cast

import psycopg
import structlog
from psycopg import AsyncConnection
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import AsyncAdapt_psycopg_connection
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.pool import QueuePool
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Places
from models.settings import Settings
from models.store.transaction import begin, finish
from models.tables.base import CLOCK
from models.tables.metadata import metadata as _every_table  # noqa: F401 - a foreign key must find its target
from models.wire.vocabulary import only_known_words, show_unknown_words

_LOG = structlog.get_logger()
DEADLOCK, LOCK_TIMEOUT, STATEMENT_TIMEOUT = "40P01", "55P03", "57014"
Result = TypeVar("Result")
Work = Callable[[AsyncSession], Awaitable[Result]]


class Pool(StrEnum):
    """A kind of work with connections of its own: it never waits behind another kind."""

    CALLBACKS = "callbacks"  # what the platform and a balancer ask
    DESK = "desk"  # acts and answers of people
    EXPORTS = "exports"  # whole lists
    RELAY = "relay"  # relay and watch, the listener's lasting connection among them
    LOOKS = "looks"  # the worker's turns
    BULK = "bulk"  # the worker's whole datasets and files


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a process's connections a kind of work has, and how long it waits: for one, for a lock, for a row."""

    share: float
    least: int
    wait_seconds: float
    lock_seconds: float
    statement_seconds: float


BOUNDS: Mapping[Pool, Bounds] = {
    Pool.CALLBACKS: Bounds(0.25, 3, wait_seconds=1.5, lock_seconds=2, statement_seconds=5),
    # acts of people have longer, see `locking.begin_act`: this is what they read and small changes
    Pool.DESK: Bounds(0.4, 5, wait_seconds=1.0, lock_seconds=5, statement_seconds=20),
    Pool.EXPORTS: Bounds(0.125, 2, wait_seconds=1.0, lock_seconds=5, statement_seconds=300),
    # one listens, one routes, two deliver; the watch, which holds its lock while it works, takes turns with them
    Pool.RELAY: Bounds(0.2, 5, wait_seconds=30, lock_seconds=10, statement_seconds=60),
    # a look may wait for another one of its run, or for an act on a hundred thousand lines
    Pool.LOOKS: Bounds(0.7, 10, wait_seconds=30, lock_seconds=30, statement_seconds=120),
    Pool.BULK: Bounds(0.3, 5, wait_seconds=30, lock_seconds=60, statement_seconds=600),
}
# Of the connections of people's work, so much may be one county's.
COUNTY_SHARE = 0.7
# The first takes what the others leave.
API_POOLS = (Pool.DESK, Pool.CALLBACKS, Pool.EXPORTS, Pool.RELAY)
WORKER_POOLS = (Pool.LOOKS, Pool.BULK)
# Disks turn no more, and indexes lie in memory: by the server's default of 4 a county's page walks through everybody's.
# What people ask is answered sooner than a plan of a dozen parts is compiled. An act on twenty thousand lines shows its
# triggers each of them before and after: by the server's default of 4 MiB they would go through files.
_PLANNING = {"random_page_cost": 1.1, "jit": "off", "work_mem": "64MB"}
# The connection used last is used next: it has its statements prepared.
ENGINE_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,
    "pool_recycle": 1800,
    "pool_use_lifo": True,
}


def pool_sizes(total: int, first: Pool, *others: Pool) -> dict[Pool, int]:
    """`total` connections of one process, divided; together never more."""
    sizes = {kind: max(BOUNDS[kind].least, int(total * BOUNDS[kind].share)) for kind in others}
    return {first: total - sum(sizes.values()), **sizes}


def engine_options(settings: Settings, *kinds: Pool) -> dict[Pool, dict[str, Any]]:
    """Options for `create_async_engine`, one engine per kind of work: error texts never show row values.

    No connection is opened for a moment's need: signing in takes longer than waiting for one that is there.
    """
    sizes = pool_sizes(settings.database_pool_size, *kinds)
    return {kind: options_of(BOUNDS[kind], size) for kind, size in sizes.items()}


def options_of(bounds: Bounds, size: int) -> dict[str, Any]:
    pool = {"pool_size": size, "max_overflow": 0, "pool_timeout": bounds.wait_seconds}
    return {**ENGINE_OPTIONS, **pool, "connect_args": {"options": _server_settings(bounds)}}


def _server_settings(bounds: Bounds) -> str:
    """Said when a connection is opened, so that no statement has to."""
    limits = {"statement_timeout": bounds.statement_seconds, "lock_timeout": bounds.lock_seconds}
    said = {**_PLANNING, **{name: int(seconds * 1000) for name, seconds in limits.items()}}
    return " ".join(f"-c {name}={value}" for name, value in said.items())


class Database:
    """Opens transactions on one pool of connections, and knows those of the process's other kinds of work."""

    def __init__(self, engine: AsyncEngine, others: Mapping[Pool, "Database"] | None = None) -> None:
        self.engine = engine
        self._others = others or {}
        self._shares: dict[str, Places] = {}
        self.share: Places | None = None
        self.shows = False
        event.listen(engine.sync_engine, "connect", _read_clock)
        event.listen(engine.sync_engine, "checkout", _discard_if_closed)
        event.listen(engine.sync_engine, "checkin", _write_if_the_server_lets)
        alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        moment = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._alone = async_sessionmaker(alone, class_=AsyncSession, expire_on_commit=False)
        self._moments = async_sessionmaker(moment, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    def of_pools(cls, engines: Mapping[Pool, AsyncEngine]) -> Self:
        """The first kind's, with the others beside it."""
        (_, first), *others = engines.items()
        return cls(first, {kind: Database(engine) for kind, engine in others})

    def pool(self, kind: Pool) -> "Database":
        """The connections of one kind of work; these, where it has none of its own."""
        return self._others.get(kind, self)

    def share_of(self, county: str) -> "Database":
        """These connections as one county has them: never all, so that the others' acts go on whatever it waits for."""
        if county not in self._shares:
            pool = cast(QueuePool, self.engine.pool)
            self._shares[county] = Places(max(2, int(pool.size() * COUNTY_SHARE)), pool.timeout())
        shared = copy(self)
        shared.share = self._shares[county]
        return shared

    def to_show(self) -> "Database":
        """These connections for who only looks: what a newer version has written is shown as far as it is known."""
        shown = copy(self)
        shown.shows = True
        return shown

    def _read(self) -> None:
        if self.shows:
            show_unknown_words()

    def _place(self) -> AbstractAsyncContextManager[None]:
        return self.share.one() if self.share else nullcontext()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on any error."""
        async with self._place(), self._sessions() as session, session.begin():
            begin(session)
            with only_known_words():
                yield session
            await finish(session)

    async def run(self, work: Work[Result]) -> Result:
        """The work in one transaction; once more in a fresh one where the database ended it for a deadlock."""
        try:
            async with self.transaction() as session:
                return await work(session)
        except (OperationalError, psycopg.OperationalError) as error:
            if sqlstate(error) != DEADLOCK:
                raise
            _LOG.warning("ended for a deadlock, done once more")
        async with self.transaction() as session:
            return await work(session)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One statement, or several that need not agree: each sees what is committed when it begins."""
        self._read()
        async with self._place(), self._alone() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Several statements that see one moment: what an answer says of a thing belongs together.

        It ends by a COMMIT: at a ROLLBACK the driver forgets every statement that is prepared on the connection.
        """
        self._read()
        async with self._place(), self._moments() as session, session.begin():
            yield session

    @asynccontextmanager
    async def writing_once(self) -> AsyncIterator[AsyncSession]:
        """For one statement that is committed by itself, two turns to the server cheaper than a transaction."""
        async with self._place(), self._alone() as session:
            yield session

    async def dispose(self) -> None:
        for database in (self, *self._others.values()):
            await database.engine.dispose()


def sqlstate(error: Exception) -> str | None:
    """PostgreSQL's own code of what went wrong."""
    code: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return code


def _read_clock(connection: DBAPIConnection, _record: object) -> None:
    """A new connection is rare: what is stored later is of one time, whatever this machine's clock says."""
    cursor = connection.cursor()
    cursor.execute("SELECT clock_timestamp()")
    CLOCK.set(cast("datetime", cast("tuple[object]", cursor.fetchone())[0]))
    cursor.close()
    connection.rollback()


def _discard_if_closed(connection: AdaptedConnection, _record: object, _proxy: object) -> None:
    """The server has hung up where something lies on an idle line: seen without a question to it."""
    driver = cast("AsyncConnection[tuple[object, ...]]", connection.driver_connection)
    line = select.poll()
    line.register(driver.pgconn.socket, select.POLLIN)
    if line.poll(0):
        raise DisconnectionError("the server has ended this connection")


def _write_if_the_server_lets(connection: AdaptedConnection | None, _record: object) -> None:
    """After a snapshot its connection would ask for READ WRITE ever after, past the no of a server without room."""
    adapted = cast("AsyncAdapt_psycopg_connection | None", connection)
    if adapted is not None and adapted.read_only is False:
        adapted.set_read_only(None)  # type: ignore[no-untyped-call]

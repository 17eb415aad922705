"""The database: sessions over psycopg, bulk rows by COPY."""

import select
from collections import namedtuple
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias, cast

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg import sql as compose
from psycopg.rows import RowMaker, no_result
from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings

Value = str | int | float | bool | datetime | date | bytes | Sequence[str] | Sequence[int] | None
# A named tuple: fields by the names of the statement's columns.
Row: TypeAlias = Any
_DIALECT = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]
# The connection used last is used next: it has its statements prepared.
ENGINE_OPTIONS: dict[str, bool | int] = {
    "hide_parameters": True,
    "pool_recycle": 1800,
    "pool_use_lifo": True,
}


def engine_options(settings: Settings) -> dict[str, bool | int]:
    """Options for `create_async_engine`: error texts never show row values.

    No connection is opened for a moment's need: signing in takes longer than waiting for one that is there.
    """
    return {**ENGINE_OPTIONS, "pool_size": settings.database_pool_size, "max_overflow": 0}


class Database:
    """Opens transactions; given its engine by worker or API."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        event.listen(engine.sync_engine, "checkout", _leave_dead_ones)
        alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        self._alone = async_sessionmaker(alone, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on any error."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Statements without a transaction around them: each sees what is committed when it begins."""
        async with self._alone() as session:
            yield session

    @asynccontextmanager
    async def writing_once(self) -> AsyncIterator[AsyncSession]:
        """For one statement that is committed by itself, two turns to the server cheaper than a transaction."""
        async with self._alone() as session:
            yield session

    async def dispose(self) -> None:
        await self.engine.dispose()


def _leave_dead_ones(connection: AdaptedConnection, _record: object, _proxy: object) -> None:
    """The server has hung up where something lies on an idle line: seen without a question to it."""
    driver = cast("AsyncConnection[tuple[object, ...]]", connection.driver_connection)
    line = select.poll()
    line.register(driver.pgconn.socket, select.POLLIN)
    if line.poll(0):
        raise DisconnectionError("the server has ended this connection")


async def execute(session: AsyncSession, statement: str, **values: Value) -> int:
    """Run one statement of SQL and give the number of rows it touched."""
    return (await _run(session, statement, values)).rowcount


async def fetch(session: AsyncSession, statement: str, **values: Value) -> Sequence[Row]:
    return await (await _run(session, statement, values)).fetchall()


async def fetch_one(session: AsyncSession, statement: str, **values: Value) -> Row | None:
    return await (await _run(session, statement, values)).fetchone()


async def fetch_int(session: AsyncSession, statement: str, **values: Value) -> int:
    """The single number that a statement gives; 0 for no row or NULL."""
    row = await fetch_one(session, statement, **values)
    return cast(int, row[0] or 0) if row is not None else 0


async def _run(session: AsyncSession, statement: str, values: Mapping[str, Value]) -> AsyncCursor[Row]:
    """On the session's own connection, straight through the driver: half the work of a way through the toolkit."""
    driver = await _driver(session)
    cursor = driver.cursor(row_factory=_named)
    try:
        await cursor.execute(_for_driver(statement), values)
    except psycopg.Error as error:
        raise await _in_words_of_the_toolkit(session, statement, error) from error
    return cursor


async def _driver(session: AsyncSession) -> AsyncConnection[Any]:
    connection = await (await session.connection()).get_raw_connection()
    return cast("AsyncConnection[Any]", connection.driver_connection)


@lru_cache(maxsize=1024)
def _for_driver(statement: str) -> bytes:
    """`:name` in the driver's writing."""
    return str(text(statement).compile(dialect=_DIALECT)).encode()


async def _in_words_of_the_toolkit(session: AsyncSession, statement: str, error: psycopg.Error) -> BaseException:
    """One family of errors, whichever way a statement went; a broken connection is not used again."""
    connection = await session.connection()
    if broken := (await _driver(session)).closed:
        await connection.invalidate(error)
    return cast(
        BaseException,
        DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken, dialect=_DIALECT
        ),
    )


def _named(cursor: AsyncCursor[Any]) -> RowMaker[Row]:
    """Rows are tuples whose fields have the columns' names; a name that can't be one, or comes again, is left out."""
    result = cursor.pgresult
    if result is None or not result.nfields:
        return no_result
    return _shape(*(result.fname(place) or b"" for place in range(result.nfields)))


@lru_cache(maxsize=1024)
def _shape(*columns: bytes) -> RowMaker[Row]:
    shape: Any = namedtuple("Row", [column.decode() for column in columns], rename=True)  # type: ignore[misc]
    return cast("RowMaker[Row]", shape._make)


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Put rows into a table by COPY within the session's transaction; gives their number."""
    driver = await _driver(session)
    command = compose.SQL("COPY {} ({}) FROM STDIN").format(
        compose.Identifier(table), compose.SQL(", ").join(compose.Identifier(column) for column in columns)
    )
    count = 0
    async with driver.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            await copy.write_row(row)
            count += 1
    return count


async def scratch(
    session: AsyncSession, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Value]], key: str = ""
) -> int:
    """A temporary table that lives as long as the transaction, filled by COPY, indexed by `key`."""
    body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    await execute(session, f"CREATE TEMPORARY TABLE {name} ({body}) ON COMMIT DROP")
    count = await copy_rows(session, name, list(columns), rows)
    if key:
        await execute(session, f"CREATE INDEX ON {name} ({key})")
    await execute(session, f"ANALYZE {name}")
    return count


async def lock(session: AsyncSession, key: str) -> None:
    """Hold a name until the transaction ends, so that two writers of one thing take turns."""
    await execute(session, "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=key)

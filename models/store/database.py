"""The database: sessions over psycopg, bulk rows by COPY."""

import select
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, cast

from psycopg import AsyncConnection
from psycopg import sql as compose
from sqlalchemy import CursorResult, Row, TextClause, event, text
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings

Value = str | int | float | bool | datetime | date | bytes | Sequence[str] | Sequence[int] | None
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


async def execute(session: AsyncSession, statement: str | TextClause, **values: Value) -> int:
    """Run one statement of SQL and give the number of rows it touched."""
    clause = text(statement) if isinstance(statement, str) else statement
    connection = await session.connection()
    result = cast("CursorResult[tuple[object]]", await connection.execute(clause, values))
    return result.rowcount


async def fetch(session: AsyncSession, statement: str, **values: Value) -> Sequence[Row[*tuple[Any, ...]]]:
    connection = await session.connection()
    return (await connection.execute(text(statement), values)).all()


async def fetch_one(session: AsyncSession, statement: str, **values: Value) -> Row[*tuple[Any, ...]] | None:
    connection = await session.connection()
    return (await connection.execute(text(statement), values)).first()


async def fetch_int(session: AsyncSession, statement: str, **values: Value) -> int:
    """The single number that a statement gives; 0 for no row or NULL."""
    row = await fetch_one(session, statement, **values)
    return cast(int, row[0] or 0) if row is not None else 0


async def copy_rows(session: AsyncSession, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Put rows into a table by COPY within the session's transaction; gives their number."""
    connection = await (await session.connection()).get_raw_connection()
    driver = cast(AsyncConnection[tuple[object, ...]], connection.driver_connection)
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

"""Statements of SQL within a session's transaction: rows with a shape, and many rows at once by COPY."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar, cast

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg import sql as compose
from psycopg.rows import AsyncRowFactory, RowMaker, tuple_row
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import ranks_of
from models.store.transaction import turns_of

Value = str | int | float | bool | datetime | date | bytes | Sequence[str] | Sequence[int] | None
Shape = TypeVar("Shape")
# After an ORDER BY that an index gives, whose entries are walked along then: an end that it doesn't know the planner
# takes for a tenth of all. Without it a table is read whole and the county's rows are picked out as soon as statistics,
# maybe old ones, say that they are most of it.
TO_THE_END = f"LIMIT (SELECT {2**62})"
_DIALECT = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]


async def execute(session: AsyncSession, statement: str, **values: Value) -> int:
    """Run one statement of SQL and give the number of rows it touched."""
    return (await _run(session, statement, values, tuple_row)).rowcount


async def fetch(session: AsyncSession, shape: type[Shape], statement: str, **values: Value) -> list[Shape]:
    """Rows as a NamedTuple whose fields are the statement's columns, or the one column as what it is (int, str ...).

    A statement whose columns are others than the shape's fields is a TypeError, not a wrong figure.
    """
    return await (await _run(session, statement, values, _rows_as(shape))).fetchall()


async def fetch_one(session: AsyncSession, shape: type[Shape], statement: str, **values: Value) -> Shape | None:
    return await (await _run(session, statement, values, _rows_as(shape))).fetchone()


async def fetch_int(session: AsyncSession, statement: str, **values: Value) -> int:
    """The single number that a statement gives; 0 for no row or NULL."""
    return await fetch_one(session, int, statement, **values) or 0


async def _run(
    session: AsyncSession, statement: str, values: Mapping[str, Value], rows: AsyncRowFactory[Shape]
) -> AsyncCursor[Shape]:
    """On the session's own connection, straight through the driver: half the work of a way through the toolkit."""
    driver = await _driver(session)
    turns = turns_of(session)
    for rank in ranks_of(statement):
        turns.take(rank)
    cursor = driver.cursor(row_factory=rows)
    try:
        await cursor.execute(_for_driver(statement), values)
    except psycopg.Error as error:
        raise await _as_sqlalchemy_error(session, statement, error) from error
    return cursor


async def _driver(session: AsyncSession) -> AsyncConnection[Any]:
    connection = await (await session.connection()).get_raw_connection()
    return cast("AsyncConnection[Any]", connection.driver_connection)


@lru_cache(maxsize=1024)
def _for_driver(statement: str) -> bytes:
    """`:name` in the driver's writing."""
    return str(text(statement).compile(dialect=_DIALECT)).encode()


async def _as_sqlalchemy_error(session: AsyncSession, statement: str, error: psycopg.Error) -> BaseException:
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


def _rows_as(shape: type[Shape]) -> AsyncRowFactory[Shape]:
    fields: tuple[str, ...] | None = getattr(shape, "_fields", None)

    def maker_of(cursor: AsyncCursor[Any]) -> RowMaker[Shape]:
        columns = _columns(cursor)
        if fields is None and len(columns) == 1:
            return itemgetter(0)
        if fields != columns:
            raise TypeError(f"{shape.__name__} has the fields {fields}, the statement the columns {columns}")
        return cast("RowMaker[Shape]", shape._make)  # type: ignore[attr-defined]

    return maker_of


def _columns(cursor: AsyncCursor[Any]) -> tuple[str, ...]:
    result = cursor.pgresult
    if result is None:
        return ()
    return tuple((result.fname(place) or b"").decode() for place in range(result.nfields))


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


async def copy_out(session: AsyncSession, statement: str) -> bytes:
    """What a SELECT gives, by COPY: in its text form, whole in memory."""
    driver = await _driver(session)
    async with driver.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT".encode()) as copy:
        return b"".join([bytes(piece) async for piece in copy])


async def copy_in(session: AsyncSession, table: str, columns: Sequence[str], data: bytes) -> None:
    """The same bytes into a table that has such columns."""
    driver = await _driver(session)
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    async with driver.cursor() as cursor, cursor.copy(command.encode()) as copy:
        await copy.write(data)


def one_of(rows: str) -> str:
    """True in SQL where there is one of `rows` (`FROM ...`), by a look of each line's own.

    What EXISTS asks may be read whole in place of that, into a hash of all counties' rows, for the lines of one page.
    """
    return f"((SELECT true {rows} LIMIT 1) IS NOT NULL)"


def looked_at(condition: str) -> str:
    """The same in SQL of each row by itself, where the planner has no thought beforehand of how many there are.

    By statistics from before a season there is none of what it brings: for none, however few are shown, a whole table
    would be read and sorted.
    """
    return f"(CASE WHEN {condition} THEN true ELSE false END)"


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


async def drop_scratch(session: AsyncSession, name: str) -> None:
    """Before the transaction ends, for another one of this name.

    Within a block: after a DROP (or ALTER, or ROLLBACK) of its own the driver forgets every statement that is prepared
    on the connection, and all of them are parsed and planned anew.
    """
    await execute(session, f"DO 'BEGIN DROP TABLE IF EXISTS {name}; END'")

"""Statements of tests, whose rows need no shape."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import Value


async def rows_of(session: AsyncSession, statement: str, **values: Value) -> Sequence[Row[Any]]:
    """On the session's own connection, within its transaction."""
    return (await (await session.connection()).execute(text(statement), values)).all()


async def one_row(session: AsyncSession, statement: str, **values: Value) -> Row[Any] | None:
    return next(iter(await rows_of(session, statement, **values)), None)

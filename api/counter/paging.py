"""Keyset paging: `after` is the id of the last row seen, so a list that grows is never skipped or shown twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from api.server.file_names import day
from models.store.people.persons import with_login

MAX_LIMIT = 500
MAX_EXPORT = 200_000
# Rows of an export that are read and shown without a pause for others.
CHUNK = 500
T = TypeVar("T")
FilterYear = Annotated[int | None, Query(ge=2000, le=2099, description="资金年度")]


class Format(StrEnum):
    JSON = "json"
    XLSX = "xlsx"


class Page:
    """What part of a list is asked for; an export is the whole filtered list."""

    def __init__(self, request: Request, after: int | None, limit: int, *, export: bool) -> None:
        self._request = request
        self.after = after
        self.limit = limit
        self.export = export

    @property
    def called(self) -> tuple[str, ...]:
        """What its file is called by: the list's name in the docs, the number it belongs to or the county, the day."""
        numbers = [str(number) for number in self._request.path_params.values()]
        whose = [] if any(number[:1].isdigit() for number in numbers) else [self._request.state.county]
        return (self._request.scope["route"].summary or "导出", *whose, *numbers, day())

    def person(self, login: str) -> str:
        """Who acted, as a file names them; a login that nobody has a name for stays."""
        return with_login(login, self._request.state.names.get(login))

    @property
    def rows(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return MAX_EXPORT + 1 if self.export else self.limit + 1

    async def chunks(
        self, session: AsyncSession, statement: SelectOfScalar[T], key: object, *, oldest: bool = False
    ) -> AsyncIterator[list[T]]:
        """The page, or the whole list little by little, so that nobody waits while it is read; newest first or not."""
        column = _column(key)
        ordered = statement.order_by(column.asc() if oldest else column.desc())

        async def read(after: int | None, most: int) -> list[T]:
            if self.export:  # what was given out before is done with
                session.expunge_all()
            beyond = ordered if after is None else ordered.where(column > after if oldest else column < after)
            return list(await session.exec(beyond.limit(most)))

        async for rows in self.pieces(read, lambda row: int(getattr(row, column.key))):
            yield rows

    async def pieces(
        self, read: Callable[[int | None, int], Awaitable[list[T]]], key: Callable[[T], int]
    ) -> AsyncIterator[list[T]]:
        """The same of what `read` gives, in its order, beyond a key and so many at most."""
        after, left = self.after, self.rows
        while left > 0:
            size = min(CHUNK, left) if self.export else left
            rows = await read(after, size)
            yield rows
            if len(rows) < size:
                return
            after, left = key(rows[-1]), left - len(rows)


def _column(key: object) -> InstrumentedAttribute[int]:
    column = col(key)
    assert isinstance(column, InstrumentedAttribute)
    return column


async def _page(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="每页条数")] = 100,
    format: Annotated[Format, Query(description="xlsx 导出全部筛选结果")] = Format.JSON,  # noqa: A002
) -> Page:
    """Not the class itself: what isn't awaited FastAPI sends to a thread of its own, at every list."""
    return Page(request, after, limit, export=format is Format.XLSX)


Pages = Annotated[Page, Depends(_page)]

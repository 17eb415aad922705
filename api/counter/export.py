"""The answer of a list: a page as JSON, or all of it as an Excel file.

A whole list is never in memory: its rows go to the disk as they are read, from there row by row into the file, and the
file goes out piece by piece.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from tempfile import NamedTemporaryFile
from typing import BinaryIO, Protocol, TypeVar, cast
from zoneinfo import ZoneInfo

from fastapi import Response
from fastapi.responses import StreamingResponse
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from api.counter.paging import MAX_EXPORT, Page
from api.server.answers import XLSX
from api.server.file_names import attachment
from api.server.problems import Problem
from api.server.rendering import rendered
from models.forms.money import yuan
from models.sheets.spool import Plain, Spool
from models.sheets.writer import write_sheet_to
from models.words.refusals import Refusal

# Beside the loop, on threads of their own: a sheet of 100,000 rows takes seconds. As many as exports are read at once.
_SHEETS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sheets")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
# The fields of all lists that name somebody of the staff by login; a file says the name too.
PEOPLE = frozenset({
    *("actor", "actor_label", "asked_by", "confirmed_by", "created_by", "decided_by", "entered_by", "reviewed_by"),
    *("set_by", "started_by", "submitted_by"),
})  # fmt: skip
Cell = str | int | Decimal | None
View = Mapping[str, object]
T = TypeVar("T")
_PIECE = 64 * 1024


class ListedRows(Protocol):
    """ListedRows of a list: (id, what is shown)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[int, View]]: ...


class Gathered(ListedRows, Protocol):
    """ListedRows that become more."""

    def extend(self, rows: Iterable[tuple[int, View]], /) -> None: ...


def gathering(page: Page, headers: Mapping[str, str]) -> Gathered:
    """No rows yet: a page's are held, an export's lie on the disk, with the columns of the file only."""
    if page.export:
        return Spool(tuple(headers), _plain)
    page_of_rows: list[tuple[int, View]] = []
    return page_of_rows


async def respond(page: Page, headers: Mapping[str, str], rows: ListedRows, beside: View | None = None) -> Response:
    """`rows` are (id, what is shown), one more than the page holds when there is a next one.

    `headers` are the columns of the Excel file: field of the view -> Chinese name; `*_fen` is shown in yuan.
    `beside` is what else a JSON answer says.
    """
    if page.export:
        return await _sheet(page, headers, rows)
    shown = list(islice(rows, page.limit))
    following = str(shown[-1][0]) if len(rows) > page.limit else None
    content = rendered({**(beside or {}), "items": [view for _, view in shown], "next": following})
    return Response(content, media_type="application/json")


async def listed(
    session: AsyncSession,
    page: Page,
    headers: Mapping[str, str],
    chosen: tuple[SelectOfScalar[T], object],
    show: Callable[[T], tuple[int, View]],
    *,
    oldest: bool = False,
) -> Response:
    """Newest first by the key, the second of `chosen`, or `oldest`; each row is shown by itself."""

    async def shown(chunk: list[T]) -> Iterable[tuple[int, View]]:
        return map(show, chunk)

    return await listed_together(session, page, headers, chosen, shown, oldest=oldest)


async def listed_together(
    session: AsyncSession,
    page: Page,
    headers: Mapping[str, str],
    chosen: tuple[SelectOfScalar[T], object],
    show: Callable[[list[T]], Awaitable[Iterable[tuple[int, View]]]],
    *,
    oldest: bool = False,
) -> Response:
    """The same where what stands beside rows is read for many at once."""
    rows = gathering(page, headers)
    async for chunk in page.chunks(session, *chosen, oldest=oldest):
        rows.extend(await show(chunk))
    return await respond(page, headers, rows)


async def _sheet(page: Page, headers: Mapping[str, str], rows: ListedRows) -> Response:
    if len(rows) > MAX_EXPORT:
        detail = f"一次最多导出 {MAX_EXPORT} 行，请加上筛选条件分几次导出"
        raise Problem(422, Refusal.EXPORT_TOO_LARGE, "导出的行数太多", detail)
    file = await asyncio.get_running_loop().run_in_executor(_SHEETS, _written, page, headers, rows)
    told = {**attachment("xlsx", *page.called), "Content-Length": str(os.fstat(file.fileno()).st_size)}
    return StreamingResponse(_pieces(file), media_type=XLSX, headers=told)


def _written(page: Page, headers: Mapping[str, str], rows: ListedRows) -> BinaryIO:
    """The file, still to be read; it is gone from the disk when it is closed."""
    shows = [_shown_in_file(page, field) for field in headers]
    cells = (
        [show(value) if show else value for show, value in zip(shows, values, strict=True)]
        for values in _values(headers, rows)
    )
    file = NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - closed by whoever reads it
    write_sheet_to(file.name, list(headers.values()), cells)
    return cast("BinaryIO", file)


def _values(headers: Mapping[str, str], rows: ListedRows) -> Iterator[Sequence[Plain]]:
    if isinstance(rows, Spool):
        return rows.values()
    return ([_plain(view.get(field)) for field in headers] for _, view in rows)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _plain(value: object) -> Plain:
    """As it may lie on the disk, and is read in the file; a county's list has three million of them."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, datetime):
        return value.astimezone(_SHANGHAI).replace(tzinfo=None).isoformat(" ", "seconds")
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        return "、".join(str(part) for part in value)
    return value if isinstance(value, int) else str(value)


def _shown_in_file(page: Page, field: str) -> Callable[[Plain], Cell] | None:
    """How a column's values are shown: who acted by name, money in yuan; None: as they are."""
    if field in PEOPLE:
        called = cache(page.person)
        return lambda value: called(value) if isinstance(value, str) else value
    if field.endswith("_fen"):
        return lambda value: yuan(value) if isinstance(value, int) else value
    return None

"""The answer of a list: a page as JSON, or all of it as an Excel file."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from api.counter.paging import MAX_EXPORT, Page
from api.server.answers import XLSX
from api.server.file_names import attachment
from api.server.problems import Problem
from api.server.rendering import rendered
from models.forms.money import yuan
from models.sheets.writer import write_sheet
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


async def respond(
    page: Page, headers: Mapping[str, str], rows: Sequence[tuple[int, View]], beside: View | None = None
) -> Response:
    """`rows` are (id, what is shown), one more than the page holds when there is a next one.

    `headers` are the columns of the Excel file: field of the view -> Chinese name; `*_fen` is shown in yuan.
    `beside` is what else a JSON answer says.
    """
    if page.export:
        return await _sheet(page, headers, rows)
    shown = rows[: page.limit]
    following = str(shown[-1][0]) if len(rows) > page.limit else None
    content = rendered({**(beside or {}), "items": [view for _, view in shown], "next": following})
    return Response(content, media_type="application/json")


async def listed(
    session: AsyncSession,
    page: Page,
    headers: Mapping[str, str],
    chosen: tuple[SelectOfScalar[T], object],
    show: Callable[[T], tuple[int, View]],
) -> Response:
    """Newest first by the key, the second of `chosen`; an export keeps the columns of its file only."""
    rows: list[tuple[int, View]] = []
    async for chunk in page.chunks(session, *chosen):
        for number, view in map(show, chunk):
            rows.append((number, {field: view.get(field) for field in headers} if page.export else view))
    return await respond(page, headers, rows)


async def _sheet(page: Page, headers: Mapping[str, str], rows: Sequence[tuple[int, View]]) -> Response:
    if len(rows) > MAX_EXPORT:
        detail = f"一次最多导出 {MAX_EXPORT} 行，请加上筛选条件分几次导出"
        raise Problem(422, Refusal.EXPORT_TOO_LARGE, "导出的行数太多", detail)
    content = await asyncio.get_running_loop().run_in_executor(_SHEETS, _written, page, headers, rows)
    return Response(content, media_type=XLSX, headers=attachment("xlsx", *page.called))


def _written(page: Page, headers: Mapping[str, str], rows: Sequence[tuple[int, View]]) -> bytes:
    cells = ([_cell(page, field, view.get(field)) for field in headers] for _, view in rows)
    return write_sheet(list(headers.values()), cells)


def _cell(page: Page, field: str, value: object) -> Cell:
    if value is None:
        return None
    if field in PEOPLE and isinstance(value, str):
        return page.person(value)
    if field.endswith("_fen") and isinstance(value, int):
        return yuan(value)
    if isinstance(value, datetime):
        return value.astimezone(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        return "、".join(str(part) for part in value)
    return value if isinstance(value, int | Decimal) else str(value)

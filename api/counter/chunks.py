"""Lists of applications: a page by keyset, or the whole list to Excel, read and opened chunk by chunk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.export import respond
from api.counter.paging import MAX_EXPORT, Page
from models.store.selection import Predicate
from models.store.sql import Row, loose

CHUNK = 2_000
View = Mapping[str, object]
Show = Callable[[Row], View]


async def list_lines(
    session: AsyncSession,
    page: Page,
    chosen: Predicate,
    show: Show,
    headers: Mapping[str, str],
    source: str,
) -> Response:
    """Oldest first by id; `source` must give `a.id` as `id` and take its conditions over `a`."""
    return await respond(page, headers, await read_lines(session, page, chosen, show, headers, source))


async def read_lines(
    session: AsyncSession,
    page: Page,
    chosen: Predicate,
    show: Show,
    headers: Mapping[str, str],
    source: str,
) -> list[tuple[int, View]]:
    """The rows of `list_lines` as they are shown, one more than a page holds when there is a next one."""
    rows: list[tuple[int, View]] = []
    kept = tuple(headers) if page.export else None
    async for chunk in _chunks(session, page, chosen, source):
        rows += await asyncio.to_thread(_shown, chunk, show, kept)
    return rows


async def _chunks(session: AsyncSession, page: Page, chosen: Predicate, source: str) -> AsyncIterator[Sequence[Row]]:
    wanted, after = min(page.rows, MAX_EXPORT + 1), page.after or 0
    while wanted > 0:
        size = min(wanted, CHUNK)
        rows = await loose(
            session,
            f"{source} WHERE {chosen.sql} AND a.id > :after ORDER BY a.id LIMIT :size",
            **{**chosen.values, "after": after, "size": size},
        )
        if rows:
            yield rows
        if len(rows) < size:
            return
        after, wanted = rows[-1].id, wanted - len(rows)


def _shown(rows: Sequence[Row], show: Show, kept: Sequence[str] | None) -> list[tuple[int, View]]:
    """An export keeps the columns of its file only: 100,000 whole views would not fit."""
    if kept is None:
        return [(row.id, show(row)) for row in rows]
    return [(row.id, {field: view.get(field) for field in kept}) for row in rows for view in (show(row),)]

"""Lists of applications: a page by keyset, or the whole list to Excel, read and opened chunk by chunk."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Protocol, TypeVar

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.export import Gathered, ListedRows, gathering, respond
from api.counter.paging import MAX_EXPORT, Page
from models.store.selection import Predicate
from models.store.sql import fetch

CHUNK = 2_000
_FEW = 101
View = Mapping[str, object]


class ListOrder(StrEnum):
    """By the order of entry."""

    OLDEST = "oldest"
    NEWEST = "newest"


# Where it begins, what comes after a row, and in which way.
_WAYS: Mapping[ListOrder, tuple[int, str, str]] = {
    ListOrder.OLDEST: (0, ">", ""),
    ListOrder.NEWEST: (2**63 - 1, "<", "DESC"),
}


class _Numbered(Protocol):
    """A row with its id, which a list goes on after."""

    @property
    def id(self) -> int: ...


Shown = TypeVar("Shown", bound=_Numbered)


async def list_lines(
    session: AsyncSession,
    page: Page,
    chosen: Predicate,
    show: Callable[[Shown], View],
    headers: Mapping[str, str],
    source: str,
    shape: type[Shown],
) -> Response:
    """Oldest first by id; `source` must give `a.id` as `id` and take its conditions over `a`."""
    return await respond(page, headers, await read_lines(session, page, chosen, show, headers, source, shape))


async def read_lines(
    session: AsyncSession,
    page: Page,
    chosen: Predicate,
    show: Callable[[Shown], View],
    headers: Mapping[str, str],
    source: str,
    shape: type[Shown],
    order: ListOrder = ListOrder.OLDEST,
) -> ListedRows:
    """The rows of `list_lines` as they are shown, one more than a page holds when there is a next one."""
    rows = gathering(page, headers)
    async with aclosing(one_ahead(_chunks(session, page, chosen, source, shape, order))) as chunks:
        async for chunk in chunks:
            # a page that is looked at is shown sooner than a thread is found
            if len(chunk) <= _FEW:
                _show(chunk, show, rows)
            else:
                await asyncio.to_thread(_show, chunk, show, rows)
    return rows


async def one_ahead(chunks: AsyncIterator[Sequence[Shown]]) -> AsyncGenerator[Sequence[Shown]]:
    """While one is shown on its thread, the database reads the next."""

    async def read() -> Sequence[Shown]:
        async for chunk in chunks:
            return chunk
        return ()

    chunk = await read()
    while len(chunk) == CHUNK:
        coming = asyncio.create_task(read())
        try:
            yield chunk
        finally:  # whoever stops here gives the session back: nobody else may be reading with it
            await asyncio.gather(coming, return_exceptions=True)
        chunk = await coming
    if chunk:
        yield chunk


async def _chunks(
    session: AsyncSession, page: Page, chosen: Predicate, source: str, shape: type[Shown], order: ListOrder
) -> AsyncIterator[Sequence[Shown]]:
    first, beyond, way = _WAYS[order]
    wanted, after = min(page.rows, MAX_EXPORT + 1), first if page.after is None else page.after
    page_of = _by_stages if chosen.stages else _by_order
    statement = page_of(chosen, source, beyond, way)
    while wanted > 0:
        size = min(wanted, CHUNK)
        values = {**chosen.values, "after": after, "size": size, "stages": list(chosen.stages)}
        rows = await fetch(session, shape, statement, **values)
        if rows:
            yield rows
        if len(rows) < size:
            return
        after, wanted = rows[-1].id, wanted - len(rows)


def _by_order(chosen: Predicate, source: str, beyond: str, way: str) -> str:
    by = ", ".join(f"{column} {way}" for column in chosen.order)
    return f"{source}{chosen.where} AND {chosen.order[-1]} {beyond} :after ORDER BY {by} LIMIT :size"


def _by_stages(chosen: Predicate, source: str, beyond: str, way: str) -> str:
    """No more of each stage than the page holds, in the order of where they stand, and of those the first.

    Each application is looked up by its id alone: where a county is thought to have one, it would be by the county.
    """
    by = ", ".join(f"s.{column} {way}" for column in ("county_code", "stage", "application_id"))
    of_a_stage = (
        "SELECT s.application_id AS id FROM application_standing s CROSS JOIN LATERAL"
        " (SELECT * FROM application l WHERE l.id = s.application_id LIMIT 1) AS a"
        f" WHERE s.county_code = ANY(ARRAY[:county]) AND s.stage = ANY(ARRAY[o.stage]) AND {chosen.standing}"
        f" AND {chosen.sql} AND s.application_id {beyond} :after ORDER BY {by} LIMIT :size"
    )
    page = (
        f"SELECT n.id FROM unnest(CAST(:stages AS text[])) AS o (stage) CROSS JOIN LATERAL ({of_a_stage}) AS n"
        f" ORDER BY n.id {way} LIMIT :size"
    )
    return f"{source} WHERE a.id = ANY(ARRAY({page})) ORDER BY a.id {way}"


def _show(chunk: Sequence[Shown], show: Callable[[Shown], View], rows: Gathered) -> None:
    """What is sealed is opened: of many rows too long for the loop."""
    rows.extend((row.id, show(row)) for row in chunk)

"""What each stored file belongs to: written where it is named, asked when somebody wants to open it."""

from collections.abc import Collection
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.file_owners import FileOf
from models.store.sql import execute, fetch

_USE = """
INSERT INTO file_use (file_id, thing, number) SELECT file, :thing, number
FROM unnest(CAST(:files AS bigint[]), CAST(:numbers AS text[])) AS use (file, number) ORDER BY 1, 3
ON CONFLICT DO NOTHING
"""


class BelongsTo(NamedTuple):
    thing: FileOf
    number: str


async def use_files(session: AsyncSession, thing: FileOf, uses: Collection[tuple[int, str]]) -> None:
    """Each file with the number of what it belongs to, or with who brought it."""
    files, numbers = [file_id for file_id, _ in uses], [number for _, number in uses]
    await execute(session, _USE, files=files, numbers=numbers, thing=thing.value)


async def uses_of(session: AsyncSession, file_id: int) -> list[BelongsTo]:
    rows = await fetch(session, BelongsTo, "SELECT thing, number FROM file_use WHERE file_id = :file", file=file_id)
    return [BelongsTo(FileOf(row.thing), row.number) for row in rows]

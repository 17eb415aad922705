"""A county's stored files, found by whoever names one: its own, of the right kind, and the caller's to see."""

from collections.abc import Collection

from fastapi import UploadFile
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.server.answers import XLSX
from api.server.problems import Problem, field_problem
from models.file_owners import OPENED_BY, FileOf
from models.store.policies.file_uses import BelongsTo, uses_of
from models.tables.policies import StoredFile
from models.wire.words import MediaType
from models.words.faults import FaultCode
from models.words.refusals import Refusal

SUFFIXES = {MediaType.PDF: "pdf", MediaType.PNG: "png", MediaType.JPEG: "jpg", MediaType.XLSX: "xlsx"}
_ZIP_MAGIC = b"PK\x03\x04"
_CSV = "text/csv"
# A county's imports and people's photos are read where they belong, never by counting ids up.
_ELSEWHERE = (
    "NOT EXISTS (SELECT 1 FROM application_import i WHERE stored_file.id IN (i.file_id, i.refused_file_id))"
    " AND NOT EXISTS (SELECT 1 FROM register_load d WHERE stored_file.id IN (d.file_id, d.refused_file_id))"
    " AND NOT EXISTS (SELECT 1 FROM application_photo p WHERE p.file_id = stored_file.id)"
)
# The same as `_may_open`, of many at once.
_OPENED = (
    "EXISTS (SELECT 1 FROM file_use u WHERE u.file_id = stored_file.id"
    " AND (u.thing = ANY(:things) OR u.thing = 'person' AND u.number = :person))"
)


async def rows_file(desk: Desk, file: UploadFile) -> StoredFile:
    """A file of rows that somebody hands in, stored as it came; 422 for an empty one. `save_file` keeps its row."""
    if not file.size:
        raise Problem(422, FaultCode.FILE_EMPTY, "文件为空", "文件是空的（0 字节），请检查后重新上传")
    async with desk.room_for(file):
        data = await file.read()
        media_type = XLSX if data.startswith(_ZIP_MAGIC) else _CSV
        return await desk.objects.put(desk.county, data, media_type, desk.person)


async def find_file(desk: Desk, session: AsyncSession, file_id: int) -> tuple[StoredFile, list[BelongsTo]] | None:
    """The file with those of its uses that let this caller open it; None where there is none for the caller."""
    if not 0 < file_id < 2**63:
        return None
    statement = (
        select(StoredFile)
        .where(StoredFile.id == file_id, StoredFile.county_code == desk.county)
        .where(col(StoredFile.content_type).in_([kind.value for kind in MediaType]))
        .where(text(_ELSEWHERE))
    )
    row = (await session.exec(statement)).first()
    uses = [use for use in await uses_of(session, file_id) if _may_open(desk, use)] if row else []
    return (row, uses) if row and uses else None


def _may_open(desk: Desk, use: BelongsTo) -> bool:
    return desk.role in OPENED_BY[use.thing] or use == (FileOf.PERSON, desk.person)


async def pictures_among(desk: Desk, session: AsyncSession, file_ids: Collection[int]) -> set[int]:
    """Those that are the county's own pictures, are not in use elsewhere, and are the caller's to see."""
    things = [thing.value for thing, roles in OPENED_BY.items() if desk.role in roles]
    statement = (
        select(StoredFile.id)
        .where(col(StoredFile.id).in_(file_ids), StoredFile.county_code == desk.county)
        .where(col(StoredFile.content_type).in_((MediaType.PNG.value, MediaType.JPEG.value)))
        .where(text(_ELSEWHERE), text(_OPENED).bindparams(things=things, person=desk.person))
    )
    return {found for found in await session.exec(statement) if found is not None} if file_ids else set()


async def usable_file(
    desk: Desk, session: AsyncSession, file_id: int, kinds: frozenset[MediaType], pointer: str = "/file_id"
) -> StoredFile:
    """The county's own file of one of these kinds, or 422 at the field that names it."""
    found = await find_file(desk, session, file_id)
    if found is None:
        raise field_problem({pointer: "没有这个文件，请先上传文件，再填写返回的 file_id"}, Refusal.FILE_UNKNOWN)
    row, _ = found
    if row.content_type not in {kind.value for kind in kinds}:
        names = "、".join(sorted({SUFFIXES[kind] for kind in kinds}))
        raise field_problem({pointer: f"这里只能用 {names} 文件，请换一个文件"}, FaultCode.FILE_KIND)
    return row

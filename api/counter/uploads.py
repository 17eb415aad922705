"""A county's stored files, found by whoever names one: its own, of the right kind, and in use nowhere else."""

from collections.abc import Collection

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.server.problems import field_problem
from models.tables.policies import StoredFile
from models.wire.words import MediaType
from models.words.faults import FaultCode
from models.words.refusals import Refusal

SUFFIXES = {MediaType.PDF: "pdf", MediaType.PNG: "png", MediaType.JPEG: "jpg", MediaType.XLSX: "xlsx"}
# A county's imports and people's photos are read where they belong, never by counting ids up.
_ELSEWHERE = (
    "NOT EXISTS (SELECT 1 FROM application_import i WHERE stored_file.id IN (i.file_id, i.refused_file_id))"
    " AND NOT EXISTS (SELECT 1 FROM application_photo p WHERE p.file_id = stored_file.id)"
)


async def find_file(session: AsyncSession, county_code: str, file_id: int) -> StoredFile | None:
    if not 0 < file_id < 2**63:
        return None
    statement = (
        select(StoredFile)
        .where(StoredFile.id == file_id, StoredFile.county_code == county_code)
        .where(col(StoredFile.content_type).in_([kind.value for kind in MediaType]))
        .where(text(_ELSEWHERE))
    )
    return (await session.exec(statement)).first()


async def pictures_among(session: AsyncSession, county_code: str, file_ids: Collection[int]) -> set[int]:
    """Those that are the county's own pictures and are not in use elsewhere."""
    statement = (
        select(StoredFile.id)
        .where(col(StoredFile.id).in_(file_ids), StoredFile.county_code == county_code)
        .where(col(StoredFile.content_type).in_((MediaType.PNG.value, MediaType.JPEG.value)))
        .where(text(_ELSEWHERE))
    )
    return {found for found in await session.exec(statement) if found is not None} if file_ids else set()


async def usable_file(
    session: AsyncSession, county_code: str, file_id: int, kinds: frozenset[MediaType], pointer: str = "/file_id"
) -> StoredFile:
    """The county's own file of one of these kinds, or 422 at the field that names it."""
    row = await find_file(session, county_code, file_id)
    if row is None:
        raise field_problem({pointer: "没有这个文件，请先上传文件，再填写返回的 file_id"}, Refusal.FILE_UNKNOWN)
    if row.content_type not in {kind.value for kind in kinds}:
        names = "、".join(sorted({SUFFIXES[kind] for kind in kinds}))
        raise field_problem({pointer: f"这里只能用 {names} 文件，请换一个文件"}, FaultCode.FILE_KIND)
    return row

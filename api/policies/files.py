"""Files of a county: stored first, then named by id wherever they are used."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends, File, Response, UploadFile
from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import COUNTY, Desk, Reply, for_roles
from api.policies.file_kinds import as_stored
from api.server.limits import MIB
from api.server.problems import Problem, field_problem, not_found
from models.store.objects import save_file
from models.tables.policies import StoredFile
from models.wire.words import MediaType
from models.words.stages import Role

router = APIRouter(tags=["文件"])
Handlers = Annotated[Desk, Depends(for_roles(*COUNTY, Role.APPLICANT))]
_SUFFIXES = {MediaType.PDF: "pdf", MediaType.PNG: "png", MediaType.JPEG: "jpg", MediaType.XLSX: "xlsx"}


@router.post("/files", status_code=201, summary="上传文件")
async def upload_file(desk: Handlers, file: Annotated[UploadFile, File()]) -> Response:
    """The kind is told by the content; the name is looked at and forgotten, it may say a person's.

    A picture is drawn anew, a PDF kept from its head to its end.
    """
    limit = desk.settings.upload_max_mib
    if (file.size or 0) > limit * MIB:
        raise Problem(413, "PAYLOAD_TOO_LARGE", "文件太大", f"文件最大 {limit} MiB，请压缩或拆分后上传")
    async with as_stored(desk, file) as (content, kind):
        # the object is there before any row refers to it
        stored = await desk.objects.put(desk.county, content, kind.value, desk.person)

    async def work(session: AsyncSession) -> Reply:
        row = await save_file(session, stored)
        await desk.trail(session, "file_stored", f"file-{row.id}", {"sha256": row.sha256, "size": row.size})
        body: dict[str, object] = {"file_id": row.id, "content_type": row.content_type, "size": row.size}
        return Reply(201, body, f"/files/{row.id}")

    return await desk.once(work)


@router.get("/files/{file_id}", summary="下载文件", response_class=Response)
async def read_file(desk: Handlers, file_id: int) -> Response:
    async with desk.database.reading() as session:
        row = await find_file(session, desk.county, file_id)
    if row is None or (desk.role is Role.APPLICANT and row.stored_by != desk.person):
        raise not_found("文件")
    data = await desk.objects.get(row)
    name = f"file-{row.id}.{_SUFFIXES.get(MediaType(row.content_type), 'bin')}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=row.content_type, headers=headers)


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
        raise field_problem({pointer: "没有这个文件，请先上传文件，再填写返回的 file_id"}, "FILE_UNKNOWN")
    if row.content_type not in {kind.value for kind in kinds}:
        names = "、".join(sorted({_SUFFIXES[kind] for kind in kinds}))
        raise field_problem({pointer: f"这里只能用 {names} 文件，请换一个文件"}, "FILE_KIND")
    return row

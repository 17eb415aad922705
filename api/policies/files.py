"""Files of a county: stored first, then named by id wherever they are used."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply
from api.counter.disclosures import note_whole
from api.counter.roles import CountyAndApplicants, Everyone
from api.counter.uploads import SUFFIXES, find_file
from api.policies.file_kinds import as_stored
from api.server.answers import file_answer, refusals
from api.server.file_names import attachment
from api.server.limits import MIB
from api.server.problems import Problem, not_found
from models.file_owners import FileOf
from models.store.objects import save_file
from models.store.policies.file_uses import BelongsTo, use_files
from models.wire.words import MediaType
from models.words.refusals import Refusal
from models.words.stages import DisclosedThing, DisclosurePurpose

router = APIRouter(tags=["文件"])
# Whose photo it is, as everywhere else where a photo is shown.
_PHOTO_OF = {FileOf.VILLAGE_ENTRY: DisclosedThing.VILLAGE_ENTRY, FileOf.CORRECTION: DisclosedThing.APPLICATION}


class FileStored(TypedDict):
    file_id: Annotated[int, Field(description="文件编号，在别处引用")]
    content_type: Annotated[MediaType, Field(description="按内容认定的类型")]
    size: Annotated[int, Field(description="保存的字节数")]


@router.post(
    "/files",
    status_code=201,
    summary="上传文件",
    response_model=FileStored,
    responses=refusals(FILE_EMPTY=422, FILE_KIND=422, FILE_DAMAGED=422, FILE_PIXELS=422),
)
async def upload_file(desk: CountyAndApplicants, file: Annotated[UploadFile, File()]) -> Response:
    """The kind is told by the content; the name is looked at and forgotten, it may say a person's.

    A picture is drawn anew, a PDF kept from its head to its end.
    """
    limit = desk.settings.upload_max_mib
    if (file.size or 0) > limit * MIB:
        raise Problem(413, Refusal.PAYLOAD_TOO_LARGE, "文件太大", f"文件最大 {limit} MiB，请压缩或拆分后上传")
    async with as_stored(desk, file) as (content, kind):
        # the object is there before any row refers to it
        stored = await desk.objects.put(desk.county, content, kind.value, desk.person)

    async def work(session: AsyncSession) -> Reply:
        row = await save_file(session, stored)
        assert row.id is not None
        await use_files(session, FileOf.PERSON, [(row.id, desk.person)])
        await desk.trail(session, "file_stored", f"file-{row.id}", {"sha256": row.sha256, "size": row.size})
        body: FileStored = {"file_id": row.id, "content_type": kind, "size": row.size}
        return Reply(201, body, f"/files/{row.id}")

    return await desk.once(work)


@router.get(
    "/files/{file_id}",
    summary="下载文件",
    response_class=Response,
    responses=file_answer(*MediaType) | refusals(NOT_FOUND=404),
)
async def read_file(desk: Everyone, file_id: int) -> Response:
    """For whoever may see what it belongs to, and for who brought it; it is noted, a photo as its person's."""
    async with desk.database.reading() as session:
        found = await find_file(desk, session, file_id)
    if found is None:
        raise not_found("文件")
    row, uses = found
    data = await desk.objects.get(row)
    await _note(desk, file_id, uses)
    suffix = SUFFIXES.get(MediaType(row.content_type), "bin")
    headers = {**attachment(suffix, "文件", desk.county, str(row.id)), "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=row.content_type, headers=headers)


async def _note(desk: Desk, file_id: int, uses: Sequence[BelongsTo]) -> None:
    number = str(file_id)
    people = [(thing, use.number) for use in uses if (thing := _PHOTO_OF.get(use.thing))]
    for thing, whose in people or [(DisclosedThing.FILE, number)]:
        await note_whole(desk, thing, whose, DisclosurePurpose.PHOTO, number if people else None)

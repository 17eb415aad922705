"""Photos of applications: one by one, or a zip whose member names are application numbers."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi import Path as InPath
from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Reply
from api.counter.disclosures import note_whole
from api.counter.roles import CountyAndApplicants, Enterers, Operators, find_line
from api.photos.intake import (
    ARCHIVE_REFUSALS,
    PHOTO_REFUSALS,
    NewPhoto,
    PhotosStored,
    draw,
    may_take,
    put_archive,
    refuse_reviewed,
    store,
)
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.photos.smaller import LEAST_WIDTH, MOST_WIDTH, smaller
from models.store.applications.photos import save_photos
from models.tables.applications import ApplicationPhoto
from models.tables.policies import StoredFile
from models.wire.words import DocumentKind, MediaType
from models.words.stages import DisclosedThing, DisclosurePurpose

router = APIRouter(tags=["照片"])

Kind = Annotated[DocumentKind, InPath()]
Upload = Annotated[UploadFile, File()]


class PhotoStored(TypedDict):
    application_no: str
    kind: DocumentKind
    size: Annotated[int, Field(description="保存的字节数")]


@router.put(
    "/applications/{application_no}/photos/{kind}",
    response_model=PhotoStored,
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404, PHOTOS_FIXED=409, PHOTO_TOO_LARGE=413, **PHOTO_REFUSALS),
)
async def put_photo(desk: Enterers, application_no: str, kind: Kind, file: Upload) -> Response:
    """Takes the place of the one before; drawn anew, without what cameras write into a file."""
    async with desk.database.reading() as session:
        may_take(desk, await find_line(desk, session, application_no), kind)
    stored = await store(desk, await draw(desk, file))

    async def work(session: AsyncSession) -> Reply:
        line = await find_line(desk, session, application_no, changing=True)
        may_take(desk, line, kind)
        photo = NewPhoto(application_no, kind, stored)
        await refuse_reviewed(desk, session, [photo])
        await save_photos(session, [photo], desk.person)
        detail = {"kind": kind.value, "sha256": stored.sha256}
        await desk.trail(session, "photo.stored", application_no, detail, 1)
        answer: PhotoStored = {"application_no": application_no, "kind": kind, "size": stored.size}
        return Reply(200, answer)

    return await desk.change(work)


@router.get(
    "/applications/{application_no}/photos/{kind}",
    responses=file_answer(MediaType.JPEG, MediaType.PNG) | refusals(LINES_MOVED=410, NOT_FOUND=404),
    response_class=Response,
)
async def get_photo(
    desk: CountyAndApplicants,
    application_no: str,
    kind: Kind,
    width: Annotated[
        int | None, Query(ge=LEAST_WIDTH, le=MOST_WIDTH, description="缩小到多少像素宽，JPEG，不超过 60 KB")
    ] = None,
) -> Response:
    """Whoever looks at it is noted. With a `width` it is small enough for a slow line."""
    async with desk.database.reading() as session:
        line = await find_line(desk, session, application_no)
        statement = select(StoredFile).where(
            col(StoredFile.id).in_(
                select(ApplicationPhoto.file_id).where(
                    ApplicationPhoto.application_id == line.id, ApplicationPhoto.kind == kind.value
                )
            )
        )
        stored = (await session.exec(statement)).first()
    if stored is None:
        raise not_found("照片")
    data, content_type = await desk.objects.get(stored), stored.content_type
    if width is not None:
        async with desk.shrinking.one():
            data, content_type = await asyncio.to_thread(smaller, data, width), MediaType.JPEG.value
    await note_whole(desk, DisclosedThing.APPLICATION, application_no, DisclosurePurpose.PHOTO, kind.value)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=content_type, headers=headers)


@router.post("/photo-archives", status_code=201, response_model=PhotosStored, responses=refusals(**ARCHIVE_REFUSALS))
async def put_photos(desk: Operators, file: Upload, kind: Annotated[DocumentKind | None, Form()] = None) -> Response:
    """A zip of `{application_no}.jpg` (with `kind`) or `{application_no}_{kind}.jpg`: all of them or none."""
    return await put_archive(desk, file.file, kind)

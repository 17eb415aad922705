"""How photos come in: drawn anew beside the loop, stored in S3, and only then referred to."""

import asyncio
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, BinaryIO, NamedTuple

from fastapi import Response, UploadFile
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply
from api.server.limits import MIB
from api.server.problems import Problem, conflict
from models.photos.archive import MAX_ARCHIVE_PIXELS, ArchiveRefused, Member, MemberFault, PhotoArchive
from models.photos.redraw import Measure, Photo, PhotoRefused, measure
from models.store.applications.photos import fixed_among, reviewed_photos, save_photos
from models.store.sql import fetch
from models.tables.applications import Application
from models.tables.policies import StoredFile
from models.wire.words import DocumentKind
from models.words.code_words import called
from models.words.evidence import PHOTOS
from models.words.refusals import Refusal, RefusalCode
from models.words.staff import Role
from models.words.stages import ApplicationStage

MAX_PHOTO_BYTES = 10 * MIB
TOGETHER = 8
ARCHIVE_SECONDS = 120.0
# What a picture is refused for, and an archive as a whole.
PHOTO_REFUSALS = {Refusal.PHOTO_EMPTY: 422, Refusal.PHOTO_KIND: 422, Refusal.PHOTO_PIXELS: 422}
ARCHIVE_REFUSALS = {
    **dict.fromkeys(
        (Refusal.ARCHIVE_KIND, Refusal.ARCHIVE_MEMBERS, Refusal.ARCHIVE_TOO_LARGE, Refusal.ARCHIVE_EMPTY), 422
    ),
    Refusal.ARCHIVE_SLOW: 422,
    Refusal.ARCHIVE_PIXELS: 422,
    Refusal.PHOTOS_REFUSED: 422,
    Refusal.CLIENT_GONE: 408,
}
# Evidence that is out may be sent again with other photos.
_CLOSED = (ApplicationStage.WITHDRAWN, ApplicationStage.CLOSED)
_BEFORE_FLOW = frozenset(
    {
        ApplicationStage.DRAFT,
        ApplicationStage.IN_REVIEW,
        ApplicationStage.PUBLICISED,
        ApplicationStage.UNMATCHED,
        ApplicationStage.MATCHED,
        ApplicationStage.PENDING_SETTLEMENT,
        ApplicationStage.IN_BATCH,
    }
)


class NewPhoto(NamedTuple):
    application_no: str
    kind: DocumentKind
    stored: StoredFile


class PhotosStored(TypedDict):
    photos: Annotated[int, Field(description="保存的照片张数")]
    applications: Annotated[int, Field(description="涉及的申请份数")]
    kinds: Annotated[dict[str, int], Field(description="各种照片的张数")]


def may_take(desk: Desk, line: Application, kind: DocumentKind) -> None:
    """An applicant's photos are fixed once the flow begins, everybody's once the application is over.

    The bank card's picture is part of what was reviewed: an applicant who wants another one edits the application.
    """
    applicant = desk.role is Role.APPLICANT
    if line.stage in _CLOSED or (applicant and line.stage not in _BEFORE_FLOW):
        detail = f"申请的状态是“{line.stage.label}”，照片不能再更换"
        raise conflict(Refusal.PHOTOS_FIXED, "照片已固定", detail)
    if applicant and kind is DocumentKind.BANK_CARD and line.stage is not ApplicationStage.DRAFT:
        detail = f"申请的状态是“{line.stage.label}”，银行卡照片属于审核内容；请先编辑申请使其退回草稿，再更换照片"
        raise conflict(Refusal.PHOTOS_FIXED, "银行卡照片已送审", detail)


async def draw(desk: Desk, file: UploadFile) -> Photo:
    """The photo drawn anew, or 422 with what is wrong."""
    if (file.size or 0) > MAX_PHOTO_BYTES:
        detail = f"照片超过 {MAX_PHOTO_BYTES // MIB} MiB，请缩小后重新上传"
        raise Problem(413, Refusal.PHOTO_TOO_LARGE, "照片太大", detail)
    try:
        return await drawn(desk, file)
    except PhotoRefused as refused:
        raise Problem(422, refused.code, "照片不能使用", refused.message) from None


async def drawn(desk: Desk, file: UploadFile) -> Photo:
    """A picture that people will see, drawn anew; raises PhotoRefused."""
    size = await asyncio.to_thread(measure, file.file)
    return await desk.drawing.draw(desk.county, size, lambda: _whole(file.file))


def _whole(source: BinaryIO) -> bytes:
    source.seek(0)
    return source.read()


async def store(desk: Desk, photo: Photo) -> StoredFile:
    return await desk.objects.put(desk.county, photo.data, photo.media_type.value, desk.person)


async def put_archive(desk: Desk, source: BinaryIO, kind: DocumentKind | None) -> Response:
    """All photos of a zip, or none and what is wrong with each."""
    try:
        archive = await asyncio.to_thread(PhotoArchive, source, kind, MAX_PHOTO_BYTES)
        contents = archive.contents()
    except ArchiveRefused as refused:
        raise Problem(422, refused.code, "压缩包不能使用", refused.message) from None
    faults = contents.faults + await _unfit(desk, contents.members)
    photos: list[NewPhoto] = []
    if not faults:
        photos, faults = await _store_in_time(desk, archive, contents.members)
    if faults:
        raise _refused(faults)
    return await desk.once(lambda session: _keep(desk, session, photos))


async def _store_in_time(
    desk: Desk, archive: PhotoArchive, members: Sequence[Member]
) -> tuple[list[NewPhoto], list[MemberFault]]:
    try:
        async with asyncio.timeout(ARCHIVE_SECONDS):
            return await _store_all(desk, archive, members)
    except TimeoutError:
        raise _too_much(Refusal.ARCHIVE_SLOW, f"压缩包在 {ARCHIVE_SECONDS:.0f} 秒内没有处理完") from None


def _too_much(code: RefusalCode, what: str) -> Problem:
    return Problem(422, code, "压缩包不能使用", f"{what}，一张也没有保存；请缩小照片，或分几个压缩包上传")


async def refuse_reviewed(desk: Desk, session: AsyncSession, photos: Iterable[NewPhoto]) -> None:
    """409 where one would take the place of what a reviewer has passed; the applications are locked."""
    for fixed in await fixed_among(session, desk.county, {(photo.application_no, photo.kind) for photo in photos}):
        detail = f"申请 {fixed.application_no} 的{called(PHOTOS, fixed.kind)}：{fixed.why_fixed}"
        raise conflict(Refusal.PHOTOS_FIXED, "照片已审核", detail)


async def _keep(desk: Desk, session: AsyncSession, photos: Sequence[NewPhoto]) -> Reply:
    await refuse_reviewed(desk, session, photos)
    await save_photos(session, photos, desk.person)
    applications = len({photo.application_no for photo in photos})
    kinds = dict(Counter(photo.kind.value for photo in photos))
    body: PhotosStored = {"photos": len(photos), "applications": applications, "kinds": kinds}
    lines = "SELECT DISTINCT a.id FROM new_photo n JOIN application a USING (application_no)"
    await desk.trail(session, "photos.stored", desk.county, body, applications, lines=lines)
    return Reply(201, body)


class _Known(NamedTuple):
    application_no: str
    stage: str


async def _unfit(desk: Desk, members: Sequence[Member]) -> list[MemberFault]:
    """Names that are no application of the county, or of one whose photos, or this one of them, are fixed."""
    async with desk.database.reading() as session:
        rows = await fetch(
            session,
            _Known,
            "SELECT application_no, stage FROM application WHERE county_code = :county"
            " AND application_no = ANY(:numbers)",
            county=desk.county,
            numbers=list({member.application_no for member in members}),
        )
        reviewed = await reviewed_photos(session, desk.county, [row.application_no for row in rows])
    stages = {row.application_no: ApplicationStage(row.stage) for row in rows}
    fixed = {(each.application_no, each.kind): each.why_fixed for each in reviewed}
    faults = []
    for member in members:
        stage = stages.get(member.application_no)
        if stage is None:
            message = "本县没有这个申请编号，请核对文件名"
            faults.append(member.fault(Refusal.UNKNOWN_APPLICATION, message))
        elif stage in _CLOSED:
            message = f"申请的状态是“{stage.label}”，照片不能再更换"
            faults.append(member.fault(Refusal.PHOTOS_FIXED, message))
        elif why := fixed.get((member.application_no, member.kind)):
            faults.append(member.fault(Refusal.PHOTOS_FIXED, why))
    return faults


async def _store_all(
    desk: Desk, archive: PhotoArchive, members: Sequence[Member]
) -> tuple[list[NewPhoto], list[MemberFault]]:
    """Draw and store a few at a time; no more of an archive is unpacked than is being drawn.

    What all heads say is added up before the first is drawn. It ends early when nobody waits for the answer any more.
    """
    sizes, faults = await asyncio.to_thread(_measured, archive, members)
    photos: list[NewPhoto] = []
    for start in range(0, len(sizes), TOGETHER):
        group = sizes[start : start + TOGETHER]
        stored = await asyncio.gather(*(_store_one(desk, archive, member, size) for member, size in group))
        photos += [one for one in stored if isinstance(one, NewPhoto)]
        faults += [one for one in stored if isinstance(one, MemberFault)]
        if await desk.request.is_disconnected():
            raise Problem(408, Refusal.CLIENT_GONE, "连接已断开", "没有人等待结果，一张也没有保存")
    return photos, faults


def _measured(
    archive: PhotoArchive, members: Sequence[Member]
) -> tuple[list[tuple[Member, Measure]], list[MemberFault]]:
    sizes: list[tuple[Member, Measure]] = []
    faults: list[MemberFault] = []
    pixels = 0
    for member in members:
        try:
            size = measure(io.BytesIO(archive.read(member)))
        except PhotoRefused as refused:
            faults.append(member.fault(refused.code, refused.message))
            continue
        sizes.append((member, size))
        pixels += size.pixels
        if pixels > MAX_ARCHIVE_PIXELS:
            raise _too_much(Refusal.ARCHIVE_PIXELS, f"压缩包中的照片合计超过 {MAX_ARCHIVE_PIXELS // 10_000} 万像素")
    return sizes, faults


async def _store_one(desk: Desk, archive: PhotoArchive, member: Member, size: Measure) -> NewPhoto | MemberFault:
    try:
        photo = await desk.drawing.draw(desk.county, size, lambda: archive.read(member))
    except PhotoRefused as refused:
        return member.fault(refused.code, refused.message)
    return NewPhoto(member.application_no, member.kind, await store(desk, photo))


def _told(fault: MemberFault) -> str:
    """With the file and the kind of photo: who packed a hundred of them must find this one."""
    kind = f"（{called(PHOTOS, fault.kind)}）" if fault.kind else ""
    return f"第 {fault.place} 个文件 {fault.file}{kind}：{fault.message}"


def _refused(faults: Sequence[MemberFault]) -> Problem:
    errors = [
        {
            "place": fault.place,
            "file": fault.file,
            "application_no": fault.application_no,
            "kind": fault.kind,
            "kind_label": called(PHOTOS, fault.kind),
            "code": fault.code,
            "detail": _told(fault),
        }
        for fault in sorted(faults, key=lambda fault: fault.place)
    ]
    detail = f"压缩包中有 {len(faults)} 处问题，一张也没有保存；请按 errors 所列更正后重新上传"
    return Problem(422, Refusal.PHOTOS_REFUSED, "照片压缩包有误", detail, errors[:500])

"""What a file really is: its content decides, its name may only agree; and what of it is stored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePath

from fastapi import UploadFile

from api.counter.desk import Desk
from api.photos.intake import drawn
from api.server.problems import Problem
from models.pdf_files import clean_pdf, is_pdf
from models.photos.redraw import TOO_LARGE, PhotoRefused
from models.sheets.archive import is_workbook
from models.wire.words import MediaType
from models.words.faults import FaultCode
from models.words.refusals import Refusal, RefusalCode

_NAMES = {
    ".pdf": MediaType.PDF,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".xlsx": MediaType.XLSX,
}
_MAGIC = {MediaType.PNG: b"\x89PNG\r\n\x1a\n", MediaType.JPEG: b"\xff\xd8\xff"}
_HEAD = 8


@asynccontextmanager
async def as_stored(desk: Desk, file: UploadFile) -> AsyncIterator[tuple[bytes, MediaType]]:
    """The bytes to store and their kind: a picture drawn anew, of a PDF what is between its head and its end.

    A Problem for a file that is empty, damaged or of another kind than its name says. What is no picture is held
    whole, and only so much of it at a time, until the block ends.
    """
    picture = _picture_kind(await file.read(_HEAD))
    if picture is not None:
        _check_name(file.filename or "", picture)
        yield await _drawn(desk, file)
        return
    async with desk.room_for(file):
        await file.seek(0)
        yield await asyncio.to_thread(_checked, await file.read(), file.filename or "")


async def _drawn(desk: Desk, file: UploadFile) -> tuple[bytes, MediaType]:
    try:
        photo = await drawn(desk, file)
    except PhotoRefused as refused:
        if refused.code == TOO_LARGE[0]:
            raise _refused(Refusal.FILE_PIXELS, refused.message) from None
        raise _damaged() from None
    return photo.data, photo.media_type


def _checked(data: bytes, name: str) -> tuple[bytes, MediaType]:
    if not data:
        raise _refused(FaultCode.FILE_EMPTY, "文件为空（0 字节），请重新选择文件上传")
    kind = MediaType.PDF if is_pdf(data) else MediaType.XLSX if is_workbook(data) else None
    if kind is None:
        raise _refused(FaultCode.FILE_KIND, "只能上传 PDF、PNG、JPEG 或 xlsx 文件，请转换格式后上传")
    _check_name(name, kind)
    content = clean_pdf(data) if kind is MediaType.PDF else data
    if content is None:
        raise _damaged()
    return content, kind


def _picture_kind(head: bytes) -> MediaType | None:
    return next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), None)


def _check_name(name: str, kind: MediaType) -> None:
    if _NAMES.get(PurePath(name).suffix.lower(), kind) is not kind:
        raise _refused(FaultCode.FILE_KIND, "文件内容与扩展名不符，请用原软件重新导出后上传")


def _damaged() -> Problem:
    return _refused(FaultCode.FILE_DAMAGED, "文件不完整或已损坏，请重新导出后上传")


def _refused(code: RefusalCode, detail: str) -> Problem:
    return Problem(422, code, "文件不能使用", detail)

"""What a file really is: its content decides, its name may only agree; and what of it is stored."""

import asyncio
import io
import warnings
from pathlib import PurePath

from PIL import Image

from api.problems import Problem
from models.pdf_files import clean_pdf, is_pdf
from models.platform_words import MediaType
from models.sheet_archive import is_workbook

MAX_PIXELS = 40_000_000
_NAMES = {
    ".pdf": MediaType.PDF,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".xlsx": MediaType.XLSX,
}
_MAGIC = {MediaType.PNG: b"\x89PNG\r\n\x1a\n", MediaType.JPEG: b"\xff\xd8\xff"}

_IMAGES = {MediaType.PNG: "PNG", MediaType.JPEG: "JPEG"}


async def as_stored(data: bytes, name: str) -> tuple[bytes, MediaType]:
    """The bytes to store and their kind: of a PDF what is between its head and its end.

    A Problem for a file that is empty, damaged or of another kind than its name says.
    """
    kind = await asyncio.to_thread(kind_of, data, name)
    if kind is MediaType.PDF:
        clean = await asyncio.to_thread(clean_pdf, data)
        if clean is None:
            raise _damaged()
        return clean, kind
    if kind in _IMAGES and not await asyncio.to_thread(_is_picture, data, _IMAGES[kind]):
        raise _damaged()
    return data, kind


def kind_of(data: bytes, name: str) -> MediaType:
    """The kind by the content, if the name says no other one."""
    if not data:
        raise _refused("FILE_EMPTY", "文件为空（0 字节），请重新选择文件上传")
    kind = _guess(data)
    if kind is None:
        raise _refused("FILE_KIND", "只能上传 PDF、PNG、JPEG 或 xlsx 文件，请转换格式后上传")
    if _NAMES.get(PurePath(name).suffix.lower(), kind) is not kind:
        raise _refused("FILE_KIND", "文件内容与扩展名不符，请用原软件重新导出后上传")
    return kind


def _guess(data: bytes) -> MediaType | None:
    if data.startswith(b"PK"):
        return MediaType.XLSX if is_workbook(data) else None
    pictures = (kind for kind, magic in _MAGIC.items() if data.startswith(magic))
    return next(pictures, MediaType.PDF if is_pdf(data) else None)


def _is_picture(data: bytes, name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=(name,)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _refused("FILE_PIXELS", f"图片超过 {MAX_PIXELS // 1_000_000} 百万像素，请缩小后上传")
                image.load()
        except Problem:
            raise
        except Exception:  # a decoder fails on hostile bytes in any way it likes
            return False
    return True


def _damaged() -> Problem:
    return _refused("FILE_DAMAGED", "文件不完整或已损坏，请重新导出后上传")


def _refused(code: str, detail: str) -> Problem:
    return Problem(422, code, "文件不能使用", detail)

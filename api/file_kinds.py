"""What a file really is: its content decides, its name may only agree."""

import io
import warnings
import zipfile
from pathlib import PurePath

from PIL import Image

from api.problems import Problem
from models.platform_words import MediaType

MAX_PIXELS = 40_000_000
_TAIL = 2048
_NAMES = {
    ".pdf": MediaType.PDF,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".xlsx": MediaType.XLSX,
}
_WORKBOOK = {"[Content_Types].xml", "xl/workbook.xml"}
_MAGIC = {MediaType.PDF: b"%PDF-", MediaType.PNG: b"\x89PNG\r\n\x1a\n", MediaType.JPEG: b"\xff\xd8\xff"}
_IMAGES = {MediaType.PNG: "PNG", MediaType.JPEG: "JPEG"}


def kind_of(data: bytes, name: str) -> MediaType:
    """The kind of a file by its content; a Problem for one that is empty, damaged or of another kind than it says."""
    if not data:
        raise _refused("FILE_EMPTY", "文件为空（0 字节），请重新选择文件上传")
    kind = _guess(data)
    if kind is None:
        raise _refused("FILE_KIND", "只能上传 PDF、PNG、JPEG 或 xlsx 文件，请转换格式后上传")
    if _NAMES.get(PurePath(name).suffix.lower(), kind) is not kind:
        raise _refused("FILE_KIND", "文件内容与扩展名不符，请用原软件重新导出后上传")
    if not _is_whole(data, kind):
        raise _refused("FILE_DAMAGED", "文件不完整或已损坏，请重新导出后上传")
    return kind


def _guess(data: bytes) -> MediaType | None:
    if data.startswith(b"PK"):
        return MediaType.XLSX if _is_workbook(data) else None
    return next((kind for kind, magic in _MAGIC.items() if data.startswith(magic)), None)


def _is_workbook(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return set(archive.namelist()) >= _WORKBOOK
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError):
        return False


def _is_whole(data: bytes, kind: MediaType) -> bool:
    if kind is MediaType.PDF:
        return b"%%EOF" in data[-_TAIL:]
    return kind is MediaType.XLSX or _is_picture(data, _IMAGES[kind])


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


def _refused(code: str, detail: str) -> Problem:
    return Problem(422, code, "文件不能使用", detail)

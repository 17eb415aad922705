"""Pictures of people: only real ones of bounded size are taken, drawn anew without their metadata."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import BinaryIO

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from models.wire.words import MediaType
from models.words.refusals import Refusal, RefusalCode

MAX_SIDE = 20_000
MAX_PIXELS = 40_000_000
# What a decoder may hold at once; a large JPEG is decoded smaller than it is, so that 40 million pixels of it fit.
MAX_DECODED_BYTES = 96_000_000
LONGEST_EDGE = 4_000
JPEG_QUALITY = 88
# Rather a larger file than a long wait: most of the time of a picture with alpha goes into packing it.
PNG_LEVEL = 3
_FORMATS = ("JPEG", "PNG")
_PIXEL_BYTES = 4
_COEFFICIENT_BYTES = 2


class PhotoRefused(Exception):
    """What was handed in is no usable photo; `code` is stable, `message` says what to do."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code)


@dataclass(frozen=True)
class Photo:
    data: bytes
    media_type: MediaType


@dataclass(frozen=True)
class Measure:
    """What a picture's head says: its pixels, and the bytes that decoding takes."""

    pixels: int
    decoded_bytes: int


NOT_A_PICTURE = (Refusal.PHOTO_KIND, "不是 JPEG 或 PNG 图片，请重新拍照或导出为 JPEG 后上传")
TOO_LARGE = (
    Refusal.PHOTO_PIXELS,
    f"图片的像素太多（最多 {MAX_PIXELS // 10_000} 万像素，每边最多 {MAX_SIDE} 像素，PNG 和渐进式 JPEG 更少），"
    f"请缩小到 {LONGEST_EDGE}×3000 像素以内后重新上传",
)


def measure(source: BinaryIO) -> Measure:
    """Looks at the head only; PhotoRefused for what is no picture, or too large to be decoded."""
    with _hostile():
        source.seek(0)
        if not source.read(1):
            raise PhotoRefused(Refusal.PHOTO_EMPTY, "文件为空（0 字节），请重新上传")
        with _opened(source) as image:
            return _bounded(image)


def redraw(data: bytes) -> Photo:
    """The picture decoded whole and encoded again: what hides in a file, EXIF with places too, stays behind."""
    measure(io.BytesIO(data))
    with _hostile():
        with _opened(io.BytesIO(data)) as image:
            image.verify()
        return _encode(_decode(data))


@contextmanager
def _hostile() -> Iterator[None]:
    """A decoder fails on hostile bytes in any way it likes: all of them are one refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except PhotoRefused:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
            raise PhotoRefused(*TOO_LARGE) from None
        except Exception:
            raise PhotoRefused(*NOT_A_PICTURE) from None


def _opened(source: BinaryIO) -> Image.Image:
    source.seek(0)
    image = Image.open(source, formats=_FORMATS)
    if max(image.size) > MAX_SIDE or image.width * image.height > MAX_PIXELS:
        raise PhotoRefused(*TOO_LARGE)
    return image


def _bounded(image: Image.Image) -> Measure:
    pixels, decoded = image.width * image.height, _coefficient_bytes(image)
    _shrink(image)
    decoded += image.width * image.height * _PIXEL_BYTES
    if image.format == "PNG" and max(image.size) > LONGEST_EDGE:
        decoded *= 2  # a picture with alpha is multiplied out before it is made smaller
    if decoded > MAX_DECODED_BYTES:
        raise PhotoRefused(*TOO_LARGE)
    return Measure(pixels, decoded)


def _coefficient_bytes(image: Image.Image) -> int:
    """A progressive JPEG lies in its decoder whole, as coefficients of each colour, before its first pixel is known."""
    if not isinstance(image, JpegImageFile) or not image.info.get("progressive"):
        return 0
    cells = [across * down for _, across, down, _ in image.layer]
    return image.width * image.height * sum(cells) * _COEFFICIENT_BYTES // max(cells)


def _shrink(image: Image.Image) -> None:
    """A JPEG over the longest edge comes out of its decoder halved or quartered, never under half that edge."""
    if image.format == "JPEG" and max(image.size) > LONGEST_EDGE:
        image.draft(None, (LONGEST_EDGE // 2, LONGEST_EDGE // 2))


def _decode(data: bytes) -> Image.Image:
    with _opened(io.BytesIO(data)) as image:
        _shrink(image)
        image.load()
        # by whole pixels, in one go: any other way makes copies of the large picture
        factor = ceil(max(image.size) / LONGEST_EDGE)
        smaller = image.reduce(factor) if factor > 1 else image
        ImageOps.exif_transpose(smaller, in_place=True)
        return smaller


def _encode(image: Image.Image) -> Photo:
    """Only pixels go on: what an opened file says of itself would be carried along into the next one."""
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    mode = "RGBA" if has_alpha else "L" if image.mode in {"1", "L"} else "RGB"
    pixels = image if image.mode == mode else image.convert(mode)
    pixels.info.clear()
    target = io.BytesIO()
    if has_alpha:
        pixels.save(target, "PNG", compress_level=PNG_LEVEL)
        return Photo(target.getvalue(), MediaType.PNG)
    pixels.save(target, "JPEG", quality=JPEG_QUALITY)
    return Photo(target.getvalue(), MediaType.JPEG)

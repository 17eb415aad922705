"""Photos of applications: only real pictures of bounded size are taken, drawn anew without their metadata."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

from models.platform_words import MediaType

MAX_PIXELS = 40_000_000
LONGEST_EDGE = 4_000
JPEG_QUALITY = 88
_FORMATS = ("JPEG", "PNG")


class PhotoRefused(Exception):
    """What was handed in is no usable photo; `code` is stable, `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(code)


@dataclass(frozen=True)
class Photo:
    data: bytes
    media_type: MediaType


NOT_A_PICTURE = ("PHOTO_KIND", "不是 JPEG 或 PNG 图片，请重新拍照或导出为 JPEG 后上传")


def redraw(data: bytes) -> Photo:
    """The picture decoded whole and encoded again: what hides in a file, EXIF with places too, stays behind."""
    if not data:
        raise PhotoRefused("PHOTO_EMPTY", "文件为空（0 字节），请重新上传")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            _verify(data)
            return _encode(_decode(data))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_many_pixels() from None
        except PhotoRefused:
            raise
        except Exception:  # a decoder fails on hostile bytes in any way it likes
            raise PhotoRefused(*NOT_A_PICTURE) from None


def _verify(data: bytes) -> None:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_many_pixels()
        image.verify()


def _decode(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.format == "JPEG":
            image.draft(None, (LONGEST_EDGE, LONGEST_EDGE))
        image.load()
        upright = ImageOps.exif_transpose(image)
    upright.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    return upright


def _encode(image: Image.Image) -> Photo:
    """Pixels go into a fresh image, since an opened one carries its metadata along into the next file."""
    has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    mode = "RGBA" if has_alpha else "L" if image.mode in {"1", "L"} else "RGB"
    pixels = image.convert(mode)
    fresh = Image.new(mode, pixels.size)
    fresh.paste(pixels)
    target = io.BytesIO()
    if has_alpha:
        fresh.save(target, "PNG")
        return Photo(target.getvalue(), MediaType.PNG)
    fresh.save(target, "JPEG", quality=JPEG_QUALITY)
    return Photo(target.getvalue(), MediaType.JPEG)


def _too_many_pixels() -> PhotoRefused:
    return PhotoRefused("PHOTO_PIXELS", f"图片超过 {MAX_PIXELS // 1_000_000} 百万像素，请缩小后重新上传")

"""A stored picture made smaller for a slow line: always a JPEG, never over 60 KB. It was drawn by us before."""

import io

from PIL import Image

MOST_BYTES = 60_000
LEAST_WIDTH, MOST_WIDTH = 40, 1_600
_QUALITIES = (80, 60, 40)
# Each time that no quality is small enough.
_STEP = 0.75
_PAPER = (255, 255, 255)


def smaller(data: bytes, width: int) -> bytes:
    """Not wider than `width` pixels; a picture that is narrower keeps its own."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        # a JPEG comes out of its decoder at about this size
        image.draft("RGB", (width, width))
        picture = _on_paper(image)
    picture.thumbnail((width, 20 * width))
    while True:
        for quality in _QUALITIES:
            packed = _packed(picture, quality)
            if len(packed) <= MOST_BYTES:
                return packed
        picture = picture.resize((max(1, int(picture.width * _STEP)), max(1, int(picture.height * _STEP))))


def _on_paper(image: Image.Image) -> Image.Image:
    """What was seen through is white."""
    if image.mode not in {"RGBA", "LA", "P", "PA"}:
        return image.convert("RGB")
    whole = image.convert("RGBA")
    paper = Image.new("RGB", whole.size, _PAPER)
    paper.paste(whole, mask=whole.getchannel("A"))
    return paper


def _packed(picture: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=quality, optimize=True)
    return target.getvalue()

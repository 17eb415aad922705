"""What a demo hands in: drawn photos and a small form, all made up."""

import io
import zipfile
from collections.abc import Sequence

from PIL import Image, ImageDraw

PHOTO_KINDS = ("id_card_front", "portrait", "invoice")
COLOURS = {"id_card_front": "#d7e8f5", "portrait": "#f5e3d7", "invoice": "#f2f5d7", "notice": "#ffffff"}


def drawing(kind: str, words: str) -> bytes:
    """A JPEG with its kind and a line of text, a few KiB."""
    picture = Image.new("RGB", (480, 300), COLOURS.get(kind, "#eeeeee"))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((8, 8, 471, 291), outline="#555555", width=3)
    pen.text((30, 40), kind, fill="#333333")
    pen.text((30, 140), words, fill="#111111")
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return file.getvalue()


def photo_archive(kind: str, application_nos: Sequence[str]) -> bytes:
    """A zip whose file names are application numbers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number in application_nos:
            archive.writestr(f"{number}.jpg", drawing(kind, number))
    return file.getvalue()


def form_pdf(title: str) -> bytes:
    """A one-page PDF, small but real."""
    picture = Image.new("RGB", (595, 842), "white")
    ImageDraw.Draw(picture).text((60, 80), title.encode("ascii", "replace").decode(), fill="black")
    file = io.BytesIO()
    picture.save(file, "PDF")
    return file.getvalue()

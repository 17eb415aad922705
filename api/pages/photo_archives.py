"""材料照片包: a zip of pictures for many applications; all of them are taken in, or none (S1 2.1, 2.8)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.one import sent_file
from api.pages.window import Staff, Window
from models.words.evidence import PHOTOS

PATH = "/console/photo-archives"
router = APIRouter(prefix=PATH, include_in_schema=False)


@router.get("")
async def archive_page(window: Staff) -> Response:
    return window.show("photo_archive.html", kinds=list(PHOTOS.items()))


@router.post("")
async def hand_in(window: Staff) -> Response:
    asked = _stored(window)
    return await window.act(
        asked, lambda answer: f"photos_stored.{answer['photos']}", PATH, lambda: archive_page(window)
    )


async def _stored(window: Window) -> Any:
    kind, sent = window.form.text("kind"), sent_file(window, "file", "请选择照片的 zip 压缩包")
    return await window.ask.upload("POST", "/photo-archives", {"kind": kind} if kind else {}, sent)

"""公示网页, for anybody: a batch's villages and each village's lines; nobody signs in, and nothing can be searched."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from api.pages.public_window import Passer

router = APIRouter(include_in_schema=False)


@router.get("/robots.txt")
async def robots() -> Response:
    """Search engines keep nothing of here; the pages say so themselves, too."""
    return PlainTextResponse("User-agent: *\nDisallow: /\n")


@router.get("/public/{batch_no}")
async def public_list(window: Passer, batch_no: str) -> Response:
    return await window.show_kept("public/list.html", f"/public-lists/{batch_no}")


@router.get("/public/{batch_no}/{town_code}/{village_code}")
async def public_village(window: Passer, batch_no: str, town_code: str, village_code: str) -> Response:
    place = f"/public-lists/{batch_no}/{town_code}/{village_code}"
    return await window.show_kept("public/village.html", place, page=window.query("page"))

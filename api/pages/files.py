"""A county's stored file, as it came: a scan, a proof, a picture."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.window import Staff

router = APIRouter(include_in_schema=False)


@router.get("/console/files/{file_id}")
async def show_file(window: Staff, file_id: int) -> Response:
    return window.ask.file(f"/files/{file_id}")

"""Styles and scripts: under the hash of what they hold, kept by browsers for a year."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Vary": "Accept-Encoding",
}
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _File:
    hash: str
    media_type: str
    content: bytes
    packed: bytes


@cache
def _files() -> dict[str, _File]:
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            name = path.relative_to(_FOLDER).as_posix()
            digest = hashlib.sha256(content).hexdigest()[:16]
            found[name] = _File(digest, _TYPES[path.suffix], content, gzip.compress(content, 9, mtime=0))
    return found


def static_url(name: str) -> str:
    return f"/static/{_files()[name].hash}/{name}"


@router.get("/static/{digest}/{name:path}")
async def give(request: Request, digest: str, name: str) -> Response:
    file = _files().get(name)
    if file is None or file.hash != digest:
        raise HTTPException(404)
    headers = _KEPT
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.content, headers=headers, media_type=file.media_type)

"""How much a request may bring; held before a body is read and while it is read."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem
from models.platform import BODY_LIMIT

MIB = 1024 * 1024
JSON_LIMIT = MIB
# What a form says around its file.
FORM_EXTRA = 64 * 1024
CALLBACKS = "/callbacks/"


class BodyLimit:
    """ASGI middleware: 413 for a body over the limit of its kind."""

    def __init__(self, app: ASGIApp, upload_max_mib: int) -> None:
        self._app = app
        self._upload_limit = upload_max_mib * MIB + FORM_EXTRA

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"], headers)
        if _declared(headers) > limit:
            await _too_large(limit).response()(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)

    def _limit(self, path: str, headers: Mapping[str, str]) -> int:
        if path.startswith(CALLBACKS):
            return BODY_LIMIT
        is_form = headers.get("content-type", "").startswith("multipart/")
        return self._upload_limit if is_form else JSON_LIMIT


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                # an HTTPException is the one error that FastAPI's body reading lets through
                raise HTTPException(413)
        return message

    return counted


def _declared(headers: Mapping[str, str]) -> int:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _too_large(limit: int) -> Problem:
    return Problem(413, "PAYLOAD_TOO_LARGE", "内容太大", f"最多 {limit // MIB} MiB，请缩小文件或分几次提交")

"""One answer per Idempotency-Key: the work and its answer are stored in one transaction, a repeat gets the answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fastapi import Request, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import FormData, UploadFile

from api.server.problems import Problem
from api.server.rendering import rendered
from models.store.locking import begin_act
from models.store.sql import execute, fetch_one
from models.store.vault import Vault
from models.words.refusals import Refusal

HEADER = "Idempotency-Key"
_MAX_KEY = 200
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Reply:
    """What an act is answered with."""

    status: int
    body: Mapping[str, object] | BaseModel
    location: str | None = None

    def content(self) -> bytes:
        body = self.body.model_dump(mode="json") if isinstance(self.body, BaseModel) else self.body
        return rendered(body)

    def response(self) -> Response:
        return _response(self.status, self.content(), self.location)


class _Stored(NamedTuple):
    request_sha256: str
    status: int
    body: str
    location: str | None


Work = Callable[[AsyncSession], Awaitable[Reply]]


class Answered(Exception):
    """The request was answered before: its stored answer goes out, whatever has changed since."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


def idempotency_key(request: Request) -> str:
    key = request.headers.get(HEADER, "")
    if not key or len(key) > _MAX_KEY or not key.isascii() or not key.isprintable():
        detail = f"请在请求头 {HEADER} 中给出 1 到 {_MAX_KEY} 个字符的唯一值；重试同一请求时用同一个值"
        raise Problem(400, Refusal.IDEMPOTENCY_KEY_MISSING, "缺少防重标识", detail)
    return key


async def only_previews(request: Request) -> bool:
    """Whether an act is only to be previewed, as its route will read the body too: nothing is done, so nothing kept."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return False
    body = await request.body()
    if b'"preview"' not in body:
        return False
    try:
        asked = json.loads(body)
    except ValueError:
        return False
    return isinstance(asked, dict) and asked.get("preview") is True


async def fingerprint(vault: Vault, request: Request) -> str:
    """Keyed digest of what is asked: a form by its parts, since its boundary differs on every attempt."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if request.headers.get("content-type", "").startswith("multipart/"):
        await _digest_form(digest, await request.form())
    else:
        digest.update(await request.body())
    return vault.digest(digest.digest())


async def _digest_form(digest: "hashlib._Hash", form: FormData) -> None:
    for name, value in form.multi_items():
        size, content = await _digest_file(value) if isinstance(value, UploadFile) else _digest_text(value)
        digest.update(f"{name}:{size}:".encode() + content)


async def _digest_file(file: UploadFile) -> tuple[int, bytes]:
    """Piece by piece: a file lies on the disk, and there it stays."""
    await file.seek(0)
    size, content = 0, hashlib.sha256()
    while piece := await file.read(_PIECE):
        size += len(piece)
        content.update(piece)
    await file.seek(0)
    return size, content.digest()


def _digest_text(value: str) -> tuple[int, bytes]:
    data = value.encode()
    return len(data), hashlib.sha256(data).digest()


async def answer_once(session: AsyncSession, vault: Vault, caller: str, request: Request, work: Work) -> Response:
    """Within the session's transaction: the stored answer for this key, or the work and its answer stored.

    A refusal is not stored: it changed nothing, and the same key may be used again once the reason is gone.
    """
    # Read first: a body that comes slowly must not be waited for with locks in hand.
    key, asked = idempotency_key(request), await fingerprint(vault, request)
    await begin_act(session, f"answer/{caller}/{key}")
    if (answered := await answer_before(session, vault, caller, request)) is not None:
        return answered
    reply = await work(session)
    content = reply.content()
    await execute(
        session,
        "INSERT INTO idempotent_answer (caller, key, request_sha256, status, body, location, created_at)"
        " VALUES (:caller, :key, :asked, :status, :body, :location, now())",
        caller=caller,
        key=key,
        asked=asked,
        status=reply.status,
        body=vault.seal_body(f"{caller}/{key}", content),
        location=reply.location,
    )
    return _response(reply.status, content, reply.location)


async def answer_before(session: AsyncSession, vault: Vault, caller: str, request: Request) -> Response | None:
    """The stored answer for this key, or 422 when the key was another request's."""
    key = idempotency_key(request)
    stored = await fetch_one(
        session,
        _Stored,
        "SELECT request_sha256, status, body, location FROM idempotent_answer WHERE caller = :caller AND key = :key",
        caller=caller,
        key=key,
    )
    if stored is None:
        return None
    if stored.request_sha256 != await fingerprint(vault, request):
        detail = f"这个 {HEADER} 已用于另一个请求；新的请求请换一个新值"
        raise Problem(422, Refusal.IDEMPOTENCY_MISMATCH, "防重标识已被使用", detail)
    content = vault.open_body(f"{caller}/{key}", stored.body)
    response = _response(stored.status, content, stored.location)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _response(status: int, content: bytes, location: str | None) -> Response:
    headers = {"Location": location} if location else None
    return Response(content, status, headers=headers, media_type="application/json")

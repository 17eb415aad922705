"""The platform's callbacks: the seal is checked, the event stored, then acknowledged; the relay does the rest."""

from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.parts import Parts, parts_of
from api.problems import Problem
from models.signing import SignatureRefused, sha256_hex, verify_callback
from models.store.database import Pool, fetch_one
from models.store.inbox import body_row

router = APIRouter(tags=["平台回调"])
_LOG = structlog.get_logger()
# Every column is named: a single statement on an autocommitting connection is one round trip and one flush.
_STORE = (
    "INSERT INTO inbox (province_code, event_id, source, event_type, body_sha256, body, state, received_at,"
    " next_try_at, tries) VALUES (:province, :event, 'callback', '', :digest, :body, 'received', now(), now(), 0)"
    " ON CONFLICT (province_code, event_id) DO NOTHING RETURNING id"
)
_STORE_CONFLICT = (
    "INSERT INTO inbox_conflict (inbox_id, body_sha256, body, received_at) SELECT id, CAST(:digest AS text),"
    " CAST(:body AS text), now() FROM inbox"
    " WHERE province_code = :province AND event_id = :event AND body_sha256 <> CAST(:digest AS text)"
    " ON CONFLICT (inbox_id, body_sha256) DO NOTHING RETURNING inbox_id"
)


@router.post("/callbacks/{province_code}", status_code=204, summary="平台回调", response_class=Response)
async def take_callback(province_code: str, request: Request) -> Response:
    """204 once the event is durable, and for every repeat of it; 401 when the seal isn't right."""
    parts = parts_of(request)
    body = await request.body()
    event_id = _verified(parts, province_code, request, body)
    values = {
        "province": province_code,
        "event": event_id,
        "digest": sha256_hex(body),
        "body": parts.vault.seal_body(body_row(province_code, event_id), body),
    }
    async with parts.database.pool(Pool.CALLBACKS).writing_once() as session:
        if await fetch_one(session, _STORE, **values) is None:
            await _keep_beside(session, values)
    # No NOTIFY: it would make commits of all callbacks queue up behind each other; other replicas poll.
    if parts.relay is not None:
        parts.relay.nudge()
    return Response(status_code=204)


def _verified(parts: Parts, province_code: str, request: Request, body: bytes) -> str:
    credentials = parts.clients.get(province_code)
    try:
        if credentials is None:
            raise SignatureRefused("no such province")
        return verify_callback(credentials, request.headers, body, datetime.now(UTC)).callback_id
    except SignatureRefused as refused:
        _LOG.warning("callback refused", reason=str(refused))
        detail = "请核对 webhook-id、webhook-timestamp、webhook-signature 以及所用密钥和时钟"
        raise Problem(401, "SIGNATURE_REFUSED", "回调签名无效", detail) from None


async def _keep_beside(session: AsyncSession, values: dict[str, str]) -> None:
    """The same id with another body: kept for a person to look at, nothing is applied."""
    if await fetch_one(session, _STORE_CONFLICT, **values) is not None:
        _LOG.warning("callback with a known id and another body", province=values["province"])

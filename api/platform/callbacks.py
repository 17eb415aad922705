"""The platform's callbacks: the seal is checked, the event stored, then acknowledged; the relay does the rest."""

from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.parts import Parts, parts_of
from api.server.answers import refusals
from api.server.beside_loop import beside_loop
from api.server.problems import Problem
from models.fault_points import FaultPoint, reach
from models.store.database import Pool
from models.store.events.inbox import body_row
from models.store.sql import fetch_one
from models.wire.signing import PlatformCredentials, SignatureRefused, check_heads, verify_callback
from models.words.refusals import Refusal

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


@router.post(
    "/callbacks/{province_code}",
    status_code=204,
    summary="平台回调",
    response_class=Response,
    responses=refusals(
        SIGNATURE_REFUSED=401,
        REQUEST_TIMEOUT=408,
        PAYLOAD_TOO_LARGE=413,
        BUSY=503,
        UNAVAILABLE=503,
        TOO_SLOW=503,
    ),
)
async def take_callback(province_code: str, request: Request) -> Response:
    """204 once the event is durable, and for every repeat of it; 401 when the seal isn't right."""
    parts = parts_of(request)
    credentials = _addressed(parts, province_code, request)
    async with parts.callback_room.holding(request.stream()) as body:
        values = await beside_loop(len(body), lambda: _taken(parts, credentials, province_code, request, body))
    reach(FaultPoint.BEFORE_INBOX_COMMIT)
    async with parts.database.pool(Pool.CALLBACKS).writing_once() as session:
        if await fetch_one(session, int, _STORE, **values) is None:
            await _keep_beside(session, values)
    reach(FaultPoint.AFTER_INBOX_COMMIT)
    # No NOTIFY: it would make commits of all callbacks queue up behind each other; other replicas poll.
    if parts.relay is not None:
        parts.relay.nudge()
    return Response(status_code=204)


def _addressed(parts: Parts, province_code: str, request: Request) -> PlatformCredentials:
    """Whose platform it says it is from; what its headers can't be is refused before its body is read."""
    credentials = parts.clients.get(province_code)
    try:
        if credentials is None:
            raise SignatureRefused("no such province")
        check_heads(request.headers, datetime.now(UTC))
    except SignatureRefused as refused:
        raise _refusal(refused) from None
    return credentials


def _taken(
    parts: Parts, credentials: PlatformCredentials, province_code: str, request: Request, body: bytes
) -> dict[str, str]:
    """The row of a callback whose signature is right."""
    try:
        event_id = verify_callback(credentials, request.headers, body, datetime.now(UTC)).callback_id
    except SignatureRefused as refused:
        raise _refusal(refused) from None
    return {
        "province": province_code,
        "event": event_id,
        "digest": parts.vault.digest(body),
        "body": parts.vault.seal_body(body_row(province_code, event_id), body),
    }


def _refusal(refused: SignatureRefused) -> Problem:
    _LOG.warning("callback refused", reason=str(refused))
    detail = "请核对 webhook-id、webhook-timestamp、webhook-signature 以及所用密钥和时钟"
    return Problem(401, Refusal.SIGNATURE_REFUSED, "回调签名无效", detail)


async def _keep_beside(session: AsyncSession, values: dict[str, str]) -> None:
    """The same id with another body: kept for a person to look at, nothing is applied."""
    if await fetch_one(session, int, _STORE_CONFLICT, **values) is not None:
        _LOG.warning("callback with a known id and another body", province=values["province"])

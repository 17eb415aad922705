"""The bare script's way to the platform: signed calls out, callbacks in, each stored before it is acknowledged."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import orjson
import psycopg
import uvicorn
from psycopg_pool import AsyncConnectionPool

from models.wire.signing import PlatformCredentials, sha256_hex, sign_request, verify_callback

Json = dict[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
_STORE = (
    "INSERT INTO bare.inbox (province_code, event_id, source, event_type, body_sha256, body, state, received_at,"
    " next_try_at, tries) VALUES ('500000', %s, 'callback', '', %s, %s, 'received', now(), now(), 0)"
    " ON CONFLICT (province_code, event_id) DO NOTHING"
)


class Platform:
    """Calls under the same signatures and keys as the product's."""

    def __init__(self, http: httpx.AsyncClient, credentials: PlatformCredentials) -> None:
        self._http = http
        self._credentials = credentials

    async def get(self, path: str) -> Json:
        return await self._call("GET", path, b"", {})

    async def send(self, method: str, path: str, body: Json) -> Json:
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        return await self._call(method, path, orjson.dumps(body), headers)

    async def upload(self, content: bytes, media_type: str) -> str:
        path = f"/files/{sha256_hex(content)}"
        return str((await self._call("PUT", path, content, {"Content-Type": media_type}))["file_id"])

    async def _call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Json:
        request = self._http.build_request(
            method, self._credentials.base_url + path, content=body or None, headers=headers
        )
        target = request.url.raw_path.decode()
        seal = sign_request(
            self._credentials, method, target, sha256_hex(body), f"req_{uuid.uuid4().hex}", datetime.now(UTC)
        )
        request.headers.update(seal)
        answer = await self._http.send(request)
        answer.raise_for_status()
        return cast(Json, orjson.loads(answer.content)) if answer.content else {}


class Callbacks:
    """A receiver on a port of its own: checks the seal, commits the event, answers, hands it to the script."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection], credentials: PlatformCredentials) -> None:
        self._pool = pool
        self._credentials = credentials
        self._events: asyncio.Queue[Json] = asyncio.Queue()

    async def next(self, *types: str) -> Json:
        """The data of the next event; the script knows in which order its own events come."""
        event = await asyncio.wait_for(self._events.get(), 30)
        assert event["type"] in types, event["type"]
        return cast(Json, event["data"]) | {"type": event["type"]}

    async def serve(self, port: int) -> None:
        config = uvicorn.Config(
            self._app, "127.0.0.1", port, interface="asgi3", lifespan="off", access_log=False, log_level="warning"
        )
        await uvicorn.Server(config).serve()

    async def _app(self, scope: Message, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        event_id = verify_callback(self._credentials, headers, body, datetime.now(UTC)).callback_id
        async with self._pool.connection() as connection:
            await connection.execute(_STORE, (event_id, sha256_hex(body), body.decode()))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        self._events.put_nowait(orjson.loads(body))

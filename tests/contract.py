"""Every answer that an API gives in the process of a test is held against /openapi.json.

Of a route whose answer has a shape: status, code, headers, media type and JSON are as the document says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import orjson
from jsonschema_rs import Registry, Validator, validator_for
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.main import openapi
from api.server.openapi import HEADERS
from api.server.problems import MEDIA_TYPE
from api.server.security_headers import IN_BYTES

_DOCUMENT = "urn:api"
# What every answer has, and what belongs to the connection.
_EVERY = {line.partition(b":")[0].decode() for line in IN_BYTES.splitlines()} | {
    *("content-length", "content-type", "connection", "date", "strict-transport-security", "transfer-encoding")
}
# What was found since the fixture looked last: an error behind an answer would only be in the server's log.
lies: list[str] = []


@dataclass
class _Answer:
    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def is_json(self) -> bool:
        return self.media_type in ("application/json", MEDIA_TYPE)


class HeldToContract:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        openapi()  # made once for the process, and not within somebody's measured turn of the loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer()

        async def listening(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = str(message["status"])
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            elif answer.is_json:
                answer.pieces.append(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, listening)
        operation = _operation(scope)
        # what was stored is given again as it was, whatever the shape is today
        repeated = "idempotency-replayed" in answer.headers
        if operation is not None and answer.status and not repeated and (lie := _lie(*operation, answer)):
            lies.append(f"{scope['method']} {operation[0]} {answer.status}: {lie}")


def _operation(scope: Scope) -> tuple[str, str, Mapping[str, Any]] | None:
    """Path as it stands in the document, method, and what is told of it; None for what has no shape."""
    route: BaseRoute | None = scope.get("route")
    path, method = getattr(route, "path", ""), scope["method"].lower()
    operation = openapi()["paths"].get(path, {}).get(method)
    return (path, method, operation) if operation is not None and has_shape(operation) else None


def has_shape(operation: Mapping[str, Any]) -> bool:
    """Whether what it answers with is told: JSON with a schema, files, or nothing at all."""
    good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    contents = [content for answer in good for content in answer.get("content", {}).values()]
    return bool(good) and all(content.get("schema") for content in contents)


def _lie(path: str, method: str, operation: Mapping[str, Any], answer: _Answer) -> str | None:
    told = operation["responses"].get(answer.status)
    if told is None:
        return f"status is not told: {b''.join(answer.pieces)[:200].decode(errors='replace')}"
    if unknown := answer.headers.keys() - _EVERY - {name.lower() for name in told.get("headers", ())}:
        return f"headers are not told: {unknown}"
    if missing := [name for name in told.get("headers", ()) if name.lower() not in answer.headers and _must(name)]:
        return f"headers are missing: {missing}"
    if answer.media_type not in told.get("content", {"": None}):
        return f"media type is not told: {answer.media_type}"
    return _misshapen(path, method, answer) if answer.is_json else None


def _must(header: str) -> bool:
    return bool(HEADERS[header].get("required"))


def _misshapen(path: str, method: str, answer: _Answer) -> str | None:
    content = orjson.loads(b"".join(answer.pieces))
    validator = _validator(path, method, answer.status, answer.media_type)
    if validator.is_valid(content):
        return None
    # where and what kind of fault; what stands there may be somebody's
    found = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in validator.iter_errors(content)
    ]
    return "; ".join(found[:5])


@cache
def _validator(path: str, method: str, status: str, media_type: str) -> Validator:
    steps = ("paths", path, method, "responses", status, "content", media_type, "schema")
    pointer = "/".join(quote(step.replace("~", "~0").replace("/", "~1"), safe="~") for step in steps)
    return validator_for({"$ref": f"{_DOCUMENT}#/{pointer}"}, registry=_registry())


@cache
def _registry() -> Registry:
    return Registry([(_DOCUMENT, {"$schema": "https://json-schema.org/draft/2020-12/schema", **openapi()})])

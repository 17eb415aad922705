"""One exchange with the platform over HTTP: signed, bounded, and read so that nothing odd passes for success."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from activities.platform.errors import LONGEST_WAIT_SECONDS, PlatformRefusal, PlatformUnavailable
from activities.platform.routes import ROUTES, Route
from models.wire import answers
from models.wire.answers import BODY_LIMIT, Wire, province_of
from models.wire.signing import PlatformCredentials, sha256_hex, sign_request
from models.wire.words import Operation, ProblemCode
from models.words.errors import PlatformTrouble

Answer = TypeVar("Answer", bound=Wire)

# Temporary whatever the status: the platform asks to come again, or its operator must repair our access first.
_TEMPORARY = frozenset(
    {
        ProblemCode.IN_PROGRESS,
        ProblemCode.RATE_LIMITED,
        ProblemCode.UNAUTHORIZED,
        ProblemCode.FORBIDDEN_COUNTY,
        ProblemCode.INTERNAL,
        ProblemCode.UNAVAILABLE,
    }
)
_BY_STATUS: Mapping[int, ProblemCode | PlatformTrouble] = {
    401: ProblemCode.UNAUTHORIZED,
    403: ProblemCode.FORBIDDEN_COUNTY,
    408: PlatformTrouble.PLATFORM_UNAVAILABLE,
    429: ProblemCode.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True)
class Call:
    operation: Operation
    county_code: str
    place: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, str | int] = field(default_factory=dict)
    # what the answer must repeat; null is allowed where the contract allows it
    echo: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        return ROUTES[self.operation]


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    media_type: str
    body: bytes
    retry_after: float | None = None
    # by its own clock, as it says it
    date: str = ""

    @property
    def at(self) -> datetime | None:
        """Its Date header (RFC 9110); one that is none says nothing."""
        try:
            at = parsedate_to_datetime(self.date)
        except ValueError:
            return None
        return at if at.tzinfo is not None else None


class AnswerOutsideContract(Exception):
    """The reply is outside the contract; the text says how, without quoting it."""


def read_answer(call: Call, reply: HttpReply, shape: type[Answer]) -> Answer:
    """Raises OddAnswer, PlatformRefusal or PlatformUnavailable for all that isn't the success of this operation."""
    if reply.status not in call.route.success:
        raise _trouble(call, reply)
    if reply.status != 204 and reply.media_type != "application/json":
        raise AnswerOutsideContract(f"{reply.status} without JSON")
    return parse_answer(call, reply.body, shape)


def parse_answer(call: Call, body: bytes, shape: type[Answer]) -> Answer:
    """Also for an answer kept from before, where an empty body is that of a 204."""
    try:
        answer = shape.model_validate_json(body or b"{}")
    except ValidationError:
        raise AnswerOutsideContract("the answer hasn't the agreed shape") from None
    for name, expected in call.echo.items():
        if getattr(answer, name) not in (expected, None):
            raise AnswerOutsideContract(f"the answer is about another {name}")
    return answer


def _trouble(call: Call, reply: HttpReply) -> PlatformRefusal | PlatformUnavailable | AnswerOutsideContract:
    code = PlatformTrouble.PLATFORM_UNAVAILABLE if reply.status >= 500 else _BY_STATUS.get(reply.status)
    if code is not None:
        return PlatformUnavailable(call.operation, f"HTTP {reply.status}", code=code, retry_after=reply.retry_after)
    if reply.status < 400 or reply.media_type not in ("application/problem+json", "application/json"):
        return AnswerOutsideContract(f"unexpected HTTP {reply.status}")
    try:
        problem = answers.Problem.model_validate_json(reply.body)
    except ValidationError:
        return AnswerOutsideContract(f"{reply.status} without a problem document of the contract")
    if problem.code in _TEMPORARY:
        return PlatformUnavailable(
            call.operation, f"HTTP {reply.status}", code=problem.code, retry_after=reply.retry_after
        )
    return PlatformRefusal(
        call.operation, problem.code, reply.status, holder=problem.holder, errors=problem.errors, detail=problem.detail
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Pauses(Protocol):
    """Until when a province's client is left alone."""

    async def seconds_left(self, province_code: str) -> float: ...

    async def leave_alone(self, province_code: str, seconds: float) -> None: ...


class PlatformTransport:
    """Redirects aren't followed, bodies are bounded, and `total_seconds` bounds the whole exchange, a trickle too.

    A platform that says 429 to one call is left alone by every call of its province until its Retry-After is over.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        clients: Mapping[str, PlatformCredentials],
        pauses: Pauses,
        *,
        total_seconds: float,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._http = http
        self._clients = clients
        self._pauses = pauses
        self._total_seconds = total_seconds
        self._clock = clock

    async def exchange(self, call: Call, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        if len(body) > BODY_LIMIT:
            raise PlatformRefusal(call.operation, ProblemCode.PAYLOAD_TOO_LARGE, 413)
        await self._leave_alone(call)
        request = self._request(call, body, headers)
        try:
            async with asyncio.timeout(self._total_seconds):
                reply = await self._send(request)
        except (httpx.RequestError, TimeoutError) as error:
            # the cause's text may quote an address; its kind says enough
            raise PlatformUnavailable(call.operation, type(error).__name__) from None
        if reply.status == 429 and reply.retry_after is not None:
            await self._pauses.leave_alone(province_of(call.county_code), min(reply.retry_after, LONGEST_WAIT_SECONDS))
        return reply

    async def _leave_alone(self, call: Call) -> None:
        left = await self._pauses.seconds_left(province_of(call.county_code))
        if left > 0:
            raise PlatformUnavailable(
                call.operation, "the platform wants to be left alone", code=ProblemCode.RATE_LIMITED, retry_after=left
            )

    def _request(self, call: Call, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
        credentials = self._credentials(call)
        place = {name: quote(str(value), safe="") for name, value in call.place.items()}
        if any(segment in (".", "..") for segment in place.values()):
            raise ValueError("an id can't be a dot segment")
        request = self._http.build_request(
            call.route.method,
            credentials.base_url.rstrip("/") + call.route.path.format(**place),
            params=call.query or None,
            content=body or None,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
        )
        target = request.url.raw_path.decode("ascii")
        seal = sign_request(
            credentials, call.route.method, target, sha256_hex(body), f"req_{uuid.uuid4().hex}", self._clock()
        )
        request.headers.update(seal)
        return request

    def _credentials(self, call: Call) -> PlatformCredentials:
        credentials = self._clients.get(province_of(call.county_code))
        if credentials is None:
            raise PlatformUnavailable(
                call.operation, f"province of {call.county_code}", code=PlatformTrouble.PLATFORM_NOT_CONFIGURED
            )
        return credentials

    async def _send(self, request: httpx.Request) -> HttpReply:
        response = await self._http.send(request, stream=True, auth=None, follow_redirects=False)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise httpx.RemoteProtocolError("answer over the limit")
        finally:
            await response.aclose()
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        told = response.headers
        wait = _seconds(told.get("retry-after", ""))
        return HttpReply(response.status_code, media_type, bytes(body), wait, told.get("date", ""))


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7 else None

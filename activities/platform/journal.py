"""Instructions go through a journal: written down before they are sent, answered once, sent again byte by byte."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from activities.platform.errors import PlatformRefusal, PlatformUnavailable
from activities.platform.http import (
    Answer,
    AnswerOutsideContract,
    Call,
    HttpReply,
    PlatformTransport,
    parse_answer,
    read_answer,
)
from models.fault_points import FaultPoint, reach
from models.wire.words import Operation
from models.words.errors import PlatformTrouble

_KEY = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_KEPT_OF_ODD_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Intention:
    """What to send under a key, and the platform's answer if there was one (empty for a 204)."""

    body: bytes = field(repr=False)
    answer: bytes | None = field(repr=False)


class Journal(Protocol):
    """Bodies and answers hold personal data: stored encrypted. Each method commits before it returns."""

    async def intend(self, key: str, county_code: str, operation: Operation, body: bytes) -> Intention:
        """Keep the body under a new key; for a known key give back what was kept, whatever the body is now."""
        ...

    async def answered(self, key: str, answer: bytes) -> None:
        """The first answer stays: two attempts of one activity may both arrive here."""
        ...

    async def refused(self, key: str, code: str) -> None:
        """The last refusal; never takes an answer away, since the key may be judged anew after a refusal."""
        ...

    async def odd_answer(
        self, county_code: str, operation: Operation, key: str | None, status: int, body: bytes
    ) -> None:
        """Keep what was outside the contract for a person to look at; comes again with each retry. No key for a GET."""
        ...


class JournaledTransport:
    """Sends calls, reads answers, and keeps the journal."""

    def __init__(self, transport: PlatformTransport, journal: Journal) -> None:
        self._transport = transport
        self._journal = journal

    async def ask(self, call: Call, shape: type[Answer]) -> Answer:
        return await self._read(call, await self._transport.exchange(call, b"", {}), shape, None)

    async def try_out(self, call: Call, shape: type[Answer]) -> datetime | None:
        """An answer as it should be; gives the platform's own time, None where it doesn't say."""
        reply = await self._transport.exchange(call, b"", {})
        await self._read(call, reply, shape, None)
        return reply.at

    async def store(self, call: Call, content: bytes, media_type: str, shape: type[Answer]) -> Answer:
        """Without a key: the content's own hash is its address."""
        reply = await self._transport.exchange(call, content, {"Content-Type": media_type})
        return await self._read(call, reply, shape, None)

    async def instruct(self, call: Call, key: str, body: bytes, shape: type[Answer]) -> Answer:
        if not _KEY.fullmatch(key):
            raise ValueError("a key is 1 to 128 of A-Za-z0-9._:/-")
        intention = await self._journal.intend(key, call.county_code, call.operation, body)
        if intention.answer is not None:
            return self._kept(call, intention.answer, shape)
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        reach(FaultPoint.BEFORE_CALL)
        try:
            reply = await self._transport.exchange(call, intention.body, headers)
            answer = await self._read(call, reply, shape, key)
        except PlatformRefusal as refusal:
            await self._journal.refused(key, refusal.code)
            raise
        reach(FaultPoint.AFTER_ACCEPTED)
        await self._journal.answered(key, reply.body)
        reach(FaultPoint.BEFORE_RECORDED)
        return answer

    async def _read(self, call: Call, reply: HttpReply, shape: type[Answer], key: str | None) -> Answer:
        try:
            return read_answer(call, reply, shape)
        except AnswerOutsideContract as odd:
            kept = reply.body[:_KEPT_OF_ODD_ANSWER]
            await self._journal.odd_answer(call.county_code, call.operation, key, reply.status, kept)
            raise PlatformUnavailable(
                call.operation, str(odd), code=PlatformTrouble.PLATFORM_ODD_ANSWER, retry_after=reply.retry_after
            ) from None

    def _kept(self, call: Call, answer: bytes, shape: type[Answer]) -> Answer:
        try:
            return parse_answer(call, answer, shape)
        except AnswerOutsideContract as odd:
            raise PlatformUnavailable(
                call.operation, f"kept answer: {odd}", code=PlatformTrouble.PLATFORM_ODD_ANSWER
            ) from None

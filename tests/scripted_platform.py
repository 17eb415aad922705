"""A scripted platform over real HTTP, and what a test needs to call it."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from activities.platform.client import PlatformClient
from activities.platform.journal import Intention
from models.wire import requests
from models.wire.signing import PlatformCredentials
from models.wire.words import ApplicantKind, Operation
from tests.loopback import NO_TLS

SECRET = "the-request-secret-of-today"
COUNTY = "500001"
PERSON = ("王梅", "11010519491231002X", "6222020200112233445", "13800000000")


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedPlatform:
    """Answers each request with the next raw reply; the last one stays."""

    replies: list[bytes] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    hold: asyncio.Event | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[asyncio.Future[None]] = field(default_factory=list)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.seen.append(Seen(method, target, headers, body))
        self.came.set()
        if self.hold is not None:
            await self.hold.wait()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        writer.write(reply)
        await writer.drain()
        return b"connection: close" not in reply and bool(reply)


def reply(
    status: int, content: object = None, media_type: str = "application/json", headers: str = "", cut: int = 0
) -> bytes:
    """`cut` bytes of the announced body never come."""
    body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
    close = "connection: close\r\n" if cut else ""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n{headers}{close}\r\n"
    return head.encode() + body[: len(body) - cut]


def problem(code: str, status: int, headers: str = "", **more: object) -> bytes:
    document = {"title": "x", "status": status, "code": code, "detail": " ".join(PERSON), **more}
    return reply(status, document, "application/problem+json", headers)


class MemoryJournal:
    """Keeps what a journal keeps, and the order in which it was told."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, bytes | None]] = {}
        self.told: list[tuple[str, str]] = []
        self.odd: list[tuple[str, Operation, str | None, int, bytes]] = []

    async def intend(self, key: str, county_code: str, operation: Operation, body: bytes) -> Intention:
        self.told.append(("intend", key))
        return Intention(*self.kept.setdefault(key, (body, None)))

    async def answered(self, key: str, answer: bytes) -> None:
        self.told.append(("answered", key))
        self.kept[key] = (self.kept[key][0], answer)

    async def refused(self, key: str, code: str) -> None:
        self.told.append((code, key))

    async def odd_answer(
        self, county_code: str, operation: Operation, key: str | None, status: int, body: bytes
    ) -> None:
        self.odd.append((county_code, operation, key, status, body))


@dataclass
class Bench:
    platform: ScriptedPlatform
    client: PlatformClient
    journal: MemoryJournal


def credentials_at(port: int) -> PlatformCredentials:
    return PlatformCredentials.model_validate(
        {
            "base_url": f"http://127.0.0.1:{port}/v1/",
            "client_id": "onecard-500000",
            "secrets": [SECRET],
            "callback_secrets": ["whsec_" + base64.b64encode(b"k" * 32).decode()],
        }
    )


def client_at(http: httpx.AsyncClient, port: int, journal: MemoryJournal, total_seconds: float) -> PlatformClient:
    return PlatformClient(http, {"500000": credentials_at(port)}, journal, total_seconds=total_seconds)


@asynccontextmanager
async def bench(total_seconds: float = 5.0) -> AsyncIterator[Bench]:
    platform, journal = ScriptedPlatform(), MemoryJournal()
    server = await asyncio.start_server(platform.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as http:
        client = client_at(http, port, journal, total_seconds)
        yield Bench(platform, client, journal)
    if platform.hold is not None:
        platform.hold.set()
    server.close()
    await server.wait_closed()
    await asyncio.gather(*platform.connections)


def check_seal(sent: Seen) -> None:
    assert abs(int(sent.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert sent.headers["x-client-id"] == "onecard-500000"
    prefix = f"{sent.headers['webhook-id']}.{sent.headers['webhook-timestamp']}."
    message = f"{prefix}{sent.method} {sent.target}.{hashlib.sha256(sent.body).hexdigest()}"
    digest = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).digest()
    assert sent.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


POLICY = requests.PolicySubmission(
    client_reference="policy/1",
    county_code=COUNTY,
    fund_year=2026,
    policy_unit_code="u-1",
    title="耕地地力保护补贴",
    item_codes=("i-1",),
    file_id="file-1",
)
ACCOUNT = requests.AccountQuery(name=PERSON[0], id_number=PERSON[1], bank_code="102", account_no=PERSON[2])


def record(number: int = 1) -> requests.ApplicantRecord:
    name, id_number, account_no, phone = PERSON
    return requests.ApplicantRecord(
        application_no=f"A-{number}",
        attempt=1,
        applicant_kind=ApplicantKind.PERSONAL,
        name=name,
        id_number=id_number,
        phone=phone,
        town_code="t",
        village_code="v",
        item_code="i",
        amount_fen=2000,
        bank_code="102",
        account_no=account_no,
    )

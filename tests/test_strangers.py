"""What somebody unknown can hold of the API: no body, no head without end, no place on the event loop."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.relay.routing import Router
from api.server.limits import CALLBACK_ROOM, Room
from models.words.staff import Role
from tests.api_server import PROVINCE, ApiServer, api_server
from tests.platform_posts import post_event, seal
from tests.statements import rows_of

MIB = 1024 * 1024


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, request_seconds=1.0) as running:
        yield running


class Line:
    """A connection that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, server: ApiServer) -> "Line":
        url = server.http.base_url
        return cls(*await asyncio.open_connection(url.host, url.port))

    async def say(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def head(self, method: str, path: str, last: bool = True, **headers: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *(["Connection: close"] if last else [])]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.say(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def heard(self, end: bytes) -> None:
        await self._reader.readuntil(end)

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def answer(self) -> tuple[int, str]:
        """Status and body of the answer, after which the line is dead."""
        async with asyncio.timeout(10):
            whole = await self._reader.read()
        self._writer.close()
        head, _, body = whole.decode().partition("\r\n\r\n")
        return int(head.split()[1]), body


def stamped(server: ApiServer, **changed: str) -> dict[str, str]:
    """The headers of a callback as the contract has them, signed by nobody."""
    at = str(int(datetime.now(UTC).timestamp()))
    said = {"webhook_id": secrets.token_hex(8), "webhook_timestamp": at, "webhook_signature": "v1,AAAA"}
    return {"Content_Length": str(MIB), **said, **changed}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("/callbacks/990000", {}),
        (f"/callbacks/{PROVINCE}", {"webhook_signature": ""}),
        (f"/callbacks/{PROVINCE}", {"webhook_id": ""}),
        (f"/callbacks/{PROVINCE}", {"webhook_timestamp": "1700000000"}),
    ],
)
async def test_a_callback_that_cannot_be_right_is_refused_with_its_body_unread(
    server: ApiServer, path: str, changed: dict[str, str]
) -> None:
    line = await Line.to(server)
    await line.head("POST", path, **stamped(server, **changed))
    status, body = await line.answer()
    assert (status, json.loads(body)["code"]) == (401, "SIGNATURE_REFUSED")


@pytest.mark.parametrize("path", ["/files", "/photo-archives", "/application-imports", "/applications", "/nowhere"])
@pytest.mark.parametrize("token", ["", "Bearer forged.by.me", "Basic eDp5"])
@pytest.mark.parametrize("form", ["multipart/form-data; boundary=x", "application/json"])
async def test_nobodys_body_is_read(server: ApiServer, path: str, token: str, form: str) -> None:
    line = await Line.to(server)
    await line.head("POST", path, Authorization=token, Content_Type=form, Content_Length="1000000")
    status, body = await line.answer()
    assert (status, json.loads(body)["code"]) == (401, "UNAUTHORIZED")


async def test_a_body_without_a_length_is_nobodys_either(server: ApiServer) -> None:
    line = await Line.to(server)
    await line.head("PUT", "/policy-unit", Transfer_Encoding="chunked")
    assert (await line.answer())[0] == 401


async def test_a_body_that_drips_is_given_up(server: ApiServer) -> None:
    """Of a callback, whose sender nobody knows yet, and of somebody who is known."""
    unknown, known = await Line.to(server), await Line.to(server)
    await unknown.head("POST", f"/callbacks/{PROVINCE}", **stamped(server))
    await unknown.say(b"{")
    token = server.bearer(Role.OPERATOR)["Authorization"]
    await known.head("PUT", "/policy-unit", Authorization=token, Content_Type="application/json", Content_Length="9")
    for line in (unknown, known):
        status, body = await line.answer()
        assert (status, json.loads(body)["code"]) == (408, "REQUEST_TIMEOUT")


async def test_a_head_that_never_ends_is_given_up(server: ApiServer) -> None:
    silent, slow, long = await Line.to(server), await Line.to(server), await Line.to(server)
    await slow.say(b"GET /health HTTP/1.1\r\nHost:")
    await long.say(b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000)
    assert (await long.answer())[0] == 431
    assert [(await line.answer())[0] for line in (silent, slow)] == [408, 408]


async def test_a_second_head_on_one_line_has_its_bounds_too(server: ApiServer) -> None:
    line = await Line.to(server)
    await line.head("GET", "/health", last=False)
    await line.say(b"GET /health HTTP/1.1\r\n")
    status, rest = await line.answer()
    assert status in (200, 503)
    assert "HTTP/1.1 408" in rest


async def test_blank_lines_keep_no_connection(server: ApiServer) -> None:
    line = await Line.to(server)
    await line.head("GET", "/health", last=False)
    await line.heard(b"}")
    await line.say(b"\r\n" * 9)
    assert (await line.answer())[0] == 408


async def test_a_citizens_body_is_small(server: ApiServer) -> None:
    answer = await server.http.post("/citizen/logins", content=b" " * 70_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "64 KiB" in answer.json()["detail"]


async def test_strangers_share_a_room(server: ApiServer) -> None:
    """Those who have filled it and say no more give way to who comes now, the first first, and it is whole again."""
    room: Room = server.app.state.parts.callback_room
    room.left = 3 * MIB
    first, second = await Line.to(server), await Line.to(server)
    for line, size in ((first, MIB), (second, 2 * MIB)):
        await line.head("POST", f"/callbacks/{PROVINCE}", **stamped(server, Content_Length=str(4 * MIB)))
        left = room.left
        await line.say(b"x" * size)
        await until(lambda left=left, size=size: room.left == left - size)
    assert (await post_event(server, "honest", b'{"type": "x"}')).status_code == 204
    status, body = await first.answer()
    assert (status, json.loads(body)["code"]) == (503, "BUSY")
    assert room.left == MIB
    await second.leave()
    await until(lambda: room.left == 3 * MIB)


async def test_a_body_larger_than_the_room_is_refused(server: ApiServer) -> None:
    room: Room = server.app.state.parts.callback_room
    room.left = 100
    answer = await post_event(server, "large", b" " * 101)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "BUSY", "2")
    assert room.left == 100


async def test_what_strangers_held_is_given_back(server: ApiServer) -> None:
    """Whether refused or broken off: in the end the room is whole again."""
    room: Room = server.app.state.parts.callback_room
    refused, gone = await Line.to(server), await Line.to(server)
    for line in (refused, gone):
        await line.head("POST", f"/callbacks/{PROVINCE}", **stamped(server))
        await line.say(b"x" * (MIB // 2))
    await until(lambda: room.left == CALLBACK_ROOM - MIB)
    await refused.say(b"x" * (MIB // 2))
    assert (await refused.answer())[0] == 401
    await gone.leave()
    await until(lambda: room.left == CALLBACK_ROOM)


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110 nobody is told when bytes come
            await asyncio.sleep(0.01)


async def test_a_huge_signed_callback_lets_the_others_in(server: ApiServer) -> None:
    """The pauses of the loop that the API runs on, while 18 MiB are checked, sealed and stored."""
    huge = json.dumps({"type": "x", "data": secrets.token_hex(9 * MIB)}).encode()
    headers = seal(server.credentials, "huge", huge)
    sent = asyncio.create_task(server.http.post(f"/callbacks/{PROVINCE}", content=huge, headers=headers))
    longest = 0.0
    while not sent.done():
        begun = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - begun)
    assert (await sent).status_code == 204
    # in one piece on the loop it takes half a second of CPU and more
    assert longest < 0.25


@pytest.mark.parametrize(
    ("results", "county"),
    [
        ("[" + "{}," * 2_600_000 + "{}]", "500001"),
        ("[" * 4_000_000 + "]" * 4_000_000, None),
        ('"' + "9" * 9 * MIB + '"', None),
    ],
    ids=["many", "deep", "large"],
)
async def test_a_callback_that_is_made_to_be_slow_is_set_aside_at_once(
    server: ApiServer, results: str, county: str | None
) -> None:
    """Its county is told where that can be had cheaply; each item with its own words took two minutes and 13 GB."""
    data = f'{{"county_code": "500001", "dataset_id": "d", "page": 1, "result_pages": 1, "results": {results}}}'
    event = f'{{"type": "dataset.results", "timestamp": "2026-01-01T00:00:00Z", "data": {data}}}'.encode()
    assert (await post_event(server, "slow", event)).status_code == 204
    begun = time.process_time()
    await Router(server.database, server.vault, server.settings).route_due()
    assert time.process_time() - begun < 5
    async with server.database.reading() as session:
        (row,) = await rows_of(session, "SELECT state, effect, county_code FROM inbox")
    assert tuple(row) == ("quarantined", "UNREADABLE", county)

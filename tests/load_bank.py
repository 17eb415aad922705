"""A bank over real HTTP that says of each account what a test has told it, and the hands of a load that ask it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
from temporalio.testing import ActivityEnvironment

from activities.intake.loads import LoadActivities
from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformUnavailable
from activities.platform.rows_journal import PostgresJournal
from models.contracts import Look, RunKind, Subject
from tests.loopback import NO_TLS
from tests.register_files import Row, accounts_file
from tests.rows import COUNTY, OPERATOR, Office
from tests.scripted_platform import credentials_at, problem, reply


@dataclass
class Bank:
    """`bad`: reasons by account; `largest`: a page of more is refused whole; `away`: so many times it answers 503."""

    bad: dict[str, str] = field(default_factory=dict)
    largest: int = 500
    away: int = 0
    pages: list[list[str]] = field(default_factory=list)
    connections: list[asyncio.Future[None]] = field(default_factory=list)

    def answer(self, body: bytes) -> bytes:
        accounts = [str(each["account_no"]) for each in json.loads(body)["accounts"]]
        if self.away > 0:
            self.away -= 1
            return problem("UNAVAILABLE", 503)
        if len(accounts) > self.largest:
            return problem("VALIDATION_FAILED", 422)
        self.pages.append(accounts)
        verdicts = [{"valid": True} if each not in self.bad else self._no(each) for each in accounts]
        return reply(200, {"verdicts": verdicts})

    def _no(self, account_no: str) -> dict[str, object]:
        return {"valid": False, "reason_code": self.bad[account_no]}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = next(line for line in head.split("\r\n") if line.startswith("content-length: "))
                writer.write(self.answer(await reader.readexactly(int(length.split(": ")[1]))))
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@dataclass
class Hands:
    """What the worker would do for a load, step by step."""

    office: Office
    bank: Bank
    loads: LoadActivities

    async def hand_in(self, rows: Sequence[Row], as_of: str, who: str = OPERATOR, **more: str) -> httpx.Response:
        return await self.hand_in_file(accounts_file(rows), as_of, who, **more)

    async def hand_in_file(self, data: bytes, as_of: str, who: str = OPERATOR, **more: str) -> httpx.Response:
        headers = self.office.headers(who, COUNTY, None)
        return await self.office.http.post(
            "/register-loads", files={"file": ("账号.xlsx", data)}, data={"as_of": as_of, **more}, headers=headers
        )

    async def check(self, load_no: str) -> None:
        await ActivityEnvironment().run(self.loads.check_load, subject_of(load_no))

    async def look(self, load_no: str) -> Look:
        return await ActivityEnvironment().run(self.loads.look_at_load, subject_of(load_no))

    async def ask(self, load_no: str) -> None:
        await ActivityEnvironment().run(self.loads.ask_bank_of_load, subject_of(load_no))

    async def ask_until_away(self, load_no: str) -> None:
        """As far as the bank answers; the next attempt of the activity goes on from there."""
        with suppress(PlatformUnavailable):
            await self.ask(load_no)

    async def take(self, load_no: str) -> None:
        await ActivityEnvironment().run(self.loads.take_load, subject_of(load_no))


def subject_of(load_no: str) -> Subject:
    return Subject(kind=RunKind.REGISTER_LOAD, number=load_no, county_code=COUNTY)


@asynccontextmanager
async def hands_at(office: Office) -> AsyncIterator[Hands]:
    bank = Bank()
    server = await asyncio.start_server(bank.accept, "127.0.0.1", 0)
    credentials = {"500000": credentials_at(server.sockets[0].getsockname()[1])}
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as http:
        journal = PostgresJournal(office.database, office.vault)
        client = PlatformClient(http, credentials, journal, total_seconds=5)
        yield Hands(office, bank, LoadActivities(office.database, office.vault, office.parts.objects, client))
    server.close()
    await server.wait_closed()
    await asyncio.gather(*bank.connections)

"""The simulator as one province's platform, with our client to it and an inbox for what it calls back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformUnavailable
from deploy.simulator import launch
from models.wire import requests
from models.wire.events import Event, parse_event
from models.wire.signing import PlatformCredentials, verify_callback
from models.wire.words import ApplicantKind, ProblemCode
from models.words.errors import PlatformTrouble
from tests.loopback import NO_TLS
from tests.scripted_platform import MemoryJournal, ScriptedPlatform, client_at, credentials_at, reply

Found = TypeVar("Found")
COUNTY, YEAR = "500001", datetime.now(UTC).year
PNG = b"\x89PNG\r\n\x1a\n" + b"photo"
LINES = 7
FROZEN = 3


@dataclass
class Province:
    """The platform, our client to it, and what it has called back."""

    url: str
    client: PlatformClient
    journal: MemoryJournal
    credentials: PlatformCredentials
    http: httpx.AsyncClient
    inbox: ScriptedPlatform
    troubles: list[ProblemCode | PlatformTrouble] = field(default_factory=list)

    async def insist(self, act: Callable[[], Awaitable[Found]]) -> Found:
        """As the activity's retries do: the same key and content until there is an answer."""
        for _ in range(60):
            try:
                return await act()
            except PlatformUnavailable as trouble:
                self.troubles.append(trouble.code)
                # what the platform asks for is kept by all calls of the client: sooner it wouldn't be asked at all
                await asyncio.sleep(trouble.retry_after or 0)
        raise AssertionError(f"no answer: {self.troubles}")

    def events(self) -> list[Event]:
        """Every callback must carry a true seal and parse; the same one twice counts once."""
        found: dict[str, Event] = {}
        for seen in self.inbox.seen:
            sealed = verify_callback(self.credentials, seen.headers, seen.body, datetime.now(UTC))
            found[sealed.callback_id] = parse_event(seen.body)
        return list(found.values())

    async def event(self, wanted: Callable[[Event], bool]) -> Event:
        async with asyncio.timeout(30):
            while True:
                self.inbox.came.clear()
                found = next((event for event in self.events() if wanted(event)), None)
                if found is not None:
                    return found
                await self.inbox.came.wait()

    async def admin(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        return (await self.http.request(method, f"{self.url}/admin{path}", content=content)).raise_for_status()


def person(number: int) -> tuple[str, str, str]:
    return f"王梅{number}", f"50000119800101{number:04d}", f"62220202001122{number:05d}"


def line(number: int, **change: object) -> requests.ApplicantRecord:
    name, id_number, account_no = person(number)
    fields = {
        "application_no": f"A-{number}",
        "attempt": 1,
        "applicant_kind": ApplicantKind.PERSONAL,
        "name": name,
        "id_number": id_number,
        "town_code": "500001100",
        "village_code": "500001100001",
        "item_code": "BT1001",
        "amount_fen": 1000 + number,
        "bank_code": "ICBC",
        "account_no": account_no,
    }
    return requests.ApplicantRecord.model_validate({**fields, **change})


def register() -> bytes:
    rows = ["id_number,name,bank_code,account_no,verification,payment"]
    for number in range(LINES):
        name, id_number, account_no = person(number)
        rows.append(f"{id_number},{name},ICBC,{account_no},passed,{'failed:账户冻结' if number == FROZEN else 'paid'}")
    return "\n".join(rows).encode()


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def province(home: Path, total_seconds: float) -> AsyncIterator[Province]:
    inbox, journal = ScriptedPlatform(replies=[reply(204)]), MemoryJournal()
    server = await asyncio.start_server(inbox.accept, "127.0.0.1", 0)
    mine = credentials_at(0)
    known: dict[str, object] = {
        "client_id": mine.client_id,
        "province_code": "500000",
        "secrets": [secret.get_secret_value() for secret in mine.secrets],
        "callback_secrets": [secret.get_secret_value() for secret in mine.callback_secrets],
        "callback_url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks/500000",
    }
    clients = launch.clients_json([known], home / "clients.json")
    running = await asyncio.to_thread(launch.start, home / "state", clients, time_scale=0, seed=7)
    with ending(running.process):
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as http:
            client = client_at(http, running.port, journal, total_seconds)
            there = Province(running.url, client, journal, mine, http, inbox)
            await there.admin("POST", f"/registers/{COUNTY}", register())
            yield there
    server.close()
    await server.wait_closed()
    await asyncio.gather(*inbox.connections)

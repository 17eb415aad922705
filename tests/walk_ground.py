"""Where the random walks go: one running stack, and for each walk two counties that nobody has heard of."""

import asyncio
import csv
import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, LiteralString, TypeVar

import httpx
import psycopg
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.demo.people import County, Json, Person
from deploy.local_people import LocalPerson, driver_url, put_local_people
from deploy.stack import Stack
from models import tokens
from models.store.database import ENGINE_OPTIONS, Database
from models.store.vault import LocalVault
from models.wire.signing import PlatformCredentials
from tests.checker_grounds import of_stack
from tests.flow_ground import Laid, Surveyor
from tests.loopback import NO_TLS
from tests.standing_accounts import standing_account
from tests.walk_county import FATES, IN_BATCH, IN_THE_PLAY, ROLES, YEAR, Beneficiary, Place
from tests.whole_stack import QUICK, Whole

Found = TypeVar("Found")
PROVINCE = "500000"
# A platform that hangs is given up, and one that says nothing is asked, within seconds.
SETTINGS = QUICK | {
    "PLATFORM_TIMEOUT_SECONDS": "2",
    "PLATFORM_FIRST_ASK_SECONDS": "3",
    "PLATFORM_ASK_SECONDS": "3",
    "PLATFORM_BUSY_RETRY_SECONDS": "0.5",
    "CITIZEN_LOGINS_PER_ADDRESS_HOUR": "100000",
    "SEARCHES_PER_PERSON_HOUR": "100000",
    "PUBLIC_LOOKS_PER_ADDRESS_MINUTE": "100000",
    "PUBLIC_LIST_KEPT_SECONDS": "0",
}
SWITCHES = {"late_seconds": 0.6, "reorder_seconds": 0.3, "hang_seconds": 2.5}
TOTAL_FEN = 100_000
PATIENCE_SECONDS, LOOK_EVERY_SECONDS = 60.0, 0.05


class Ground:
    """The stack of all walks; a walk that failed leaves things behind, so the next one gets another stack."""

    def __init__(self, make: Callable[..., Stack]) -> None:
        self._make = make
        self._walks = 0
        self._turn = threading.Lock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._open()

    def _open(self) -> None:
        self._closing = ExitStack()
        self.stack = self._make(env=SETTINGS, time_scale=0, seed=7)
        self._closing.callback(self.stack.close)
        layout = self.stack.layout
        self.http = self._closing.enter_context(
            httpx.Client(base_url=layout.api_url, timeout=PATIENCE_SECONDS, trust_env=False, verify=NO_TLS)
        )
        self._back_door = self._closing.enter_context(
            httpx.Client(base_url=f"{layout.simulator_url}/admin", timeout=30, trust_env=False, verify=NO_TLS)
        )
        self.whole = Whole(self.stack, self.http)
        # what the checker asks; it hears everything from the stack's first request on
        self.seen = replace(of_stack(self.whole), rows=self.rows, platform=lambda path: self.platform("GET", path))
        self.vault = LocalVault.from_file(layout.vault_key)
        self.platform("PUT", "/settings", SWITCHES)
        self.credentials = PlatformCredentials(
            base_url=f"{layout.simulator_url}/v1",
            client_id=f"onecard-{PROVINCE}",
            secrets=(SecretStr(layout.secrets.client_secrets[PROVINCE]),),
            callback_secrets=(SecretStr(layout.secrets.callback_secrets[PROVINCE]),),
        )

    def rows(self, statement: LiteralString, named: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        return _patiently(lambda: self._rows(statement, named))

    def platform(self, method: str, path: str, wish: object = None, **query: str | int) -> Json:
        def ask() -> Json:
            answer = self._back_door.request(method, path, json=wish, params=query or None).raise_for_status()
            told: Json = answer.json()
            return told

        return _patiently(ask)

    def _rows(self, statement: LiteralString, named: Mapping[str, object] | None) -> list[tuple[Any, ...]]:
        """On one connection, for as long as the server lives; whoever acts in a thread of its own takes a turn."""
        with self._turn:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(driver_url(self.stack.layout.database_url), autocommit=True)
            return self._connection.execute(statement, named).fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._closing.close()

    def renew(self) -> None:
        self.close()
        self._open()

    def post_event(self, event_id: str, headers: Mapping[str, str], content: bytes) -> httpx.Response:
        return self.http.post(f"/callbacks/{PROVINCE}", content=content, headers={**headers, "webhook-id": event_id})

    def look(self, path: str) -> httpx.Response:
        """As somebody who hasn't signed in."""
        return _patiently(lambda: self.http.get(path))

    def two_counties(self, *with_batch: bool) -> list[Place]:
        """Each with an approved policy and indicator, its people, and a batch where wanted."""
        self._walks += 1
        people = [Beneficiary(self._walks * len(FATES) + place, fate) for place, fate in enumerate(FATES)]
        codes = [f"{PROVINCE[:2]}{1000 + 2 * self._walks + each:04d}" for each in (0, 1)]
        self._platform_knows(people, codes)
        self._put_staff(codes)
        return asyncio.run(self._laid(people, dict(zip(codes, with_batch, strict=True))))

    def _platform_knows(self, people: Sequence[Beneficiary], codes: Sequence[str]) -> None:
        register = [("id_number", "name", "bank_code", "account_no", "verification", "payment")]
        accounts = [("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status")]
        for one in people:
            other_name, verification, payment = one.fate
            register.append((one.id_number, other_name or one.name, *one.cards["old"], verification, payment))
            for kind, account in one.cards.items():
                status = "closed" if kind == "closed" else "open"
                accounts.append((*account, "bank_card", other_name or one.name, one.id_number, status))
        for code in codes:
            self._load(f"/registers/{code}", register)
        self._load("/bank-accounts", accounts)

    def _load(self, path: str, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        self._back_door.post(path, content=text.getvalue().encode()).raise_for_status()

    def _put_staff(self, codes: Sequence[str]) -> None:
        people = [LocalPerson(code, subject, roles, subject) for code in codes for subject, roles in ROLES.items()]
        with psycopg.connect(driver_url(self.stack.layout.database_url), autocommit=True) as connection:
            put_local_people(connection, self.vault, people)

    def _place(self, name: str, code: str, people: Sequence[Beneficiary], laid: Laid) -> Place:
        key = self.stack.layout.token_key
        minted = {
            (subject, role): tokens.mint(key, subject, role, code, code=True)
            for subject, roles in ROLES.items()
            for role in roles
        }
        staff = {who: Person(self.http, token, PATIENCE_SECONDS) for who, token in minted.items()}
        roles = {name: minted[who] for name, who in IN_THE_PLAY.items()}
        return Place(name, code, staff, County(self.http, code, roles), people, laid)

    async def _laid(self, people: Sequence[Beneficiary], codes: Mapping[str, bool]) -> list[Place]:
        database = Database(create_async_engine(self.stack.layout.database_url, **ENGINE_OPTIONS))
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
                clients = {PROVINCE: self.credentials}
                surveyors = [Surveyor(http, clients, database, self.vault, code) for code in codes]
                laid = await asyncio.gather(*(one.lay(YEAR, TOTAL_FEN) for one in surveyors))
                places = [
                    self._place(name, code, people, ground)
                    for name, code, ground in zip("甲乙", codes, laid, strict=True)
                ]
                await self._put_accounts(database, places)
                for place, surveyor in zip(places, surveyors, strict=True):
                    if codes[place.code]:
                        place.batch_no, _ = await surveyor.put_batch(YEAR, [place.form(who) for who in IN_BATCH])
            return places
        finally:
            await database.dispose()

    async def _put_accounts(self, database: Database, places: Sequence[Place]) -> None:
        """The registers have known everybody but the last three for long."""
        async with database.transaction() as session:
            for place in places:
                for one in place.beneficiaries[:4]:
                    bank, number = one.cards["old"]
                    account = standing_account(self.vault, place.code, one.id_number, one.name, bank, number)
                    session.add(account)


def _patiently(look: Callable[[], Found]) -> Found:
    """Whoever is asked may just have been killed, and comes back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return look()
        except (psycopg.OperationalError, httpx.TransportError):
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_EVERY_SECONDS)

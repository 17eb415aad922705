"""One province for one test: the people of its counties, the back door of its platform, and its rows."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from temporalio.client import Client

from deploy.demo import people
from deploy.demo.people import County, Json
from deploy.simulator import launch
from models.contracts import Signal
from models.settings import Settings
from models.store.database import Database
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.runs.runs import wake
from models.store.sql import Value, execute
from models.store.trail import check as trail_check
from models.store.vault import LocalVault
from models.wire.signing import PlatformCredentials
from models.words.staff import Role
from tests.flow_books import Books
from tests.flow_ground import Laid, Surveyor
from tests.platform_posts import seal
from tests.staff import Staff
from tests.statements import rows_of

# Its result is asked for every few seconds as a rule.
_ALSO_ASKED = {"face.completed"}


class Platform:
    """The simulator's back door."""

    def __init__(self, url: str, clients_file: Path) -> None:
        self.url = url
        self._clients_file = clients_file
        # What this test has kept from coming by itself.
        self.lost: set[str] = set()
        self._http = httpx.Client(base_url=f"{url}/admin", trust_env=False, timeout=30)

    def close(self) -> None:
        self._http.close()

    def ask(self, method: str, path: str, wish: object = None, content: str | None = None) -> Json:
        body = {"content": content.encode()} if content is not None else {"json": wish}
        answer = self._http.request(method, path, **(body if method != "GET" else {}))
        assert answer.is_success, answer.text
        told: Json = answer.json()
        return told

    def serve_only(self, client: Mapping[str, object]) -> None:
        """What an earlier province left undone finds nobody any more."""
        launch.clients_json([dict(client)], self._clients_file)
        self.ask("POST", "/clients/reload")
        self.ask("PUT", "/settings", {"clerk": {}, "returns_after_end": None, "dataset_open_seconds": 86_400})
        self.lose()
        self.lost = set()
        self.go_on()

    def hold(self, *kinds: str) -> None:
        """These reviews wait for a person at the clerk's desk; without a kind none does any more."""
        self.ask("PUT", "/settings", {"clerk": dict.fromkeys(kinds, "person")})

    def stand_still(self) -> None:
        """Days pass as slowly as outside."""
        self.ask("PUT", "/time-scale", {"scale": 1})

    def go_on(self) -> None:
        self.ask("PUT", "/time-scale", {"scale": 0})

    def lose(self, *event_types: str) -> None:
        """From now on these events never come by themselves."""
        self.lost |= set(event_types)
        rates, only = ({"lost": 1.0}, {"lost": list(event_types)}) if event_types else ({}, {})
        self.ask("PUT", "/faults", {"rates": rates, "only": only})

    def next_fault(self, kind: str, *targets: str, times: int = 1) -> None:
        self.lost |= set(targets) if kind in ("lost", "missing_page") else set()
        self.ask("PUT", "/faults", {"next": {kind: times}, "only": {kind: list(targets)}})

    def waiting(self, county: str) -> list[Json]:
        items: list[Json] = self.ask("GET", "/clerk")["items"]
        return [item for item in items if item["county_code"] == county]

    def events(self, kind: str, about: str) -> list[Json]:
        """Events of a type whose words name `about` (a reference, a county), in order, each with its body."""
        items: list[Json] = self.ask("GET", f"/events?type={kind}&body=1")["items"]
        return [{**item, "body": json.loads(item["body"])} for item in items if about in item["body"]]

    def deliver(self, event: Json) -> None:
        self.ask("POST", "/redeliver", {"webhook_id": event["webhook_id"]})


@dataclass
class Province:
    """What a test can reach: people by county, the platform's back door, and the rows."""

    code: str
    url: str
    settings: Settings
    database: Database
    vault: LocalVault
    credentials: PlatformCredentials
    platform: Platform
    portal: BlockingPortal
    temporal: Client
    http: httpx.Client
    staff: Staff
    books: Books = field(default_factory=Books)

    def county_code(self, place: int = 1) -> str:
        return f"{self.code}{place:04d}"

    def county(self, place: int = 1) -> County:
        code = self.county_code(place)
        crew = {role.value: (role, role.value) for role in Role} | {"second_reviewer": (Role.REVIEWER, "second")}
        minted = {name: self.staff.token(f"{subject}-{code}", role, code) for name, (role, subject) in crew.items()}
        return County(self.http, code, minted)

    def rows(self, statement: str, **values: Value) -> list[tuple[Any, ...]]:
        async def read() -> list[tuple[Any, ...]]:
            async with self.database.reading() as session:
                return [tuple(row) for row in await rows_of(session, statement, **values)]

        return self.portal.call(read)

    def change(self, statement: str, **values: Value) -> None:
        """What another part of the product, or time, does to the rows."""

        async def write() -> None:
            async with self.database.transaction() as session:
                await execute(session, statement, **values)

        self.portal.call(write)

    def keeping_off(self, number: str) -> AbstractContextManager[None]:
        """Meanwhile no event of this run takes effect: what comes is found all at once afterwards."""

        @asynccontextmanager
        async def locked() -> AsyncIterator[None]:
            async with self.database.transaction() as session:
                await hold(session, Rank.RUN, number)
                yield

        return self.portal.wrap_async_context_manager(locked())

    def holding(self, statement: str) -> AbstractContextManager[None]:
        """Meanwhile the rows that the statement locks are somebody else's."""

        @asynccontextmanager
        async def held() -> AsyncIterator[None]:
            async with self.database.transaction() as session:
                await rows_of(session, statement)
                yield

        return self.portal.wrap_async_context_manager(held())

    def wake(self, workflow_id: str, signal: Signal, ids: Sequence[str]) -> None:
        async def post() -> None:
            async with self.database.transaction() as session:
                await wake(session, workflow_id, signal, ids)

        self.portal.call(post)

    def lay(self, county: str, year: int, total_fen: int) -> Laid:
        """An approved policy and indicator, without anybody of the county."""

        async def lay() -> Laid:
            async with self._surveyor(county) as here:
                return await here.lay(year, total_fen)

        return self.portal.call(lay)

    def put_batch(self, county: str, year: int, forms: Sequence[Json]) -> tuple[str, list[str]]:
        """Matched lines in a batch, without anybody of the county."""

        async def put() -> tuple[str, list[str]]:
            async with self._surveyor(county) as here:
                return await here.put_batch(year, forms)

        return self.portal.call(put)

    @asynccontextmanager
    async def _surveyor(self, county: str) -> AsyncIterator[Surveyor]:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            clients = {f"{self.code}0000": self.credentials}
            yield Surveyor(http, clients, self.database, self.vault, county)

    def check(self) -> str:
        """What is always true, held against the rows; another moment than before is another text."""
        return self.books.check(self.rows)

    def check_wakeups(self) -> None:
        """Every run heard by itself what was for it: neither the watch nor a question to the platform had to help."""
        rows = self.rows("SELECT DISTINCT event_type FROM inbox WHERE source = 'asked'")
        assert not {str(row[0]) for row in rows} - self.platform.lost - _ALSO_ASKED, "came by asking only"
        assert self.rows("SELECT workflow_id, restarts FROM run WHERE restarts > 0") == []

    def check_trails(self) -> None:
        """Every county's trail is whole, whatever happened."""

        async def walk() -> dict[str, trail_check.Break | None]:
            async with self.database.reading() as session:
                counties = [str(row[0]) for row in await rows_of(session, "SELECT county_code FROM trail_head")]
                return {county: await trail_check.check_trail(session, self.vault, county, None) for county in counties}

        assert not [county for county, broken in self.portal.call(walk).items() if broken is not None]

    def wait(self, what: str, look: Callable[[], Json], ready: Callable[[Json], object], seconds: float = 20) -> Json:
        """Until it is so; the books must be right at every look."""

        def seen() -> Json:
            self.check()
            return look()

        return people.wait_for(what, seen, lambda found: bool(ready(found)), seconds)

    def wait_for_rows(
        self, what: str, look: Callable[[], Json], ready: Callable[[Json], object], seconds: float = 20
    ) -> Json:
        """The same of what rows alone tell: looked at again when somebody has written."""
        seen: tuple[str, Json] = ("", {})

        def look_again() -> Json:
            nonlocal seen
            if (moment := self.check()) != seen[0]:
                seen = moment, look()
            return seen[1]

        return people.wait_for(what, look_again, lambda found: bool(ready(found)), seconds)

    def until(self, what: str, statement: str, wanted: object, seconds: float = 20, **values: Value) -> None:
        """Until the rows' one value is the wanted one."""

        def look() -> Json:
            rows = self.rows(statement, **values)
            return {"stage": rows[0][0] if rows else None}

        self.wait_for_rows(f"{what} = {wanted}", look, lambda seen: seen["stage"] == wanted, seconds)

    def post(self, body: Json, event_id: str | None = None) -> httpx.Response:
        """An event of the platform with a true seal."""
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = seal(self.credentials, event_id or f"evt-{secrets.token_hex(6)}", content)
        return self.http.post(f"/callbacks/{self.code}0000", content=content, headers=headers)

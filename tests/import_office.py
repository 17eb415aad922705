"""A county's operator who hands files in, with a worker behind the API."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from models.contracts import RunKind, Subject
from models.forms.application_form import PERSONAL_COLUMNS
from models.sheets.writer import write_sheet
from models.store.sql import fetch_int
from models.tables.catalogs import CatalogList
from models.words.staff import Role
from tests.api_server import COUNTY, ApiServer
from tests.application_lines import card, citizen_id
from tests.test_spreadsheet import CATALOGS

# A year of its own for each test: runs of others in the same Temporal never have its numbers.
YEARS = itertools.count(2040)
HEADERS = list(PERSONAL_COLUMNS.values())


class Desk:
    """One county's operator with a worker behind the API."""

    def __init__(self, server: ApiServer, year: int) -> None:
        self.server = server
        self.year = year

    async def hand_in(self, data: bytes, *, kind: str = "personal", **more: str) -> httpx.Response:
        headers = self.server.bearer(Role.OPERATOR) | {"Idempotency-Key": more.pop("key", str(time.perf_counter_ns()))}
        fields = {"fund_year": str(self.year), "applicant_kind": kind, **more}
        return await self.server.http.post(
            "/application-imports", files={"file": ("x.xlsx", data)}, data=fields, headers=headers
        )

    async def finished(self, answer: httpx.Response) -> dict[str, Any]:
        """The import when it is checked: over, or 待确认."""
        assert answer.status_code == 202, answer.text
        return await self.until(answer.json()["import_no"], lambda seen: bool(seen["stage"] != "checking"))

    async def runs_over(self) -> None:
        async with asyncio.timeout(20):
            while True:
                if await open_runs(self.server) == 0:
                    return
                await asyncio.sleep(0.05)

    async def decide(self, import_no: str, how: str, reason: str = "已核实") -> httpx.Response:
        """`how` is confirmation or refusal."""
        return await self.server.post(Role.OPERATOR, f"/application-imports/{import_no}/{how}", {"reason": reason})

    async def until(self, import_no: str, ready: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The import when it is so."""
        path = f"/application-imports/{import_no}"
        async with asyncio.timeout(60):
            while True:
                seen: dict[str, Any] = (await self.server.get(Role.OPERATOR, path)).json()
                if ready(seen):
                    return seen
                await asyncio.sleep(0.05)

    async def lines(self) -> int:
        async with self.server.database.reading() as session:
            return await fetch_int(session, "SELECT count(*) FROM application")


async def seed_county_lists(server: ApiServer, year: int) -> None:
    """The lists of the county whose files are shipped."""
    towns = [
        {"code": town.code, "name": town.name, "villages": [{"code": v.code, "name": v.name} for v in town.villages]}
        for town in CATALOGS.towns
    ]
    lists: dict[tuple[str, int], list[dict[str, Any]]] = {
        ("banks", 0): [{"code": bank.code, "name": bank.name} for bank in CATALOGS.banks],
        ("subsidy-items", year): [{"code": item.code, "name": item.name} for item in CATALOGS.items],
        ("towns", 0): towns,
    }
    async with server.database.transaction() as session:
        for (kind, fund_year), items in lists.items():
            session.add(CatalogList(county_code=COUNTY, kind=kind, fund_year=fund_year, items=items))


def row(place: int, **changes: object) -> list[Any]:
    """A good row of the template; `changes` by our names of the columns."""
    town = CATALOGS.towns[0]
    values: dict[str, object] = {
        "name": "周建国",
        "id_number": citizen_id(place),
        "phone": "13800001234",
        "town": town.name,
        "village": town.villages[0].name,
        "group": "6组",
        "bank": CATALOGS.banks[0].name,
        "account_no": card(place),
        "card_type": None,
        "household_registration": "农业",
        "family_size": "4",
        "item": CATALOGS.items[0].name,
        "amount": f"{100 + place}.50",
        "application_no": None,
    }
    return list((values | changes).values())


def sheet(rows: Sequence[Sequence[Any]]) -> bytes:
    return write_sheet(HEADERS, rows)


def csv(rows: Sequence[Sequence[Any]], encoding: str = "utf-8") -> bytes:
    return "\r\n".join(",".join(str(cell or "") for cell in line) for line in [HEADERS, *rows]).encode(encoding)


def subject_of(number: str, year: int) -> Subject:
    return Subject(kind=RunKind.APPLICATION_IMPORT, number=number, county_code=COUNTY, fund_year=year)


async def open_runs(server: ApiServer) -> int:
    async with server.database.reading() as session:
        return await fetch_int(session, "SELECT count(*) FROM run WHERE closed_at IS NULL")

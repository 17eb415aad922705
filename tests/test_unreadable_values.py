"""A stored value that can't be read any more is shown as such in its row; no list, detail, export or search fails."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Enum, make_url

from api.server.rendering import content_of, rendered
from deploy.demo.citizens import Browser
from deploy.demo.people import Json
from deploy.stack import Stack
from models.forms.identity import mask_account_no, mask_id_number, mask_name, mask_phone
from models.store.sql import execute
from models.tables.metadata import metadata
from models.words.faults import UNREADABLE
from models.words.staff import Role
from tests.api_server import ApiServer, api_server
from tests.card_office import CardOffice
from tests.citizens import Someone, browser_of
from tests.county_office import Line, Office
from tests.platform_posts import post_event
from tests.province import Province
from tests.test_changed_pages import DEAD, asked_once, verifying, with_line
from tests.tomorrow import DOOR, Tomorrow

pytest_plugins = ["tests.province_fixtures"]
# What was booked, and the trail's entries, can't be changed by worker and API.
BREAK = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND (
  column_name LIKE '%\\_sealed'
  OR (table_name, column_name) IN (('inbox', 'body'), ('application_import', 'faults')))
  AND has_column_privilege(quote_ident(table_name), column_name, 'UPDATE')
"""
# They are no lists: they wait, hand out a file, or sign somebody in.
NOT_HERE = ("/health", "/openapi.json", "/docs", "/files", "/citizen/logins")
MARKED = {
    "/applications",
    "/applications/{application_no}",
    "/contradictions",
    "/card-changes",
    "/card-changes/{part_no}",
    "/citizen/account",
    "/citizen/matters",
    "/citizen/matters/{request_no}",
    "/register",
    "/register/{account_id}",
    "/flows/{flow_no}/lines",
    "/inbox/{inbox_id}/content",
    "/orders/{order_no}",
    "/orders/{order_no}/lines",
    "/staff/me",
    "/staff/names",
    "/staff/people",
    "/staff/people/{subject}",
}

MARKED_TOMORROW = {
    "/account-checks/{round_no}",
    "/application-imports",
    "/application-imports/{import_no}",
    "/applications",
    "/batches",
    "/card-changes/{part_no}",
    "/citizen/account",
    "/citizen/matters/{request_no}",
    "/citizen/notices",
    "/citizen/sign-ins",
    "/contradictions",
    "/flows",
    "/flows/{flow_no}",
    "/flows/{flow_no}/lines",
    "/inbox",
    "/indicators/{indicator_no}",
    "/orders/{order_no}",
    "/policies/{policy_no}",
    "/runs",
    "/summaries",
    "/village-entries/{entry_no}",
}


def break_everything(province: Province) -> int:
    """All sealed values of all rows but the trail's; gives the number of columns that had any."""
    broken = 0
    for table, column in province.rows(BREAK):
        if not table.startswith("trail"):
            held = province.rows(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")[0][0]
            province.change(f"UPDATE {table} SET {column} = 'k1.AAAA' WHERE {column} IS NOT NULL")
            broken += held > 0
    return broken


def questions_of(province: Province) -> Iterator[tuple[str, str]]:
    """Of every route that shows something its path and what must be asked with; once more for its Excel file."""
    paths: Json = province.http.get("/openapi.json").json()["paths"]
    lists = [path for path, methods in paths.items() if "get" in methods and not path.startswith(NOT_HERE)]
    # what an act would do is told by the act itself, which refuses what it doesn't know
    for path in (path for path in lists if not path.endswith("/preview")):
        parameters = {one["name"]: one["required"] for one in paths[path]["get"].get("parameters", [])}
        needed = "fund_year=2026" if parameters.get("fund_year") else ""
        yield path, f"?{needed}"
        if "format" in parameters:
            yield path, f"?{needed}&format=xlsx"


def test_every_list_detail_export_and_search_goes_on(province: Province, servers: Stack, database_url: str) -> None:
    office, cards = Office(province), CardOffice(province)
    batch_no, said = verifying(province, office)
    with province.keeping_off(batch_no):
        province.post(said)
        province.post(with_line(said, 3, **DEAD))
    asked_once(province, 1)
    province.platform.lose()
    office.publicise_batch(batch_no)
    flow_no = office.begin(batch_no)
    office.at(flow_no, "county_review")
    number = said["data"]["results"][0]["application_no"]
    office.enter_order("withdrawal", flow_no, selection={"application_nos": [number]})
    mei, whom = cards.citizen(1), Someone(cards.first + 1, "周建国")
    cards.settle(mei)
    cards.in_review(mei, cards.new)
    with browser_of(province, whom) as browser, servers.layout.cluster.connect(_name_of(database_url)) as database:
        tomorrow = Tomorrow(database, office.code, mei.person_index)
        walk = Walk(province, office, browser, tomorrow)
        assert break_everything(province) > 12
        assert walk() >= MARKED
        assert province.http.get("/health").json()["unreadable_values"] > 40
        assert office.reviewer.post("/applications/search", {"name": "无此人"})["items"] == []
        refused = office.refused(lambda: office.operator.put(f"/applications/{number}", {}))
        assert refused.status < 500 or refused.problem["code"] == "VALUE_UNREADABLE"
        tomorrow.comes()
        before = province.http.get("/health").json()["unreadable_values"]
        assert walk() >= MARKED_TOMORROW
        assert province.http.get("/health").json()["unreadable_values"] >= before + 10
        _acts_refused(province, office, batch_no, flow_no)
        tomorrow.goes()


def _name_of(database_url: str) -> str:
    return str(make_url(database_url).database)


def _acts_refused(province: Province, office: Office, batch_no: str, flow_no: str) -> None:
    told = province.rows("SELECT count(*) FROM trail_entry")
    for act in (f"/batches/{batch_no}/verifications", f"/flows/{flow_no}/summary/submission"):
        refusal = province.http.post(act, headers=office.operator._headers | {"Idempotency-Key": "of-today"})
        assert (refusal.status_code, refusal.json()["code"]) == (503, "VALUE_UNREADABLE"), act
    assert province.rows("SELECT count(*) FROM trail_entry") == told


class Known(dict[str, object]):
    """What stands in a path: the number of the first row that has one of this name, found once."""

    def __init__(self, tomorrow: Tomorrow) -> None:
        super().__init__(kind="bank_card", verification_round=1)
        self._tomorrow = tomorrow

    def __missing__(self, name: str) -> object:
        self[name] = self._tomorrow.number(name)
        return self[name]


class Walk:
    """All lists, details and exports, by each person and the citizen."""

    def __init__(self, province: Province, office: Office, citizen: Browser, tomorrow: Tomorrow) -> None:
        self._questions = list(questions_of(province))
        self._staff = (office.reviewer, office.operator, office.county.admin)
        self._citizen = citizen
        self._tomorrow = tomorrow

    def __call__(self) -> set[str]:
        """The routes with something unreadable."""
        known = Known(self._tomorrow)
        marked, broken = set(), set()
        for path, query in self._questions:
            for person in (self._citizen,) if path.startswith("/citizen") else self._staff:
                answer = person._http.get(path.format_map(known) + query, headers=person._headers)
                broken |= {f"{path}{query} {answer.text[:200]}"} if answer.status_code >= 500 else set()
                if UNREADABLE in answer.text:
                    assert '"unreadable":[' in answer.text, path
                    marked.add(path)
        assert not broken
        return marked


def test_payments_are_booked_whatever_became_of_the_lines_accounts(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved([Line(1), Line(2, payment="failed:账户销户")])
    province.change("UPDATE flow_line SET account_sealed = 'k1.AAAA'")
    office.pay(flow_no)
    assert office.at(flow_no, "ended")["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 2, "paid": 1, "failed": 1}
    assert province.rows("SELECT account_sealed FROM notice WHERE kind = 'payment_failed'") == [(None,)]


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": ' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"type": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type": "half a pair \\ud800"}',
        b'{"type": 123456789012345678901234567890}',
        b'{"type": NaN}',
    ],
    ids=["deep", "deeper", "half a pair", "a long number", "not a number"],
)
async def test_what_the_platform_sent_is_given_on_whatever_it_is(server: ApiServer, body: bytes) -> None:
    await post_event(server, "evt-1", body)
    assert (await server.get(Role.OPS, "/inbox")).status_code == 200
    async with server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET county_code = '500001'")
    [row] = (await server.get(Role.REVIEWER, "/inbox")).json()["items"]
    answer = await server.get(Role.REVIEWER, f"/inbox/{row['id']}/content")
    assert (answer.status_code, answer.json()["content"]) == (200, body.decode())


async def test_what_is_nested_as_deep_as_can_be_given_on_is_given_on(server: ApiServer) -> None:
    body = b'{"data": {"county_code": "500001"}, "type": ' + b"[" * 250 + b"]" * 250 + b"}"
    await post_event(server, "evt-1", body)
    async with server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET county_code = '500001'")
    [row] = (await server.get(Role.REVIEWER, "/inbox")).json()["items"]
    answer = await server.get(Role.REVIEWER, f"/inbox/{row['id']}/content")
    assert (answer.status_code, answer.json()["content"]) == (200, json.loads(body))


def test_a_row_names_its_unreadable_fields() -> None:
    page = {"items": [{"name": UNREADABLE, "bank": "x"}, {"name": "梅", "bank": "x"}], "next": None}
    first, second = json.loads(rendered(page))["items"]
    assert first["unreadable"] == ["name"]
    assert "unreadable" not in second
    assert json.loads(rendered({"a": {"b": [UNREADABLE]}, "c": 1}))["unreadable"] == ["a"]
    sums = json.loads(rendered({"items": [{"label": "x"}], "states": [{"label": UNREADABLE}]}))
    assert (sums["unreadable"], sums["items"]) == (["states"], [{"label": "x"}])
    assert json.loads(rendered({"name": "\ud800"}))["name"] == "\ud800"
    assert json.loads(rendered({"n": 10**30}))["n"] == 10**30


@pytest.mark.parametrize("mask", [mask_name, mask_id_number, mask_account_no, mask_phone])
def test_the_mark_is_not_masked(mask: Callable[[str], str]) -> None:
    assert mask(UNREADABLE) == UNREADABLE


def test_json_that_can_be_given_on_is() -> None:
    assert content_of(b'{"a": [1, "\\u6885"]}') == {"a": [1, "梅"]}
    assert content_of(b"\xff") == "�"


def test_every_column_of_a_vocabulary_is_read_as_one(servers: Stack, database_url: str) -> None:
    """The database's own CHECKs and the tables' types name the same columns: no word is read as mere text."""
    typed = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(getattr(column.type, "impl", None), Enum)
    }
    with servers.layout.cluster.connect(_name_of(database_url)) as database:
        columns = Tomorrow(database, "", "").columns
    held = {(table, column) for table, column, many in columns if not many}
    assert {each for each in held if each[0] not in DOOR} == {each for each in typed if each[0] not in DOOR}

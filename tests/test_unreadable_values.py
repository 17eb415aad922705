"""A stored value that can't be read any more is shown as such in its row; no list, detail, export or search fails."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Enum, make_url

from api.server.rendering import content_of, rendered
from deploy.demo.people import Json
from deploy.stack import Stack
from models.forms.identity import mask_account_no, mask_id_number, mask_name, mask_phone
from models.store.sql import execute
from models.tables.metadata import metadata
from models.words.stages import Role
from models.words.unreadable import UNREADABLE
from tests.api_server import ApiServer, api_server
from tests.card_office import CardOffice
from tests.county_office import Line, Office
from tests.platform_posts import post_event
from tests.province import Province
from tests.test_changed_pages import DEAD, asked_once, verifying, with_line

pytest_plugins = ["tests.province_fixtures"]
# What was booked, and the trail's entries, can't be changed by worker and API.
BREAK = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND (
  column_name LIKE '%\\_sealed'
  OR (table_name, column_name) IN (('inbox', 'body'), ('application_import', 'faults')))
  AND has_column_privilege(quote_ident(table_name), column_name, 'UPDATE')
"""
OUR_RULES = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)
UNION ALL SELECT format('DROP INDEX %%s', indexrelid::regclass) FROM pg_index
WHERE indisunique AND indpred IS NOT NULL AND indrelid IN
  (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""
# They are no lists: they wait, or want a province's person.
NOT_HERE = ("/health", "/openapi.json", "/docs", "/citizen", "/files")


def break_everything(province: Province) -> int:
    """All sealed values of all rows but the trail's; gives the number of columns that had any."""
    broken = 0
    for table, column in province.rows(BREAK):
        if not table.startswith("trail"):
            held = province.rows(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")[0][0]
            province.change(f"UPDATE {table} SET {column} = 'k1.AAAA' WHERE {column} IS NOT NULL")
            broken += held > 0
    return broken


def routes_of(province: Province) -> list[str]:
    paths: Json = province.http.get("/openapi.json").json()["paths"]
    return [path for path, methods in paths.items() if "get" in methods and not path.startswith(NOT_HERE)]


def test_every_list_detail_export_and_search_goes_on(province: Province, servers: Stack, database_url: str) -> None:
    office = Office(province)
    batch_no, said = verifying(province, office)
    with province.keeping_off(batch_no):
        province.post(said)
        province.post(with_line(said, 3, **DEAD))
    asked_once(province, 1)
    province.platform.lose()
    office.publicise_batch(batch_no)
    flow_no = office.begin(batch_no)
    office.at(flow_no, "county_review")
    cards = CardOffice(province)
    mei = cards.citizen(1)
    cards.settle(mei)
    part_no = f"{cards.in_review(mei, cards.new)}.{cards.counties[0]}"
    assert break_everything(province) > 12
    number = said["data"]["results"][0]["application_no"]
    [(account_id,)] = province.rows("SELECT id FROM register_account ORDER BY id LIMIT 1")
    [(inbox_id,)] = province.rows("SELECT min(id) FROM inbox WHERE county_code = :county", county=office.code)
    known = {
        "application_no": number,
        "batch_no": batch_no,
        "flow_no": flow_no,
        "part_no": part_no,
        "account_id": account_id,
        "inbox_id": inbox_id,
        "verification_round": 1,
    }
    marked = walk(province, office, known)
    searched = office.reviewer.post("/applications/search", {"name": "无此人"})
    assert searched["items"] == []
    assert marked >= {
        "/applications",
        "/applications/{application_no}",
        "/contradictions",
        "/card-changes",
        "/card-changes/{part_no}",
        "/register",
        "/register/{account_id}",
        "/flows/{flow_no}/lines",
        "/inbox/{inbox_id}/content",
    }
    assert province.http.get("/health").json()["unreadable_values"] > 40
    refused = office.refused(lambda: office.operator.put(f"/applications/{number}", {}))
    assert refused.status < 500 or refused.problem["code"] == "VALUE_UNREADABLE"
    with servers.layout.cluster.connect(str(make_url(database_url).database)) as database:
        kept = words_of_tomorrow(database)
        assert len(kept) > 25
        _shown_and_refused(province, office, known)
        words_of_today(database, kept)


def _shown_and_refused(province: Province, office: Office, known: Mapping[str, object]) -> None:
    before = province.http.get("/health").json()["unreadable_values"]
    assert walk(province, office, known) > {"/applications", "/batches", "/flows", "/runs", "/policies"}
    assert province.http.get("/health").json()["unreadable_values"] >= before + 10
    told = province.rows("SELECT count(*) FROM trail_entry")
    for act in (f"/batches/{known['batch_no']}/verifications", f"/flows/{known['flow_no']}/summary/submission"):
        refusal = province.http.post(act, headers=office.operator._headers | {"Idempotency-Key": "of-today"})
        assert (refusal.status_code, refusal.json()["code"]) == (503, "VALUE_UNREADABLE"), act
    assert province.rows("SELECT count(*) FROM trail_entry") == told


def walk(province: Province, office: Office, known: Mapping[str, object]) -> set[str]:
    """All lists, details and exports, by each person; gives the routes with something unreadable."""
    marked, broken = set(), set()
    for path in routes_of(province):
        for query in ("", "?format=xlsx"):
            for person in (office.reviewer, office.operator, office.county.admin):
                answer = person._http.get(path.format_map(_Known(known)) + query, headers=person._headers)
                broken |= {path + query} if answer.status_code >= 500 else set()
                if UNREADABLE in answer.text:
                    assert '"unreadable":[' in answer.text, path
                    marked.add(path)
    assert not broken
    return marked


Kept = dict[tuple[str, str], list[tuple[str, ...]]]


def words_of_tomorrow(database: psycopg.Connection) -> Kept:
    """A word of a newer version in every column of a vocabulary that has rows; gives the former words by key."""
    columns = [
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(getattr(column.type, "impl", None), Enum)
    ]
    database.execute("SET session_replication_role = replica")  # its rules are others than ours
    for statement in database.execute(OUR_RULES.encode(), (sorted({table for table, _ in columns}),)).fetchall():
        database.execute(statement[0])
    kept = {}
    for table, column in columns:
        key = ", ".join(metadata.tables[table].primary_key.columns.keys())
        rows = database.execute(f"SELECT {column}, {key} FROM {table} WHERE {column} IS NOT NULL".encode())
        kept[table, column] = rows.fetchall()
        database.execute(f"UPDATE {table} SET {column} = 'of_tomorrow' WHERE {column} IS NOT NULL".encode())
    return kept


def words_of_today(database: psycopg.Connection, kept: Kept) -> None:
    """As they were: what checks the books at the end of a test reads them too."""
    for (table, column), rows in kept.items():
        key = " AND ".join(f"{one.name} = %s" for one in metadata.tables[table].primary_key)
        with database.cursor() as cursor:
            cursor.executemany(f"UPDATE {table} SET {column} = %s WHERE {key}".encode(), rows)


def test_payments_are_booked_whatever_became_of_the_lines_accounts(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved([Line(1), Line(2, payment="failed:账户销户")])
    province.change("UPDATE flow_line SET account_sealed = 'k1.AAAA'")
    office.pay(flow_no)
    assert office.at(flow_no, "ended")["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 2, "paid": 1, "failed": 1}
    assert province.rows("SELECT account_sealed FROM notice WHERE kind = 'payment_failed'") == [(None,)]


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "1"


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
    assert json.loads(rendered({"name": "\ud800"}))["name"] == "\ud800"
    assert json.loads(rendered({"n": 10**30}))["n"] == 10**30


@pytest.mark.parametrize("mask", [mask_name, mask_id_number, mask_account_no, mask_phone])
def test_the_mark_is_not_masked(mask: Callable[[str], str]) -> None:
    assert mask(UNREADABLE) == UNREADABLE


def test_json_that_can_be_given_on_is() -> None:
    assert content_of(b'{"a": [1, "\\u6885"]}') == {"a": [1, "梅"]}
    assert content_of(b"\xff") == "�"

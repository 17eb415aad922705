"""The checker finds a breach of each of its sentences, and nothing where nothing is wrong."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from deploy.stack import Stack, postgres
from models.contracts import Signal
from tests.application_lines import card, citizen_id
from tests.checker import Checker, Ground, Law
from tests.checker_grounds import of_province
from tests.checker_privacy import named_in
from tests.county_office import Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
# A statement that breaks a law, and one that mends it again; `{mine}` and `{other}` are the two counties.
PLANTED: tuple[tuple[Law, str, str], ...] = (
    (
        Law.PAID_ONCE,
        "UPDATE flow_line SET payment = 'failed', money = 'released' WHERE id = (SELECT min(id) FROM flow_line)",
        "UPDATE flow_line SET payment = 'paid', money = 'paid' WHERE id = (SELECT min(id) FROM flow_line)",
    ),
    (
        Law.PAID_ONCE,
        "UPDATE flow_line SET amount_fen = amount_fen + 1",
        "UPDATE flow_line SET amount_fen = amount_fen - 1",
    ),
    (
        Law.PAID_ONCE,
        "INSERT INTO instruction SELECT 'odd', county_code, operation, body, body_sha256, answer,"
        " 'IDEMPOTENCY_MISMATCH', intended_at, answered_at FROM instruction LIMIT 1",
        "DELETE FROM instruction WHERE key = 'odd'",
    ),
    (
        Law.FIGURES,
        "UPDATE indicator SET reserved_fen = reserved_fen + 1",
        "UPDATE indicator SET reserved_fen = reserved_fen - 1",
    ),
    (Law.FIGURES, "UPDATE flow_line SET attempt = 2", "UPDATE flow_line SET attempt = 1"),
    (
        Law.FIGURES,
        "UPDATE batch_tally SET lines = lines + 1 WHERE id = (SELECT min(id) FROM batch_tally)",
        "UPDATE batch_tally SET lines = lines - 1 WHERE id = (SELECT min(id) FROM batch_tally)",
    ),
    (
        Law.ONE_EFFECT,
        "UPDATE inbox SET event_id = event_id || 'x' WHERE event_type = 'flow.ended'",
        "UPDATE inbox SET event_id = rtrim(event_id, 'x') WHERE event_type = 'flow.ended'",
    ),
    (Law.ONE_EFFECT, "UPDATE payment SET sequence = 7", "UPDATE payment SET sequence = 1"),
    (
        Law.ONE_EFFECT,
        "UPDATE inbox SET state = 'delivered' WHERE event_type = 'flow.payments'",
        "UPDATE inbox SET state = 'applied' WHERE event_type = 'flow.payments'",
    ),
    (
        Law.NOT_STUCK,
        "UPDATE run SET closed_at = NULL WHERE kind = 'subsidy-flow'",
        "UPDATE run SET closed_at = now() WHERE kind = 'subsidy-flow'",
    ),
    (
        Law.NOT_STUCK,
        "UPDATE run SET closed_at = now() WHERE kind = 'payment-correction'",
        "UPDATE run SET closed_at = NULL WHERE kind = 'payment-correction'",
    ),
    (
        Law.NOT_STUCK,
        "INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, tries)"
        " VALUES ('evidence/none', 'opened', '[]', now(), now() + interval '1 day', 0)",
        "DELETE FROM outbox WHERE workflow_id = 'evidence/none'",
    ),
    (
        Law.NOT_STUCK,
        "UPDATE run SET closed_at = NULL WHERE kind = 'subsidy-flow'",
        "UPDATE run SET closed_at = now() WHERE kind = 'subsidy-flow'",
    ),
    (
        Law.TRAIL,
        "UPDATE trail_entry SET actor = 'nobody' || actor WHERE sequence = 2",
        "UPDATE trail_entry SET actor = substr(actor, 7) WHERE sequence = 2",
    ),
    (
        Law.OWN_ROWS,
        "UPDATE flow_line SET county_code = '{other}' WHERE county_code = '{mine}'",
        "UPDATE flow_line l SET county_code = f.county_code FROM flow f WHERE f.id = l.flow_id",
    ),
    (
        Law.OWN_ROWS,
        "UPDATE batch SET county_code = '{other}' WHERE county_code = '{mine}'",
        "UPDATE batch SET county_code = split_part(batch_no, '-', 1)",
    ),
    (
        Law.STORED,
        "UPDATE idempotent_answer SET key = key || '-gone'",
        "UPDATE idempotent_answer SET key = replace(key, '-gone', '')",
    ),
)


@pytest.fixture
def planting(servers: Stack, province: Province) -> Iterator[psycopg.Connection]:
    """Neither triggers nor keys stand in the way."""
    name = str(make_url(province.settings.database_url.get_secret_value()).database)
    with servers.layout.cluster.connect(name, postgres.SUPERUSER) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


# Nobody mends what is planted.
@pytest.mark.parametrize("province", [{"watch_seconds": 3_600}], indirect=True)
def test_it_finds_what_is_wrong_and_nothing_else(
    province: Province, planting: psycopg.Connection, servers: Stack
) -> None:
    ground = of_province(province)
    offices = Office(province, 1), Office(province, 2)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda office: office.ended(lines(2)), offices))
    checker = Checker(ground)
    assert checker.settled(20) == []
    counties = {"mine": offices[0].code, "other": offices[1].code}
    for law, breach, mending in PLANTED:
        planting.execute(breach.format_map(counties).encode())
        found = checker.violations(law)
        planting.execute(mending.format_map(counties).encode())
        assert {one.law for one in found} == {law}, breach
    with _paid_twice(servers, province):
        assert checker.violations(Law.PAID_ONCE, at_rest=False) != []
    assert checker.violations() == []
    _finds_what_is_written(checker, ground, province)


@contextmanager
def _paid_twice(servers: Stack, province: Province) -> Iterator[None]:
    """In the platform's own books."""
    file = max(servers.layout.home.glob("platform/*/state/simulator.db"), key=lambda path: int(path.parts[-3]))
    again = "SELECT flow_id, 99, application_no, attempt, 2, 'paid', amount_fen, NULL, NULL, NULL, 1 FROM payment"
    mine = f"flow_id IN (SELECT flow_id FROM flow WHERE county_code LIKE '{province.code}%')"
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as books:
        books.execute(f"INSERT INTO payment {again} WHERE {mine} AND sequence = 1")
        yield
        books.execute(f"DELETE FROM payment WHERE {mine} AND plan = 99")


def _finds_what_is_written(checker: Checker, ground: Ground, province: Province) -> None:
    """In a history, where it stays; and in what somebody was told."""
    ground.heard.refusals.append(("404 of /x", f'{{"detail":"没有 {citizen_id(1)}"}}'.encode()))
    assert len(checker.violations(Law.PRIVATE)) == 1
    ground.heard.refusals.clear()
    [(run,)] = province.rows("SELECT max(workflow_id) FROM run WHERE closed_at IS NULL")
    handle = province.temporal.get_workflow_handle(str(run))
    province.portal.call(handle.signal, Signal.LINES_CHANGED.value, [card(1)])
    assert [one.what.split(":")[0] for one in checker.violations(Law.PRIVATE)] == [run]


def test_a_number_is_found_within_a_longer_one_and_a_check_letter_in_either_case() -> None:
    secrets = {"51012219900307123X", "6222021234567890128", "13800001234", "王建国"}
    assert named_in(b'"86013800001234"', secrets) == {"13800001234"}
    assert named_in(b"x51012219900307123x", secrets) == {"51012219900307123X"}
    assert named_in("王建国".encode(), secrets) == {"王建国"}
    assert named_in(b"138****1234 1380000123 622202123456789012", secrets) == set()

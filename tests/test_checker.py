"""The checker finds a breach of each of its sentences, and nothing where nothing is wrong."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import psycopg
import pytest
from sqlalchemy import make_url

from deploy.demo.people import Json
from deploy.stack import Stack, postgres
from models.contracts import Signal
from tests.application_lines import card, citizen_id
from tests.card_office import CardOffice
from tests.checker import Checker, Ground, Law
from tests.checker_counties import addresses, answered
from tests.checker_grounds import of_province
from tests.checker_privacy import named_in
from tests.checker_runs import RUNNING, Execution
from tests.county_office import Line, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
_CODES = "SELECT DISTINCT county_code FROM application UNION SELECT county_code FROM register_account"
_CHANGE = (
    "register_account_id, source, actor, old_bank_code, old_account_sealed, new_bank_code, new_account_sealed,"
    " old_status, new_status, at, as_of, reason_code"
)
_OBJECTED = (
    "INSERT INTO objection (objection_no, county_code, application_id, application_no, reason_sealed, state,"
    " entered_by, entered_at, decided_by, decided_at) SELECT 'odd', county_code, application_id,"
    " application_no, '', {state}, 'x', now() - interval '1 year', {decided} FROM flow_line ORDER BY id LIMIT 1"
)
# Over the account that a card change has brought, which is newer than the file; twice; and while it was locked.
_LOADED = (
    "WITH r AS (SELECT id, county_code, person_index FROM register_account WHERE source = '渝快办' LIMIT 1),"
    " k AS (INSERT INTO account_lock (county_code, person_index, request_no, since) SELECT county_code, person_index,"
    " 'odd', now() - interval '1 hour' FROM r),"
    " h AS (INSERT INTO register_change (register_account_id, source, actor, new_status, at, as_of)"
    " SELECT id, '初始导入', 'x', 'valid', now(), now() FROM r, generate_series(1, 2))"
    " INSERT INTO register_load (load_no, county_code, as_of, file_id, stage, rows_total, rows_checked, rows_refused,"
    " rows_asked, to_confirm_count, rows_to_confirm, pages, page_size, cursor, figures, entered_by, created_at,"
    " asked_at, finished_at) SELECT 'odd', county_code, '2020-01-01', 0, 'loaded', 1, 1, 0, 1, 0, 0, 1, 500, 0,"
    """ '{{"new": 0, "changed": 1}}', 'x', now(), now(), now() FROM r"""
)
_UNLOADED = (
    "WITH h AS (DELETE FROM register_change WHERE source = '初始导入'),"
    " k AS (DELETE FROM account_lock WHERE request_no = 'odd') DELETE FROM register_load WHERE load_no = 'odd'"
)
_TAKEN_OUT = (
    "WITH o AS (INSERT INTO operator_order (order_no, county_code, kind, state, reason_sealed, line_count, total_fen,"
    " done_count, done_fen, entered_by, entered_at) SELECT 'odd-' || n, '{mine}', 'withdrawal', 'done', '', 1, 0, 1, 0,"
    " 'x', now() FROM generate_series(1, 2) n RETURNING id)"
    " INSERT INTO order_line (order_id, application_id, application_no, flow_line_id, amount_fen, done)"
    " SELECT o.id, l.application_id, l.application_no, l.id, 0, true FROM o,"
    " (SELECT * FROM flow_line ORDER BY id LIMIT 1) AS l"
)
_NOT_TAKEN_OUT = (
    "WITH o AS (DELETE FROM operator_order WHERE order_no LIKE 'odd-%' RETURNING id)"
    " DELETE FROM order_line WHERE order_id IN (TABLE o)"
)
# Words of the rule, a statement that breaks it, and one that mends it again; `{mine}` and `{other}` are the counties.
PLANTED: tuple[tuple[Law, str, str, str], ...] = (
    (
        Law.PAID_ONCE,
        "returns there",
        "UPDATE flow_line SET payment = 'failed', money = 'released' WHERE id = (SELECT min(id) FROM flow_line)",
        "UPDATE flow_line SET payment = 'paid', money = 'paid' WHERE id = (SELECT min(id) FROM flow_line)",
    ),
    (
        Law.PAID_ONCE,
        "fen here,",
        "UPDATE flow_line SET amount_fen = amount_fen + 1",
        "UPDATE flow_line SET amount_fen = amount_fen - 1",
    ),
    (
        Law.PAID_ONCE,
        "was sent with another content",
        "INSERT INTO instruction SELECT 'odd', county_code, operation, body, body_sha256, answer,"
        " 'IDEMPOTENCY_MISMATCH', intended_at, answered_at FROM instruction LIMIT 1",
        "DELETE FROM instruction WHERE key = 'odd'",
    ),
    (
        Law.FIGURES,
        "reserved and paid of an indicator are its lines'",
        "UPDATE indicator SET reserved_fen = reserved_fen + 1",
        "UPDATE indicator SET reserved_fen = reserved_fen - 1",
    ),
    (
        Law.FIGURES,
        "has ended, and changed since",
        "UPDATE flow_line SET attempt = 2",
        "UPDATE flow_line SET attempt = 1",
    ),
    (
        Law.FIGURES,
        "is tallied otherwise",
        "UPDATE batch_tally SET lines = lines + 1 WHERE id = (SELECT min(id) FROM batch_tally)",
        "UPDATE batch_tally SET lines = lines - 1 WHERE id = (SELECT min(id) FROM batch_tally)",
    ),
    (
        Law.FIGURES,
        "is tallied otherwise",
        "UPDATE application_standing SET amount_fen = amount_fen + 1",
        "UPDATE application_standing SET amount_fen = amount_fen - 1",
    ),
    (
        Law.ONE_EFFECT,
        "was acknowledged and is nowhere",
        "UPDATE inbox SET event_id = event_id || 'x' WHERE event_type = 'flow.ended'",
        "UPDATE inbox SET event_id = rtrim(event_id, 'x') WHERE event_type = 'flow.ended'",
    ),
    (
        Law.ONE_EFFECT,
        "stands 0 times",
        "UPDATE payment SET sequence = 7",
        "UPDATE payment SET sequence = 1",
    ),
    (
        Law.ONE_EFFECT,
        "is delivered still",
        "UPDATE inbox SET state = 'delivered' WHERE event_type = 'flow.payments'",
        "UPDATE inbox SET state = 'applied' WHERE event_type = 'flow.payments'",
    ),
    (Law.ONE_EFFECT, "a line withdrawn by two orders", _TAKEN_OUT, _NOT_TAKEN_OUT),
    (
        Law.ONE_EFFECT,
        "paid, and might be paid again",
        "UPDATE application SET stage = 'failed' WHERE stage = 'paid'",
        "UPDATE application SET stage = 'paid' WHERE stage = 'failed'",
    ),
    (
        Law.ONE_EFFECT,
        "an account changed more often than its parts were applied",
        f"INSERT INTO register_change ({_CHANGE}) SELECT {_CHANGE} FROM register_change WHERE source = '渝快办'",
        "DELETE FROM register_change c USING register_change o WHERE o.register_account_id = c.register_account_id"
        " AND o.source = '渝快办' AND c.source = '渝快办' AND o.id < c.id",
    ),
    (
        Law.ONE_EFFECT,
        "the register has another account than was applied last",
        "UPDATE register_account SET account_index = account_index || '-x' WHERE source = '渝快办'",
        "UPDATE register_account SET account_index = left(account_index, -2) WHERE source = '渝快办'",
    ),
    (
        Law.ONE_EFFECT,
        "a line went out though an objection holds it",
        _OBJECTED.format(state="'open'", decided="NULL, NULL"),
        "DELETE FROM objection",
    ),
    (
        Law.ONE_EFFECT,
        "an objection was upheld and its application goes on",
        _OBJECTED.format(state="'upheld'", decided="'y', now()"),
        "DELETE FROM objection",
    ),
    (Law.ONE_EFFECT, "a load went over an account that was being changed", _LOADED, _UNLOADED),
    (Law.ONE_EFFECT, "a load went over a newer account", _LOADED, _UNLOADED),
    (Law.ONE_EFFECT, "a load took an account twice", _LOADED, _UNLOADED),
    (Law.ONE_EFFECT, "a load took others than it says", _LOADED, _UNLOADED),
    (
        Law.ONE_EFFECT,
        "an account is locked by what is over",
        "UPDATE account_lock SET ended_at = NULL",
        "UPDATE account_lock SET ended_at = now()",
    ),
    (
        Law.ONE_EFFECT,
        "an account may be changed that is being changed",
        "UPDATE card_change_part SET ended_at = NULL",
        "UPDATE card_change_part SET ended_at = now()",
    ),
    (
        Law.ONE_EFFECT,
        "held, and nothing holds it",
        "WITH l AS (UPDATE flow_line SET state = 'held', payment = NULL, money = 'reserved'"
        " WHERE id = (SELECT min(id) FROM flow_line) RETURNING flow_id)"
        " UPDATE flow SET stage = 'settling' WHERE id IN (TABLE l)",
        "WITH l AS (UPDATE flow_line SET state = 'accepted', payment = 'paid', money = 'paid' WHERE state = 'held')"
        " UPDATE flow SET stage = 'ended'",
    ),
    (
        Law.NOT_STUCK,
        "is open",
        "UPDATE run SET closed_at = NULL WHERE kind = 'subsidy-flow'",
        "UPDATE run SET closed_at = now() WHERE kind = 'subsidy-flow'",
    ),
    (
        Law.NOT_STUCK,
        "and still runs",
        "UPDATE run SET closed_at = now() WHERE kind = 'payment-correction'",
        "UPDATE run SET closed_at = NULL WHERE kind = 'payment-correction'",
    ),
    (
        Law.NOT_STUCK,
        "等待平台审核, and nobody has a word to say",
        "UPDATE run SET waiting_for = waiting_for || '等待平台审核' WHERE kind = 'payment-correction'",
        "UPDATE run SET waiting_for = replace(waiting_for, '等待平台审核', '') WHERE kind = 'payment-correction'",
    ),
    (
        Law.NOT_STUCK,
        "is not delivered",
        "INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, tries)"
        " VALUES ('evidence/none', 'opened', '[]', now(), now() + interval '1 day', 0)",
        "DELETE FROM outbox WHERE workflow_id = 'evidence/none'",
    ),
    (
        Law.NOT_STUCK,
        "is not carried out",
        "INSERT INTO contradiction (county_code, number, kind, line_key, applied_sealed, claimed_sealed, claim_sha256,"
        " state, created_at) VALUES ('{mine}', 'odd', 'x', '', '', '', '', 'decided', now())",
        "DELETE FROM contradiction WHERE number = 'odd'",
    ),
    (
        Law.TRAIL,
        "intact",
        "UPDATE trail_entry SET actor = 'nobody' || actor WHERE sequence = 2",
        "UPDATE trail_entry SET actor = substr(actor, 7) WHERE sequence = 2",
    ),
    (
        Law.OWN_ROWS,
        "line of another flow",
        "UPDATE flow_line SET county_code = '{other}' WHERE county_code = '{mine}'",
        "UPDATE flow_line l SET county_code = f.county_code FROM flow f WHERE f.id = l.flow_id",
    ),
    (
        Law.OWN_ROWS,
        "something of",
        "UPDATE batch SET county_code = '{other}' WHERE county_code = '{mine}'",
        "UPDATE batch SET county_code = split_part(batch_no, '-', 1)",
    ),
    (
        Law.STORED,
        "isn't kept",
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
    _card_changed(province)
    checker = Checker(replace(ground, platform=partial(_silent, ground.platform)))
    assert checker.settled(20) == []
    _sees_the_own(province)
    counties = {"mine": offices[0].code, "other": offices[1].code}
    missed = []
    for law, words, breach, mending in PLANTED:
        planting.execute(breach.format_map(counties).encode())
        found = checker.violations(law)
        planting.execute(mending.format_map(counties).encode())
        missed += [] if any(words in one.what for one in found) else [(words, found)]
    assert missed == []
    with _paid_twice(servers, province):
        assert checker.violations(Law.PAID_ONCE, at_rest=False) != []
    assert checker.violations() == []
    _finds_who_tries_in_vain(ground)
    _finds_a_foreign_reader(ground, counties)
    _finds_who_was_not_woken(checker, offices[1], planting)
    _finds_what_is_written(checker, ground, province)


def _card_changed(province: Province) -> None:
    cards = CardOffice(province)
    mei = cards.citizen(1)
    cards.settle(mei)
    request_no = cards.in_review(mei, cards.new)
    cards.decide(request_no)
    assert cards.ended(request_no)["result"] == "applied"


def _silent(platform: Callable[[str], Json], path: str) -> Json:
    """It has nothing left to do: what provinces of other tests have left there isn't this one's."""
    nothing = dict.fromkeys(("agenda", "undelivered", "waiting_for_clerk", "stuck"), 0)
    return nothing if path == "/health" else platform(path)


def _sees_the_own(province: Province) -> None:
    """What no other county is shown is there for the own one, or the search for it would be blind."""
    counties = {code: province.county(int(code[2:])) for code in {row[0] for row in province.rows(_CODES)}}
    unseen = {path for code, path in addresses(province.rows) if answered(counties[code], path) != 200}
    # these lines have come without a picture
    assert {path for path in unseen if "/photos/" not in path} == set()


def _finds_who_tries_in_vain(ground: Ground) -> None:
    def in_vain(ids: Collection[str]) -> Mapping[str, Execution]:
        return dict.fromkeys(ids, Execution(RUNNING, 9, "no such table"))

    found = Checker(replace(ground, executions=in_vain)).violations(Law.NOT_STUCK)
    assert any("tries a step the 9th time: no such table" in one.what for one in found), found


def _finds_who_was_not_woken(checker: Checker, office: Office, planting: psycopg.Connection) -> None:
    """A flow waits for a person's word on one of its lines; the word comes, and nobody tells its run."""
    batch_no, (objected, *_) = office.verified([Line(place, 10_000) for place in (11, 12)])
    body = {"application_no": objected, "reason": "该地已流转"}
    objection_no = office.operator.post("/objections", body)["objection_no"]
    office.at(office.begin(batch_no), "settling")
    assert checker.settled(20) == []
    planting.execute("UPDATE objection SET state = 'dismissed', decided_by = 'x', decided_at = now()")
    assert ["was not woken" in one.what for one in checker.violations(Law.NOT_STUCK)] == [True]
    planting.execute("UPDATE objection SET state = 'open', decided_by = NULL, decided_at = NULL")
    office.reviewer.post(f"/objections/{objection_no}/decision", {"upheld": False, "opinion": "经核实仍在耕种"})
    assert checker.settled(20) == []


def _finds_a_foreign_reader(ground: Ground, codes: Mapping[str, str]) -> None:
    """Of two counties the one is played by the other's people."""
    people = ground.counties()
    played = {codes["mine"]: people[codes["other"]], codes["other"]: people[codes["mine"]]}
    found = Checker(replace(ground, counties=lambda: played)).violations(Law.OWN_ROWS)
    assert any("answers" in one.what for one in found), found


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

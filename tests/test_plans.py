"""A question to twenty counties reads its county's rows, or fewer, whatever statistics say.

There are none before anybody has analysed a table, fresh ones after it, and those from long before.

Asked are the API, as people ask it, and what the relay and the worker ask at each of their turns: with the plan for the
values that were given, and with the one for any value, which a statement gets from its tenth time or so.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from sqlmodel import select, text
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.lists import ListActivities
from api.relay.outbox import due_ids, take_due
from api.relay.routing import Router
from api.relay.watch import candidates
from deploy.bench.lookups import ask, counter, put_province, settings_of, tokens_of
from deploy.bench.lookups_asked import asked
from deploy.bench.lookups_ground import PARTS, YEAR, Size, person_of
from deploy.stack import Stack
from models import tokens
from models.contracts import RunKind, Subject
from models.store.applications.doubles import doubles, lines_of_flow
from models.store.cards.own_accounts import own_accounts
from models.store.database import Database
from models.store.events.inbox import anything_new, pending
from models.store.flows.look import look_at_flow
from models.store.flows.rounds import open_new_round
from models.store.orders.rules import DEFERRAL_RULES, RULES, FlowLineSelection, judge, judge_order
from models.store.register.checks import next_page
from models.store.vault import Field, LocalVault, create_vault_key_file
from models.tables.cards import CheckRound
from models.tables.flows import Flow, Order, OrderLine
from models.words.staff import Role
from tests.databases import Databases
from tests.explained import Told, explain_all, hear_plans

SIZE = Size(counties=20, lines_of_part=500, first_part=8, records=300)
COUNTY = SIZE.measured
# A county has a twentieth of each table's rows: of a table of so many pages no statement handles more than this share,
# nor of what is asked at every moment.
MOST, LARGE, OFTEN = 1 / 8, 1_000, ("outbox",)
# Pages of 8 KiB that a statement may read: some for each of the county's lines, where all are looked through.
MOST_PAGES = 4 * PARTS * SIZE.lines_of_part
# What is asked at each turn of a run or the relay.
MOST_OF_A_TURN = 1_500
# Handled by one statement in all its steps: a walk along a flow's lines for each of them comes to half their square.
MOST_ROWS = SIZE.lines_of_part**2 // 3
# What is told of one application: far fewer than the county's trail has.
MOST_OF_ONE = 100
FLOW, LIST, ORDER = f"{COUNTY}-F{YEAR}-0009", f"{COUNTY}-N{YEAR}-0016", f"{COUNTY}-O{YEAR}-999999"

# Some that a relay has to carry, and an order about all lines of a flow.
_DUE = f"""
INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, tries)
SELECT workflow_id, 'opened', '[]', now(), now(), 0 FROM run WHERE closed_at IS NULL ORDER BY id LIMIT 100;
UPDATE inbox SET state = 'received', applied_at = NULL, effect = NULL, next_try_at = now()
WHERE number = '{FLOW}' AND event_type = 'flow.payments' AND state = 'applied';
INSERT INTO operator_order
  (order_no, county_code, kind, flow_id, state, reason_sealed, line_count, total_fen, done_count, done_fen, entered_by,
  entered_at)
SELECT '{ORDER}', county_code, 'confirmed', id, 'confirmed', '', 0, 0, 0, 0, 'op.bench', now()
FROM flow WHERE flow_no = '{FLOW}';
INSERT INTO order_line (order_id, application_id, application_no, flow_line_id, amount_fen)
SELECT o.id, l.application_id, l.application_no, l.id, l.amount_fen
FROM operator_order o JOIN flow_line l USING (flow_id) WHERE order_no = '{ORDER}';
INSERT INTO repeated_item SELECT county_code, fund_year, person_index, item_code FROM application
WHERE county_code = '{COUNTY}' AND id % 20 = 0 ON CONFLICT DO NOTHING
"""
# The lines of an order, as the platform has sent them back.
_REJECTED = """
UPDATE flow_line SET state = 'rejected', reason_code = 'duplicate_person', payment = NULL, money = 'reserved'
WHERE id = ANY(ARRAY(SELECT flow_line_id FROM order_line WHERE order_id = :order))
"""
# Nobody has looked at any table yet.
_FORGET = """
SELECT pg_clear_relation_stats('public', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i');
SELECT pg_clear_attribute_stats('public', tablename, attname, false) FROM pg_stats WHERE schemaname = 'public'
"""
_ANALYZE = "SET default_statistics_target = 20; ANALYZE"
# Of a year's first days, when this county was nearly all there was, and its lines were all in one flow and one list: of
# those that came since, and of what lists are narrowed by, there is none.
_EARLY = f"""
{_ANALYZE};
WITH words AS MATERIALIZED (
  SELECT tablename::text AS name, attname::text AS word,
    CASE WHEN attname = 'county_code' THEN '{{{COUNTY}}}' WHEN is_nullable = 'NO' THEN
      CASE WHEN data_type = 'bigint' THEN '{{0}}' ELSE '{{entered}}' END END AS common,
    CASE WHEN data_type = 'bigint' THEN 0.99999 ELSE 0.99 END AS share
  FROM pg_stats JOIN information_schema.columns
    ON (table_schema, table_name, column_name) = (schemaname, tablename, attname)
  WHERE schemaname = 'public' AND (attname = 'county_code' OR is_nullable = 'YES'
    OR attname IN ('flow_id', 'dataset_id', 'order_id')
    OR data_type IN ('text', 'character varying') AND n_distinct BETWEEN 0 AND 40)
), forgotten AS MATERIALIZED (SELECT *, pg_clear_attribute_stats('public', name, word, false) FROM words)
SELECT CASE WHEN common IS NULL THEN pg_restore_attribute_stats('schemaname', 'public', 'relname', name,
    'attname', word, 'inherited', false, 'null_frac', 1::real, 'avg_width', 0, 'n_distinct', 0::real)
  ELSE pg_restore_attribute_stats('schemaname', 'public', 'relname', name, 'attname', word, 'inherited', false,
    'null_frac', 0::real, 'avg_width', 7, 'n_distinct', 2::real, 'most_common_freqs', ARRAY[share::real],
    'most_common_vals', common) END
FROM forgotten
"""
Turn: TypeAlias = Callable[[AsyncSession], Awaitable[object]]
STATISTICS = {"none": _FORGET, "fresh": _ANALYZE, "early": _EARLY}


@dataclass(frozen=True)
class Province:
    home: Path
    database: str
    url: str
    server: psycopg.Connection
    vault: LocalVault
    large: Mapping[str, int]


@pytest.fixture(scope="module")
def province(servers: Stack, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    servers.start("postgres")
    home, name = tmp_path_factory.mktemp("province"), databases.make()
    create_vault_key_file(home / "vault.json")
    tokens.create_token_key_file(home / "token.key")
    vault = LocalVault.from_file(home / "vault.json")
    cluster = servers.layout.cluster
    with cluster.connect(name) as server:
        with _without_indexes(server):
            put_province(server, vault, SIZE)
        server.execute(_DUE.encode())
        explain_all(cluster, name)
        yield Province(home, name, cluster.url(name), server, vault, _large(server))
    databases.give_back(name)


@contextmanager
def _without_indexes(server: psycopg.Connection) -> Iterator[None]:
    """Made at once over all rows they cost a third; those that rules are made of stay."""
    indexes = server.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON oid = indexrelid"
        " WHERE relnamespace = 'public'::regnamespace AND NOT indisunique"
    ).fetchall()
    for name, _ in indexes:
        server.execute(f"DROP INDEX {name}".encode())
    yield
    for _, definition in indexes:
        server.execute(definition.encode())


def _large(server: psycopg.Connection) -> dict[str, int]:
    """Rows of each table that is read sooner by looking things up than by walking through it."""
    tables = server.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND (pg_relation_size(oid) >= %s * 8192 OR relname = ANY(%s))",
        (LARGE, list(OFTEN)),
    ).fetchall()
    return {name: server.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()[0] for (name,) in tables}


def _order_turns(vault: LocalVault) -> Mapping[str, Turn]:
    """What names its lines one by one, as many as the flow has."""

    async def order(session: AsyncSession) -> tuple[Flow, Order]:
        found = (await session.exec(select(Order).where(Order.order_no == ORDER))).one()
        return (await session.exec(select(Flow).where(Flow.id == found.flow_id))).one(), found

    async def again(session: AsyncSession) -> None:
        flow, found = await order(session)
        await session.exec(text(_REJECTED), params={"order": found.id})
        verdict = await judge_order(session, flow.id or 0, RULES[found.kind], found.id or 0)
        assert len(verdict.fit) == SIZE.lines_of_part

    async def by_numbers(session: AsyncSession) -> None:
        flow, found = await order(session)
        lines = await session.exec(select(OrderLine.application_no).where(OrderLine.order_id == found.id))
        named = FlowLineSelection(application_nos=list(lines))
        assert len((await judge(session, flow.id or 0, DEFERRAL_RULES, named)).unfit) == SIZE.lines_of_part

    async def round_of_it(session: AsyncSession) -> None:
        flow, found = await order(session)
        await session.exec(text(_REJECTED), params={"order": found.id})
        assert await open_new_round(session, vault, flow, found)

    async def doubles_of_it(session: AsyncSession) -> None:
        flow, _ = await order(session)
        await doubles(session, COUNTY, lines_of_flow(COUNTY, flow.id or 0))

    return {
        "an order, judged again": again,
        "lines by their numbers": by_numbers,
        "what an order sends": round_of_it,
        "what a flow may pay twice": doubles_of_it,
    }


class _Undone(Exception):
    """What a turn has changed is taken back."""


def _turns(province: Province) -> Mapping[str, Turn]:
    vault, settings = province.vault, settings_of(province.url, province.home)
    flow = Subject(kind=RunKind.SUBSIDY_FLOW, number=FLOW, county_code=COUNTY, fund_year=YEAR)
    person = vault.index(Field.ID_NUMBER, person_of(SIZE.paid)[1])
    checks = CheckRound(id=1, province_code="500000", county_code=COUNTY, figures={})
    return {
        "what the outbox has to carry": take_due,
        "the same, one by one": due_ids,
        "what runs there should be": candidates,
        "whether anything has come for a run": lambda session: anything_new(session, FLOW),
        "what has come for a run": lambda session: pending(session, FLOW, COUNTY),
        "a flow": lambda session: look_at_flow(session, vault, flow, settings),
        "a citizen's accounts": lambda session: own_accounts(session, vault, "500000", person),
        "a page of accounts to be checked": lambda session: next_page(session, vault, checks),
    }


async def _undone(database: Database, turns: Mapping[str, Turn]) -> AsyncIterator[str]:
    for name, work in turns.items():
        with suppress(_Undone):
            async with database.transaction() as session:
                await work(session)
                raise _Undone
        yield name


async def _turn_by_turn(province: Province, database: Database) -> AsyncIterator[str]:
    async for name in _undone(database, _turns(province)):
        yield name
    settings = settings_of(province.url, province.home)
    await Router(database, province.vault, settings).route_due()
    yield "callbacks that are to be routed"
    subject = Subject(kind=RunKind.BENEFICIARY_INIT, number=LIST, county_code=COUNTY, fund_year=YEAR)
    await ListActivities(database, province.vault, settings).look_at_list(subject)
    yield "a list"


async def _told(province: Province, plans: str) -> AsyncIterator[tuple[str, int, list[Told]]]:
    """Each question, the pages that each statement for it may read, and what they have read."""
    province.server.execute(f"ALTER DATABASE {province.database} SET plan_cache_mode = {plans}".encode())
    async with counter(province.url, province.home, province.vault) as (http, database):
        told, minted = hear_plans(database), tokens_of(province.home, COUNTY)
        for each in asked(COUNTY, SIZE.paid):
            await ask(http, minted[Role(each.who)], each)
            yield each.name, MOST_OF_ONE if each.name.startswith("一份申请") else MOST_PAGES, told
            told.clear()
        async for name in _turn_by_turn(province, database):
            yield name, MOST_OF_A_TURN, told
            told.clear()
        async for name in _undone(database, _order_turns(province.vault)):
            yield name, MOST_PAGES, told
            told.clear()


def _too_dear(province: Province, told: Told, most_pages: int) -> list[str]:
    shares = {table: told.rows_of(table) / rows for table, rows in province.large.items()}
    found = [f"{share:.0%} of {table}" for table, share in shares.items() if share > MOST]
    if told.rows > MOST_ROWS:
        found.append(f"{told.rows} rows")
    if told.held_against_sets > MOST_ROWS:
        found.append(f"held {told.held_against_sets} times against one of a set")
    return [*found, f"{told.pages} pages"] if found or told.pages > most_pages else []


@pytest.mark.parametrize("statistics", STATISTICS)
async def test_a_question_reads_what_its_answer_needs(province: Province, statistics: str) -> None:
    province.server.execute(STATISTICS[statistics].encode())
    asked_for, dear = 0, []
    for plans in ("auto", "force_generic_plan"):
        async for question, most_pages, told in _told(province, plans):
            asked_for += len(told)
            dear += [
                f"{question} ({plans}): {', '.join(found)}\n{each}"
                for each in told
                if (found := _too_dear(province, each, most_pages))
            ]
    assert asked_for > 600
    assert {"application", "dataset_line", "flow_line", "register_account"} <= province.large.keys()
    assert not dear, "\n\n".join(dear)

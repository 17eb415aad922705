"""What is there already for the same person, item and fund year: legal, but told on every way in (S1 2.7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NotRequired

from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.applications.rows import LIVE
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.selection import Predicate, among
from models.store.sql import Value, fetch, fetch_int, one_of, scratch

MOST_TOLD = 100
# Of a person with many, the newest: more would fill a screen, and what has come since is among them.
MOST_OF_ONE = 5
MOST_SHOWN = 20
_SAME = (
    # found by the person: the county's index would walk through all of the county's rows
    "o.person_index = {0}.person_index AND (o.county_code = {0}.county_code) IS TRUE"
    " AND o.item_code = {0}.item_code AND o.fund_year = {0}.fund_year"
)


class ItemRow(NamedTuple):
    """A row of a file on its way in."""

    file_row: int
    person_index: str
    item_code: str
    amount_fen: int
    bank_code: str
    account_index: str


class SameItem(NamedTuple):
    """A living application of a person and item; `lines`: how many there are."""

    application_no: str
    stage: str
    amount_fen: int
    lines: int


class ThereAlready(NamedTuple):
    """What the county has for the person and item of a file's row."""

    file_row: int
    row_amount_fen: int
    item_code: str
    application_no: str
    stage: str
    amount_fen: int


class FoundDouble(NamedTuple):
    """An application with another one beside it; how many come with and after it, and their sum."""

    id: int
    lines: int
    fen: int


class ToldOther(TypedDict):
    """What stands beside a line; with flow and payment where it is a line of another flow."""

    stage: str
    flow_no: NotRequired[str]
    payment: NotRequired[str]
    amount_fen: int
    application_no: str


class DoubleLine(NamedTuple):
    """`others`: as its `Beside` tells them."""

    id: int
    application_no: str
    item_code: str
    amount_fen: int
    others: list[ToldOther]


async def lock_additions(session: AsyncSession, county_code: str) -> None:
    """Who adds applications takes turns, so that of two that come at once the second sees the first.

    After `lock_county` where both are needed; acts on what is there don't wait for an import.
    """
    await hold(session, Rank.ADDITIONS, f"additions/{county_code}")


async def same_item(session: AsyncSession, chosen: Predicate) -> Sequence[SameItem]:
    """A person's living applications of one item, the newest first."""
    # without a bound in the statement: it would invite a walk through the primary key
    rows = await fetch(
        session,
        SameItem,
        "SELECT a.application_no, a.stage, a.amount_fen, count(*) OVER () AS lines FROM application a"
        f" WHERE {chosen.sql} AND {LIVE} ORDER BY a.id DESC",
        **chosen.values,
    )
    return rows[:MOST_SHOWN]


# A person's item is looked up once, however many rows name it: a file of equal rows is no product of rows and rows.
_THERE = f"""
WITH wanted AS (SELECT DISTINCT :county AS county_code, CAST(:year AS int) AS fund_year, person_index, item_code
  FROM items_coming),
there AS (
  SELECT c.person_index, c.item_code, o.application_no, o.stage, o.amount_fen,
    row_number() OVER (PARTITION BY c.person_index, c.item_code ORDER BY o.id DESC) AS place
  FROM wanted c JOIN application o ON {_SAME.format("c")} AND {LIVE.replace("a.", "o.")})
SELECT i.file_row, i.amount_fen AS row_amount_fen, i.item_code, t.application_no, t.stage, t.amount_fen
FROM items_coming i JOIN there t USING (person_index, item_code)
WHERE t.place <= {MOST_OF_ONE} ORDER BY i.file_row, t.place
"""


async def stage_items(session: AsyncSession, items: Iterable[ItemRow]) -> None:
    """Persons and items of a file's rows, for the transaction's later questions; before anybody has to wait for it."""
    columns = {"file_row": "int", "person_index": "text", "item_code": "text", "amount_fen": "bigint"}
    columns |= {"bank_code": "text", "account_index": "text"}
    await scratch(session, "items_coming", columns, items)


async def there_already(session: AsyncSession, county_code: str, fund_year: int) -> Sequence[ThereAlready]:
    """Of each row of a file, staged by `stage_items`, what the county has for its person and item, the newest first."""
    return await fetch(session, ThereAlready, _THERE, county=county_code, year=fund_year)


@dataclass(frozen=True, slots=True)
class Doubles:
    """Lines that have another one beside them: how many, their sum, and the first of them with what there is."""

    count: int
    total_fen: int
    lines: Sequence[DoubleLine]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a line `a` is held against: others `o`, and how each is told."""

    tables: str
    where: str
    told: str

    @property
    def exists(self) -> str:
        return f"EXISTS (SELECT 1 FROM {self.tables} WHERE {self.where})"

    @property
    def lines(self) -> str:
        """A statement's beginning: id, application_no, item_code, amount_fen, and `others` as a JSON list."""
        return (
            "SELECT a.id, a.application_no, a.item_code, a.amount_fen, (SELECT jsonb_agg(jsonb_build_object("
            f"{self.told}) ORDER BY o.id) FROM {self.tables} WHERE {self.where}) AS others FROM application a"
        )


_TOLD = "'application_no', o.application_no, 'stage', o.stage, 'amount_fen', o.amount_fen"
OTHERS = Beside("application o", f"{_SAME.format('a')} AND {LIVE.replace('a.', 'o.')} AND o.id <> a.id", _TOLD)
# By another flow: the line's own application too, where what had failed turned out to be paid after all.
PAID_ELSEWHERE = Beside(
    "application o JOIN flow_line p ON p.application_id = o.id JOIN flow f ON f.id = p.flow_id",
    f"{_SAME.format('a')} AND p.flow_id <> :flow AND p.payment IN ('paid', 'awaiting', 'unresolved')",
    f"{_TOLD}, 'flow_no', f.flow_no, 'payment', p.payment",
)


def lines_of_flow(county_code: str, flow_id: int) -> Predicate:
    """The applications that a flow pays or would pay."""
    in_flow = one_of(
        "FROM flow_line n WHERE n.application_id = a.id AND (n.flow_id = :flow) IS TRUE"
        " AND n.state NOT IN ('withdrawn', 'deferred', 'cancelled')"
    )
    return among(county_code).also(in_flow, flow=flow_id)


# Both begin with what was noted as repeated, a few lines as a rule, and look the rest up: whatever the tables'
# statistics say, they never go through all applications of a county, or all lines of its flows.
_DOUBLES = f"""
WITH a AS MATERIALIZED (
  SELECT a.id, a.county_code, a.person_index, a.item_code, a.fund_year, a.amount_fen
  FROM repeated_item o CROSS JOIN LATERAL (SELECT * FROM application a WHERE {_SAME.format("a")} OFFSET 0) AS a
  WHERE o.county_code = :county AND {{chosen}})
SELECT a.id, count(*) OVER () AS lines, (sum(a.amount_fen) OVER ())::bigint AS fen
FROM a WHERE {OTHERS.exists} AND a.id > :after ORDER BY a.id LIMIT :most
"""
# A line's own application is in two flows where it is paid anew; only then may it be of another year than its flow.
_BY_LOOKING_UP = f"""
WITH c AS MATERIALIZED (
  SELECT county_code, fund_year, person_index, item_code FROM repeated_item
  WHERE county_code = :county AND fund_year = (SELECT fund_year FROM flow WHERE id = :flow)
  UNION SELECT a.county_code, a.fund_year, a.person_index, a.item_code
  FROM flow_line l JOIN application a ON a.id = l.application_id WHERE l.county_code = :county AND l.attempt > 1),
line AS MATERIALIZED (
  SELECT o.person_index, o.item_code, o.fund_year, o.id, l.amount_fen, l.flow_id = :flow AS mine
  FROM c JOIN application o ON {_SAME.format("c")} JOIN flow_line l ON l.application_id = o.id
  WHERE CASE WHEN l.flow_id = :flow THEN l.state NOT IN ('withdrawn', 'deferred', 'cancelled')
    ELSE l.payment IN ('paid', 'awaiting', 'unresolved') END),
several AS (
  SELECT array_agg(id) FILTER (WHERE mine) AS ids, array_agg(amount_fen) FILTER (WHERE mine) AS amounts
  FROM line GROUP BY person_index, item_code, fund_year HAVING bool_or(mine) AND NOT bool_and(mine))
SELECT id, count(*) OVER () AS lines, (sum(fen) OVER ())::bigint AS fen
FROM several, unnest(ids, amounts) AS line(id, fen) WHERE id > :after ORDER BY id LIMIT :most
"""

# A line's application is of its flow's year, but where it is paid anew it may be of an earlier one.
_LINE = """
l.person_index, l.item_code, CASE WHEN l.attempt = 1 THEN f.fund_year
  ELSE (SELECT fund_year FROM application WHERE id = l.application_id) END AS fund_year
FROM flow f JOIN flow_line l ON l.flow_id = f.id
"""
# Put together by grouping, not by a join: on tables that nobody has analysed yet, a hundred thousand lines and a
# hundred thousand others are taken for a handful each, and every line walks through all others.
_BY_GROUPING = f"""
WITH mine AS (
  SELECT l.application_id AS id, l.amount_fen, {_LINE}
  WHERE f.id = :flow AND l.state NOT IN ('withdrawn', 'deferred', 'cancelled')),
elsewhere AS (
  SELECT {_LINE} WHERE f.county_code = :county AND f.id <> :flow AND f.fund_year >= (SELECT min(fund_year) FROM mine)
    AND l.state = 'accepted' AND l.payment IN ('paid', 'awaiting', 'unresolved')),
several AS (
  SELECT array_agg(id) FILTER (WHERE mine) AS ids, array_agg(amount_fen) FILTER (WHERE mine) AS amounts
  FROM (SELECT id, amount_fen, person_index, item_code, fund_year, TRUE AS mine FROM mine
        UNION ALL SELECT 0, 0, person_index, item_code, fund_year, FALSE FROM elsewhere) line
  GROUP BY person_index, item_code, fund_year HAVING bool_or(mine) AND NOT bool_and(mine))
SELECT id, count(*) OVER () AS lines, (sum(fen) OVER ())::bigint AS fen
FROM several, unnest(ids, amounts) AS line(id, fen) WHERE id > :after ORDER BY id LIMIT :most
"""
# Where a whole county is paid one item twice a year, looking each up takes longer than going through them once.
FEW = 5_000
_REPEATED = """
SELECT count(*) FROM (SELECT FROM repeated_item WHERE county_code = :county
  AND fund_year = (SELECT fund_year FROM flow WHERE id = :flow) LIMIT :few + 1) AS repeated
"""


async def find_doubles(
    session: AsyncSession, chosen: Predicate, after: int = 0, most: int = MOST_TOLD
) -> Sequence[FoundDouble]:
    """Of chosen lines those that have another living application beside them."""
    return await fetch(
        session, FoundDouble, _DOUBLES.format(chosen=chosen.sql), **chosen.values, after=after, most=most
    )


async def find_paid_elsewhere(
    session: AsyncSession, county_code: str, flow_id: int, after: int = 0, most: int = MOST_TOLD, few: int = FEW
) -> Sequence[FoundDouble]:
    """A flow's lines that another flow has paid or is paying too, by the id of their application."""
    repeated = await fetch_int(session, _REPEATED, county=county_code, flow=flow_id, few=few)
    statement = _BY_LOOKING_UP if repeated <= few else _BY_GROUPING
    return await fetch(session, FoundDouble, statement, county=county_code, flow=flow_id, after=after, most=most)


def these(county_code: str, found: Sequence[FoundDouble], **values: Value) -> Predicate:
    """Found lines, for a `Beside`'s `lines`."""
    return among(county_code).also("a.id = ANY(:found)", found=[row.id for row in found], **values)


async def told_elsewhere(session: AsyncSession, county_code: str, flow_id: int) -> Doubles:
    """A flow's lines that another one has paid or is paying; the first hundred are told."""
    found = await find_paid_elsewhere(session, county_code, flow_id)
    return await _told(session, PAID_ELSEWHERE, found, these(county_code, found, flow=flow_id))


async def doubles(session: AsyncSession, county_code: str, chosen: Predicate) -> Doubles:
    """Of chosen lines those that have something beside them; the first hundred are told."""
    found = await find_doubles(session, chosen)
    return await _told(session, OTHERS, found, these(county_code, found))


async def _told(session: AsyncSession, beside: Beside, found: Sequence[FoundDouble], first: Predicate) -> Doubles:
    if not found:
        return Doubles(0, 0, [])
    lines = await fetch(session, DoubleLine, f"{beside.lines} WHERE {first.sql} ORDER BY a.id", **first.values)
    return Doubles(found[0].lines, found[0].fen, lines)

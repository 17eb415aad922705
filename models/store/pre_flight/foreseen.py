"""What is known of lines before the platform is asked, each kind as a condition over an application `a`.

One table, two users: the page beforehand, and what is kept of a list as it goes out, to be held against the answer.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.batches.held import kept_back
from models.store.register.account_locks import account_locked_sql
from models.store.selection import Predicate
from models.store.sql import Value, fetch, one_of
from models.words.flow_words import Foreseen, PreFlightAct

# Another application of the same person in the county, found by the person.
_OTHER = "o.person_index = a.person_index AND o.county_code = a.county_code AND o.id <> a.id"
# A bank is said to be without once so many were asked about.
_ENOUGH = 3


def _answered(outcome: str, same: str = "") -> str:
    return one_of(f"FROM application o WHERE {_OTHER} AND o.match_outcome = '{outcome}'{same}")


BY_SQL: Mapping[Foreseen, str] = {
    Foreseen.NAME_DIFFERS: _answered("name_differs", " AND o.name_index = a.name_index"),
    Foreseen.NOT_FOUND: _answered("not_found"),
    Foreseen.NO_ACCOUNT: _answered("no_account", " AND o.bank_code = a.bank_code"),
    Foreseen.BANK_UNLISTED: "cardinality(CAST(:banks AS text[])) > 0 AND a.bank_code <> ALL(CAST(:banks AS text[]))",
    Foreseen.BANK_WITHOUT: "a.bank_code = ANY(CAST(:without AS text[]))",
    Foreseen.ACCOUNT_INVALID: one_of(
        "FROM register_account r WHERE r.person_index = a.person_index AND r.county_code = a.county_code"
        " AND r.status = 'invalid' AND (a.stage <> 'publicised' OR r.account_index = a.account_index)"
    ),
    Foreseen.VERIFIED_BADLY: one_of(
        f"FROM application o WHERE {_OTHER} AND o.fund_year = a.fund_year AND o.verification = 'failed'"
    ),
    Foreseen.UNVERIFIED: "a.verification = 'failed' AND a.payments = 0",
    # repayments don't count (contract: duplicate_person)
    Foreseen.SEVERAL_LINES: "a.payments = 0 AND "
    + one_of(
        f"FROM application o WHERE {_OTHER} AND o.batch_id = a.batch_id AND o.payments = 0"
        " AND o.stage IN ('in_batch', 'in_flow')"
    ),
    Foreseen.SAME_ITEM: one_of(
        f"FROM application o WHERE {_OTHER} AND o.fund_year = a.fund_year AND o.item_code = a.item_code"
        " AND o.stage NOT IN ('withdrawn', 'closed')"
    ),
}
_HELD = {
    PreFlightAct.INITIALISATION: account_locked_sql("a"),
    PreFlightAct.VERIFICATION: account_locked_sql("a"),
    PreFlightAct.START: f"(a.verification = 'held' OR {kept_back('a')})",
}
# Whose lines an act would send: by the act's own stages.
LINES_OF: Mapping[PreFlightAct, str] = {
    PreFlightAct.INITIALISATION: "a.stage = 'publicised' AND a.list_id IS NULL",
    PreFlightAct.VERIFICATION: "a.stage = 'in_batch' AND a.applicant_kind = 'personal'"
    " AND (a.payments = 0 OR a.verification IN ('none', 'held'))",
    PreFlightAct.START: "a.stage = 'in_batch'",
}
KINDS: Mapping[PreFlightAct, tuple[Foreseen, ...]] = {
    PreFlightAct.INITIALISATION: (
        Foreseen.NAME_DIFFERS,
        Foreseen.NOT_FOUND,
        Foreseen.NO_ACCOUNT,
        Foreseen.BANK_UNLISTED,
        Foreseen.BANK_WITHOUT,
        Foreseen.ACCOUNT_INVALID,
        Foreseen.SAME_ITEM,
    ),
    PreFlightAct.VERIFICATION: (Foreseen.VERIFIED_BADLY, Foreseen.SAME_ITEM),
    PreFlightAct.START: (Foreseen.UNVERIFIED, Foreseen.SEVERAL_LINES, Foreseen.ACCOUNT_INVALID, Foreseen.SAME_ITEM),
}


def condition(act: PreFlightAct, kind: Foreseen) -> str:
    return _HELD[act] if kind is Foreseen.HELD else BY_SQL[kind]


class KindSum(NamedTuple):
    kind: str
    lines: int
    fen: int


async def banks_known(session: AsyncSession, county_code: str) -> Mapping[str, Value]:
    """What the conditions on banks are held against: the platform's list, and banks that never had an account."""
    listed = await fetch(
        session,
        str,
        "SELECT item ->> 'code' FROM catalog_list c CROSS JOIN jsonb_array_elements(c.items) AS item"
        " WHERE c.county_code = :county AND c.kind = 'banks'",
        county=county_code,
    )
    without = await fetch(
        session,
        str,
        "SELECT bank_code FROM application WHERE county_code = :county AND match_outcome IN ('matched', 'no_account')"
        f" GROUP BY 1 HAVING count(*) >= {_ENOUGH} AND bool_and(match_outcome = 'no_account')",
        county=county_code,
    )
    return {"banks": listed, "without": without}


async def sums_foreseen(session: AsyncSession, chosen: Predicate, act: PreFlightAct) -> Sequence[KindSum]:
    """Count and fen of each kind over the lines that an act would send, in one walk."""
    kinds = (Foreseen.HELD, *KINDS[act])
    judged = ", ".join(f"{condition(act, kind)} AS {kind.value}" for kind in kinds)
    each = " UNION ALL ".join(
        f"SELECT '{kind.value}' AS kind, count(*) AS lines, coalesce(sum(amount_fen), 0)::bigint AS fen FROM judged"
        f" WHERE {kind.value}"
        for kind in kinds
    )
    statement = (
        f"WITH judged AS MATERIALIZED (SELECT a.amount_fen, {judged} FROM application a"
        f" WHERE {chosen.sql} AND {LINES_OF[act]}) {each}"
    )
    return await fetch(session, KindSum, statement, **{**await _bound(session, act, chosen), **chosen.values})


async def _bound(session: AsyncSession, act: PreFlightAct, chosen: Predicate) -> Mapping[str, Value]:
    """The values that an act's conditions name."""
    return await banks_known(session, str(chosen.values["county"])) if act is PreFlightAct.INITIALISATION else {}


async def lines_foreseen(session: AsyncSession, chosen: Predicate, act: PreFlightAct, kind: Foreseen) -> Predicate:
    """Those lines of a choice of which this is foreseen."""
    values = await _bound(session, act, chosen) if kind in (Foreseen.BANK_UNLISTED, Foreseen.BANK_WITHOUT) else {}
    return chosen.also(f"{LINES_OF[act]} AND {condition(act, kind)}", **values)

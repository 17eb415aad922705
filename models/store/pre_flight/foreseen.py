"""What is known of lines before the platform is asked: one judgement over a set, for all who want to know.

The page beforehand, the lines of one kind, and what is kept of a list as it goes out, to be held against the answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.rules import HELD, INITIALISE_RULES, LOCKED_PERSON, to_verify
from models.store.batches.held import held_at_start
from models.store.register.load_refused import is_refused_at_load, why_refused_at_load
from models.store.register.register import why_unusable
from models.store.selection import Predicate
from models.store.sql import Value, fetch
from models.words.flow_words import Foreseen, PreFlightAct

# A bank is said to be without once so many were asked about.
_ENOUGH = 3
# A match is asked about the application's account, in place of one that is 无效; afterwards the register's is sent.
_ACCOUNT = (
    "CASE WHEN a.stage = 'publicised' THEN a.bank_code ELSE r.bank_code END",
    "CASE WHEN a.stage = 'publicised' THEN a.account_index ELSE r.account_index END",
)
_INVALID = "r.status = 'invalid' AND (a.stage <> 'publicised' OR r.account_index = a.account_index)"
# Of a line `a` and its person's row `r` in the register; binds `county`.
_OWN: Mapping[Foreseen, str] = {
    Foreseen.BANK_UNLISTED: "cardinality(CAST(:banks AS text[])) > 0 AND a.bank_code <> ALL(CAST(:banks AS text[]))",
    Foreseen.BANK_WITHOUT: "a.bank_code = ANY(CAST(:without AS text[]))",
    Foreseen.ACCOUNT_INVALID: f"{_INVALID} OR {is_refused_at_load('a.person_index', *_ACCOUNT)}",
    Foreseen.UNVERIFIED: "a.verification = 'failed' AND a.payments = 0",
}
_IN_REGISTER = "LEFT JOIN register_account r ON r.person_index = a.person_index AND r.county_code = a.county_code"
_OF_PERSON = "o.person_index = a.person_index AND o.county_code = a.county_code AND o.id <> a.id"
# True of a line where it is of one of the other applications `o` of its person in the county.
_OTHERS: Mapping[Foreseen, str] = {
    Foreseen.NAME_DIFFERS: "o.match_outcome = 'name_differs' AND o.name_index = a.name_index",
    Foreseen.NOT_FOUND: "o.match_outcome = 'not_found'",
    Foreseen.NO_ACCOUNT: "o.match_outcome = 'no_account' AND o.bank_code = a.bank_code",
    Foreseen.VERIFIED_BADLY: "o.fund_year = a.fund_year AND o.verification = 'failed'",
    # repayments don't count (contract: duplicate_person)
    Foreseen.SEVERAL_LINES: "a.payments = 0 AND o.batch_id = a.batch_id AND o.payments = 0"
    " AND o.stage IN ('in_batch', 'in_flow')",
    Foreseen.SAME_ITEM: "o.fund_year = a.fund_year AND o.item_code = a.item_code"
    " AND o.stage NOT IN ('withdrawn', 'closed')",
}
CONDITIONS = frozenset({*_OWN, *_OTHERS})
# What each act leaves out as held, in the words that it goes by itself.
_HELD: Mapping[PreFlightAct, str] = {
    PreFlightAct.INITIALISATION: HELD.unfit,
    PreFlightAct.VERIFICATION: LOCKED_PERSON,
    PreFlightAct.START: held_at_start("a"),
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
    PreFlightAct.VERIFICATION: (Foreseen.VERIFIED_BADLY, Foreseen.ACCOUNT_INVALID, Foreseen.SAME_ITEM),
    PreFlightAct.START: (Foreseen.UNVERIFIED, Foreseen.SEVERAL_LINES, Foreseen.ACCOUNT_INVALID, Foreseen.SAME_ITEM),
}
# What is read of a line once: no sealed value is carried along.
_LINE = (
    "a.id, a.application_no, a.county_code, a.person_index, a.name_index, a.bank_code, a.account_index, a.fund_year,"
    " a.item_code, a.batch_id, a.stage, a.verification, a.payments, a.amount_fen"
)


def sent_by(act: PreFlightAct, chosen: Predicate, *, again: bool) -> Predicate:
    """Of a choice, the lines that an act would send, or hold; `again`: a verified batch is verified once more."""
    match act:
        case PreFlightAct.INITIALISATION:
            return chosen.also(" AND ".join(f"NOT ({rule.unfit})" for rule in INITIALISE_RULES if rule is not HELD))
        case PreFlightAct.VERIFICATION:
            return chosen.also(f"{to_verify(again=again)} AND a.applicant_kind = 'personal'")
        case PreFlightAct.START:
            return chosen.also("a.stage = 'in_batch'")


def judgement(lines: str, kinds: Iterable[Foreseen], held: str = "") -> str:
    """`WITH told AS …`: of the applications `a` in `lines` (tables and conditions), a row for each kind that is so.

    Binds `county`. Others of a line's person are looked up once for all kinds, by that line's own look: where a plan
    knows nothing of the tables, two sets that are joined are walked through once for each line.
    """
    own = {kind: sql for kind, sql in _OWN.items() if kind in kinds} | ({Foreseen.HELD: held} if held else {})
    others = {kind: sql for kind, sql in _OTHERS.items() if kind in kinds}
    of_others = ", ".join(["true", *(f"bool_or({sql}) AS {kind.value}" for kind, sql in others.items())])
    told = [*(f"('{kind.value}', {sql})" for kind, sql in own.items())]
    told += [f"('{kind.value}', w.{kind.value})" for kind in others]
    return (
        f"WITH sent AS MATERIALIZED (SELECT {_LINE} FROM {lines}),"
        " told AS (SELECT a.id, a.amount_fen, k.kind FROM sent a"
        f" CROSS JOIN LATERAL (SELECT {of_others} FROM application o WHERE {_OF_PERSON}) AS w"
        f" {_IN_REGISTER}"
        f" CROSS JOIN LATERAL (VALUES {', '.join(told)}) AS k (kind, is_so) WHERE k.is_so)"
    )


def other_application(kind: Foreseen) -> str:
    """In SQL, the number of the newest other application that a kind is known by; NULL for what a line itself tells."""
    if kind not in _OTHERS:
        return "NULL::text"
    found = f"FROM application o WHERE {_OF_PERSON} AND {_OTHERS[kind]} ORDER BY o.id DESC LIMIT 1"
    return f"(SELECT o.application_no {found})"


def banks_word(kind: Foreseen) -> str:
    """A join in SQL: `n.reason_code` and `n.since` of the bank's word on the account; NULL where a kind is no such."""
    if kind is not Foreseen.ACCOUNT_INVALID:
        return " CROSS JOIN LATERAL (SELECT NULL::text AS reason_code, NULL::timestamptz AS since) AS n"
    return (
        f" {_IN_REGISTER}{why_unusable('r')}{why_refused_at_load('a.person_index', *_ACCOUNT)} CROSS JOIN LATERAL"
        f" (SELECT q.reason_code, q.since FROM (VALUES (w.reason_code, w.since, {_INVALID}),"
        " (u.reason_code, u.since, true)) AS q (reason_code, since, is_so) WHERE q.is_so"
        " ORDER BY q.since DESC NULLS LAST LIMIT 1) AS n"
    )


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


async def sums_judged(session: AsyncSession, sent: Predicate, act: PreFlightAct) -> Sequence[KindSum]:
    """Count and fen of each kind over the lines that an act would send."""
    return await fetch(
        session,
        KindSum,
        f"{_judged_for(act, sent)} SELECT kind, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM told GROUP BY 1",
        **await _bound(session, act, sent),
    )


async def ids_judged(session: AsyncSession, sent: Predicate, act: PreFlightAct, kind: Foreseen) -> Sequence[int]:
    """Those lines of which this is foreseen."""
    return await fetch(
        session,
        int,
        f"{_judged_for(act, sent)} SELECT id FROM told WHERE kind = :kind ORDER BY id",
        **{**await _bound(session, act, sent), "kind": kind.value},
    )


def _judged_for(act: PreFlightAct, sent: Predicate) -> str:
    return judgement(f"application a {sent.where}", KINDS[act], _HELD[act])


async def _bound(session: AsyncSession, act: PreFlightAct, sent: Predicate) -> Mapping[str, Value]:
    """The values that an act's conditions name."""
    if act is not PreFlightAct.INITIALISATION:
        return sent.values
    return {**sent.values, **await banks_known(session, str(sent.values["county"]))}

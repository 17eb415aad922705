"""Pages of a round of account checks: which accounts one holds, which verdicts were given."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.check_rounds import PAGE_SIZE, round_by_number
from models.store.register.register import register_row
from models.store.selection import Predicate
from models.store.sql import execute, fetch, fetch_int, fetch_one, looked_at
from models.store.vault import Field, SealBroken, Vault
from models.tables.cards import CheckRound
from models.wire.answers import PAGE_LIMIT, AccountVerdict
from models.wire.requests import AccountQueries, AccountQuery
from models.wire.words import CardType
from models.words.faults import UNREADABLE_CODE

# A cleared account is nobody's any more; an invalid one may have become good again.
CHECKABLE = looked_at("r.account_sealed IS NOT NULL AND r.status <> 'cleared'")
UNCHECKED = "NOT EXISTS (SELECT 1 FROM account_check c WHERE c.round_id = :round AND c.register_account_id = r.id)"


@dataclass(frozen=True)
class Judged:
    """A register row that still holds what the bank was asked about, with the bank's word."""

    account_id: int
    county_code: str
    person_index: str
    bank_code: str
    account_index: str
    status: str
    verdict: AccountVerdict


class _Unasked(NamedTuple):
    id: int
    county_code: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    bank_code: str
    account_sealed: str
    card_type: str | None


class _Asked(NamedTuple):
    id: int
    county_code: str
    person_index: str
    name_sealed: str
    bank_code: str
    account_index: str
    status: str


def page_key(found: CheckRound) -> str:
    """The page that comes next; a page's key and bytes never change, whatever the register does meanwhile."""
    return f"{found.round_no}/p{found.pages + 1}"


async def asked_page(session: AsyncSession, vault: Vault, key: str) -> tuple[AccountQuery, ...] | None:
    """What the bank was asked under this key, byte by byte; None when it was never asked."""
    body = await fetch_one(session, str, "SELECT body FROM instruction WHERE key = :key", key=key)
    if body is None:
        return None
    return AccountQueries.model_validate_json(vault.open_body(key, body)).accounts


async def next_page(session: AsyncSession, vault: Vault, found: CheckRound) -> tuple[AccountQuery, ...]:
    """The next accounts of the round that have no verdict in it, each asked about once; empty at the end.

    One that can't be opened any more is noted as UNREADABLE and left out: a whole province must not wait for it.
    """
    while rows := await _unasked(session, found):
        queries, unreadable = [], []
        for row in rows:
            try:
                queries.append(_query(vault, row))
            except SealBroken:
                unreadable.append(row.id)
        if unreadable:
            await _note(session, found, [(each, False, UNREADABLE_CODE) for each in unreadable])
        if queries:
            return tuple({_same(vault, query): query for query in queries}.values())
    return ()


async def _unasked(session: AsyncSession, found: CheckRound) -> Sequence[_Unasked]:
    chosen = _of_round(found).also(UNCHECKED, round=found.id)
    return await fetch(
        session,
        _Unasked,
        "SELECT r.id, r.county_code, r.person_index, r.name_sealed, r.id_number_sealed, r.bank_code, r.account_sealed,"
        f" r.card_type FROM register_account r WHERE {chosen.sql} AND {CHECKABLE}"
        f" ORDER BY {', '.join(chosen.order)} LIMIT :size",
        **{**chosen.values, "size": int(found.figures.get(PAGE_SIZE, PAGE_LIMIT))},
    )


async def judged_accounts(
    session: AsyncSession,
    vault: Vault,
    found: CheckRound,
    queries: Sequence[AccountQuery],
    verdicts: Sequence[AccountVerdict],
) -> list[Judged]:
    """The round's accounts that are what the bank was asked about; one that changed meanwhile is asked anew."""
    said = {_same(vault, query): verdict for query, verdict in zip(queries, verdicts, strict=True)}
    chosen = _of_round(found).also(UNCHECKED, round=found.id)
    rows = await fetch(
        session,
        _Asked,
        "SELECT r.id, r.county_code, r.person_index, r.name_sealed, r.bank_code, r.account_index, r.status"
        f" FROM register_account r WHERE {chosen.sql} AND {CHECKABLE} AND r.account_index = ANY(:accounts)"
        " ORDER BY r.id",
        **{**chosen.values, "accounts": [account for _, _, _, account in said]},
    )
    judged = []
    for row in rows:
        try:
            name = vault.open(Field.NAME, register_row(row.county_code, row.person_index), row.name_sealed)
        except SealBroken:  # since it was asked about: the next page notes it
            continue
        verdict = said.get((name, row.person_index, row.bank_code, row.account_index))
        if verdict is not None:
            account = (row.id, row.county_code, row.person_index, row.bank_code, row.account_index, row.status)
            judged.append(Judged(*account, verdict))
    return judged


async def has_verdict(session: AsyncSession, found: CheckRound, each: Judged) -> bool:
    there = await fetch_one(
        session,
        int,
        "SELECT 1 FROM account_check WHERE round_id = :round AND register_account_id = :account",
        round=found.id,
        account=each.account_id,
    )
    return there is not None


async def note_verdicts(session: AsyncSession, found: CheckRound, judged: Sequence[Judged]) -> None:
    """Verdicts become rows, each once, however many attempts have the same answer in hand."""
    said = [(each.account_id, each.verdict.valid, each.verdict.reason_code or "") for each in judged]
    await _note(session, found, said)


async def _note(session: AsyncSession, found: CheckRound, said: Sequence[tuple[int, bool, str]]) -> None:
    added = await execute(
        session,
        "INSERT INTO account_check (round_id, register_account_id, valid, reason_code, at)"
        " SELECT :round, v.id, v.valid, nullif(v.reason, ''), now() FROM unnest(CAST(:ids AS bigint[]),"
        " CAST(:valid AS boolean[]), CAST(:reasons AS text[])) AS v (id, valid, reason)"
        " ON CONFLICT DO NOTHING",
        round=found.id,
        ids=[account_id for account_id, _, _ in said],
        valid=[valid for _, valid, _ in said],
        reasons=[reason for _, _, reason in said],
    )
    await execute(session, "UPDATE check_round SET checked = checked + :count WHERE id = :id", count=added, id=found.id)


async def close_page(session: AsyncSession, round_no: str, key: str) -> None:
    """The cursor goes on to the first account without a verdict; a page that is closed already passes."""
    found = await round_by_number(session, round_no, changing=True)
    if page_key(found) != key:
        return
    found.pages += 1
    size = int(found.figures.get(PAGE_SIZE, PAGE_LIMIT))
    found.figures = {**found.figures, PAGE_SIZE: min(PAGE_LIMIT, 2 * size)}
    found.cursor = await _cursor(session, found)
    await session.flush()


async def ask_for_less(session: AsyncSession, round_no: str, key: str) -> None:
    """The platform takes a page as a whole or not at all: smaller ones find the account at fault."""
    found = await round_by_number(session, round_no, changing=True)
    if page_key(found) != key:
        return
    found.pages += 1
    size = int(found.figures.get(PAGE_SIZE, PAGE_LIMIT))
    found.figures = {**found.figures, PAGE_SIZE: max(1, size // 4)}
    await session.flush()


def _of_round(found: CheckRound) -> Predicate:
    chosen = Predicate("r.id > :cursor", {"cursor": found.cursor}, ("r.id",))
    if found.account_id is not None:
        chosen = chosen.also("r.id = :account", account=found.account_id)
    if found.county_code is not None:
        of_county = chosen.also("r.county_code = ANY(ARRAY[:county])", county=found.county_code)
        return replace(of_county, order=("r.county_code", "r.id"))
    return chosen.also("r.county_code LIKE :counties", counties=f"{found.province_code[:2]}____")


async def _cursor(session: AsyncSession, found: CheckRound) -> int:
    """One before the first account that still wants a verdict; so nothing is passed over and nothing read twice."""
    chosen = _of_round(found)
    first = await fetch_int(
        session,
        f"SELECT r.id FROM register_account r WHERE {chosen.sql} AND {CHECKABLE} AND {UNCHECKED}"
        f" ORDER BY {', '.join(chosen.order)} LIMIT 1",
        **{**chosen.values, "round": found.id},
    )
    if first:
        return first - 1
    last = await fetch_int(
        session,
        "SELECT max(c.register_account_id) FROM account_check c WHERE c.round_id = :round",
        round=found.id,
    )
    return max(found.cursor, last)


def _query(vault: Vault, row: _Unasked) -> AccountQuery:
    place = register_row(row.county_code, row.person_index)
    return AccountQuery(
        name=vault.open(Field.NAME, place, row.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, place, row.id_number_sealed),
        bank_code=row.bank_code,
        account_no=vault.open(Field.ACCOUNT, place, row.account_sealed),
        card_type=CardType(row.card_type) if row.card_type else None,
    )


def _same(vault: Vault, query: AccountQuery) -> tuple[str, str, str, str]:
    """What makes two questions one: a person may use one account in several counties."""
    person = vault.index(Field.ID_NUMBER, query.id_number)
    return query.name, person, query.bank_code, vault.index(Field.ACCOUNT, query.account_no)

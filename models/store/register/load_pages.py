"""Pages of a load that the bank is asked about: which rows one holds, and what the bank said of each."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.loads import locked_load
from models.store.register.register import register_row
from models.store.sql import execute, fetch, fetch_int
from models.store.vault import Field, SealBroken, Vault
from models.tables.loads import RegisterLoad
from models.wire.answers import PAGE_LIMIT, AccountVerdict
from models.wire.requests import AccountQuery
from models.wire.words import AccountReason, CardType
from models.words.card_stages import LoadStage
from models.words.faults import UNREADABLE_CODE


class _Unasked(NamedTuple):
    id: int
    person_index: str
    name_sealed: str
    id_number_sealed: str
    bank_code: str
    account_sealed: str
    card_type: str


_UNASKED = """
SELECT id, person_index, name_sealed, id_number_sealed, bank_code, account_sealed, card_type FROM register_load_row
WHERE load_id = :load AND id > :cursor AND valid IS NULL ORDER BY id LIMIT :size
"""
# A person's verdict: the person, whether it is good, and why it isn't.
_Said: TypeAlias = tuple[str, bool, str]
# By the person, of whom a load has one row.
_JUDGED = """
UPDATE register_load_row w SET valid = v.valid, code = nullif(v.reason, '')
FROM unnest(CAST(:people AS text[]), CAST(:valid AS boolean[]), CAST(:reasons AS text[])) AS v (person, valid, reason)
WHERE w.load_id = :load AND w.person_index = v.person AND w.valid IS NULL
"""


def load_page_key(load: RegisterLoad) -> str:
    """The page that comes next; its key and bytes never change."""
    return f"{load.load_no}/p{load.pages + 1}"


async def next_load_page(session: AsyncSession, vault: Vault, load_no: str, key: str) -> tuple[AccountQuery, ...]:
    """The rows of a page that was never asked; empty at the end. One that can't be opened any more is UNREADABLE."""
    load = await _asking(session, load_no, key)
    if load is None:
        return ()
    values = {"load": load.id, "cursor": load.cursor, "size": load.page_size}
    while rows := await fetch(session, _Unasked, _UNASKED, **values):
        queries, unreadable = [], []
        for row in rows:
            try:
                queries.append(_query(vault, load.county_code, row))
            except SealBroken:
                unreadable.append((row.person_index, False, UNREADABLE_CODE))
        if unreadable:
            await _note(session, load, unreadable)
        if queries:
            return tuple(queries)
    return ()


async def keep_load_verdicts(
    session: AsyncSession,
    vault: Vault,
    load_no: str,
    key: str,
    asked: Sequence[tuple[AccountQuery, AccountVerdict]],
) -> None:
    """A page's verdicts, each once, and the cursor behind them; a page that is closed already passes."""
    load = await _asking(session, load_no, key)
    if load is None:
        return
    await _note(session, load, [_said(vault, query, verdict) for query, verdict in asked])
    load.pages += 1
    load.page_size = min(PAGE_LIMIT, 2 * load.page_size)
    load.cursor = await _last_judged(session, load)
    await session.flush()


def _said(vault: Vault, query: AccountQuery, verdict: AccountVerdict) -> _Said:
    reason = "" if verdict.valid else verdict.reason_code or AccountReason.OTHER.value
    return vault.index(Field.ID_NUMBER, query.id_number), verdict.valid, reason


async def _note(session: AsyncSession, load: RegisterLoad, said: Sequence[_Said]) -> None:
    load.rows_asked += await execute(
        session,
        _JUDGED,
        load=load.id,
        people=[person for person, _, _ in said],
        valid=[valid for _, valid, _ in said],
        reasons=[reason for _, _, reason in said],
    )
    await session.flush()


async def ask_load_for_less(session: AsyncSession, load_no: str, key: str) -> None:
    """The platform takes a page as a whole or not at all: smaller ones find the account at fault."""
    load = await _asking(session, load_no, key)
    if load is not None:
        load.pages += 1
        load.page_size = max(1, load.page_size // 4)
        await session.flush()


async def _asking(session: AsyncSession, load_no: str, key: str) -> RegisterLoad | None:
    load = await locked_load(session, load_no)
    if load is None or load.stage is not LoadStage.ASKING or load_page_key(load) != key:
        return None
    return load


async def _last_judged(session: AsyncSession, load: RegisterLoad) -> int:
    """One before the first row that still wants a verdict, so that nothing is passed over and nothing read twice."""
    first = await fetch_int(
        session,
        "SELECT id FROM register_load_row WHERE load_id = :load AND id > :cursor AND valid IS NULL ORDER BY id LIMIT 1",
        load=load.id,
        cursor=load.cursor,
    )
    if first:
        return first - 1
    last = "SELECT max(id) FROM register_load_row WHERE load_id = :load"
    return max(load.cursor, await fetch_int(session, last, load=load.id))


def _query(vault: Vault, county_code: str, row: _Unasked) -> AccountQuery:
    place = register_row(county_code, row.person_index)
    return AccountQuery(
        name=vault.open(Field.NAME, place, row.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, place, row.id_number_sealed),
        bank_code=row.bank_code,
        account_no=vault.open(Field.ACCOUNT, place, row.account_sealed),
        card_type=CardType(row.card_type),
    )

"""The county's account register: one row per person, filled by matched applications, with its history."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import card_type_of
from models.store.register.account_locks import wake_flows
from models.store.sql import copy_rows, drop_scratch, execute, fetch
from models.store.vault import Field, Vault, name_index
from models.wire.words import AccountSource, CardType

FROM_APPLICATION = "申请录入"
FROM_LOAD = "初始导入"
REGISTER_COLUMNS = (
    "county_code",
    "person_index",
    "name_sealed",
    "name_index",
    "id_number_sealed",
    "bank_code",
    "account_sealed",
    "account_index",
    "card_type",
)

FILLED = "filling f JOIN register_account r USING (county_code, person_index)"
CLEARED = f"SELECT r.county_code, r.person_index, r.id FROM {FILLED} WHERE r.status = 'cleared'"
KEEP_CHANGE = (
    "INSERT INTO register_change (register_account_id, source, actor, old_bank_code, old_account_sealed,"
    " new_bank_code, new_account_sealed, old_status, new_status, at, as_of)"
    " SELECT r.id, :source, :actor, r.bank_code, r.account_sealed, f.bank_code, f.account_sealed, r.status,"
    f" 'valid', now(), CAST(:as_of AS timestamptz) FROM {FILLED}"
)
UPSERT = (
    f"INSERT INTO register_account ({', '.join(REGISTER_COLUMNS)}, status, source, updated_at)"
    f" SELECT {', '.join(REGISTER_COLUMNS)}, 'valid', :source, now() FROM filling"
    " ON CONFLICT (county_code, person_index) DO UPDATE SET"
    f" {', '.join(f'{column} = excluded.{column}' for column in REGISTER_COLUMNS[2:])}, status = 'valid',"
    " source = excluded.source, updated_at = now()"
)
BEGUN = (
    "INSERT INTO register_change (register_account_id, source, actor, new_bank_code, new_account_sealed,"
    " new_status, at, as_of) SELECT r.id, :source, :actor, f.bank_code, f.account_sealed, 'valid', now(),"
    f" CAST(:as_of AS timestamptz) FROM {FILLED}"
    " WHERE NOT EXISTS (SELECT 1 FROM register_change c WHERE c.register_account_id = r.id)"
)


class PersonsAccount(NamedTuple):
    """A person with an account, sealed under `number`; `card_type` where it was told."""

    person_index: str
    number: str
    name_sealed: str
    id_number_sealed: str
    bank_code: str
    account_sealed: str
    account_index: str
    card_type: str | None


class _Dead(NamedTuple):
    person_index: str
    old_bank_code: str
    old_account_sealed: str


class _Cleared(NamedTuple):
    county_code: str
    person_index: str
    id: int


class _Once(NamedTuple):
    source: str
    new_account_sealed: str


def register_row(county_code: str, person_index: str) -> str:
    """The row key under which a register row's values are sealed."""
    return f"{county_code}/{person_index}"


def why_unusable(alias: str) -> str:
    """A join in SQL: `w.reason_code` and `w.since` of a register row that is 无效 or cleared, else NULL."""
    return (
        " LEFT JOIN LATERAL (SELECT h.reason_code, coalesce(h.as_of, h.at) AS since FROM register_change h"
        f" WHERE {alias}.status <> 'valid' AND h.register_account_id = {alias}.id AND h.new_status = {alias}.status"
        " ORDER BY h.id DESC LIMIT 1) AS w ON TRUE"
    )


async def fill_from_matched(session: AsyncSession, vault: Vault, county_code: str, handed_in: datetime) -> int:
    """Give each matched person of the transaction's `incoming` lines a valid account, unless there is one already.

    The platform's word is as old as the list: what was found of the same account since then is later word.
    """
    rows = await fetch(
        session,
        PersonsAccount,
        "SELECT DISTINCT ON (a.person_index) a.person_index, a.application_no AS number, a.name_sealed,"
        " a.id_number_sealed, a.bank_code, a.account_sealed, a.account_index, a.card_type FROM incoming i"
        " JOIN application a ON a.application_no = i.application_no AND (a.county_code = :county) IS TRUE"
        " LEFT JOIN LATERAL (SELECT status FROM register_account r WHERE r.person_index = a.person_index"
        " AND (r.county_code = :county) IS TRUE LIMIT 1) AS r ON TRUE"
        " WHERE i.outcome = 'matched' AND r.status IS DISTINCT FROM 'valid' ORDER BY a.person_index, a.id DESC",
        county=county_code,
    )
    dead = await _found_dead(session, vault, county_code, [row.person_index for row in rows], handed_in)
    alive = [row for row in rows if (row.person_index, row.bank_code, row.account_index) not in dead]
    filled = [_sealed_anew(vault, county_code, row) for row in alive]
    return await _write(session, filled, FROM_APPLICATION, "system", handed_in)


async def _found_dead(
    session: AsyncSession, vault: Vault, county_code: str, people: Sequence[str], since: datetime
) -> set[tuple[str, str, str]]:
    """Person, bank and number (as index) of what was found dead since; a cleared row no longer names its account."""
    rows = await fetch(
        session,
        _Dead,
        "SELECT r.person_index, c.old_bank_code, c.old_account_sealed FROM register_change c JOIN register_account r"
        " ON r.id = c.register_account_id WHERE r.county_code = :county AND r.person_index = ANY(:people)"
        " AND c.new_status <> 'valid' AND c.old_account_sealed IS NOT NULL AND coalesce(c.as_of, c.at) >= :since",
        county=county_code,
        people=list(people),
        since=since,
    )
    opened = (
        (person, bank, vault.open(Field.ACCOUNT, register_row(county_code, person), sealed))
        for person, bank, sealed in rows
    )
    return {(person, bank, vault.index(Field.ACCOUNT, account_no)) for person, bank, account_no in opened}


def _sealed_anew(vault: Vault, county_code: str, row: PersonsAccount) -> tuple[str, ...]:
    person, number, name, id_number, bank_code, account, account_index, told = row
    place = register_row(county_code, person)
    account_no = vault.open(Field.ACCOUNT, number, account)
    plain = vault.open(Field.NAME, number, name)
    return (
        county_code,
        person,
        vault.seal(Field.NAME, place, plain),
        name_index(vault, plain),
        vault.seal(Field.ID_NUMBER, place, vault.open(Field.ID_NUMBER, number, id_number)),
        bank_code,
        vault.seal(Field.ACCOUNT, place, account_no),
        account_index,
        card_type_of(account_no, CardType(told) if told else None).value,
    )


async def source_of(
    session: AsyncSession, vault: Vault, county_code: str, person_index: str, account_no: str
) -> str | None:
    """Where an account that the person once had came from, by the history."""
    rows = await fetch(
        session,
        _Once,
        "SELECT c.source, c.new_account_sealed FROM register_change c JOIN register_account r"
        " ON r.id = c.register_account_id WHERE r.county_code = :county AND r.person_index = :person"
        " AND c.new_account_sealed IS NOT NULL AND c.source = ANY(:sources) ORDER BY c.id DESC",
        county=county_code,
        person=person_index,
        sources=[source.value for source in AccountSource] + [FROM_APPLICATION, FROM_LOAD],
    )
    place = register_row(county_code, person_index)
    return next((source for source, sealed in rows if vault.open(Field.ACCOUNT, place, sealed) == account_no), None)


async def put_account(
    session: AsyncSession, vault: Vault, county_code: str, line: PersonsAccount, source: str, actor: str
) -> None:
    """Set one person's account."""
    await _write(session, [_sealed_anew(vault, county_code, line)], source, actor)


async def _write(
    session: AsyncSession, rows: Sequence[tuple[str, ...]], source: str, actor: str, as_of: datetime | None = None
) -> int:
    """Upsert register rows and write their history; lines that were held for want of an account may go."""
    if not rows:
        return 0
    names = ", ".join(REGISTER_COLUMNS)
    await execute(
        session, f"CREATE TEMPORARY TABLE filling ON COMMIT DROP AS SELECT {names} FROM register_account WITH NO DATA"
    )
    await copy_rows(session, "filling", REGISTER_COLUMNS, rows)
    cleared = await fetch(session, _Cleared, CLEARED)
    await execute(session, KEEP_CHANGE, source=source, actor=actor, as_of=as_of)
    await execute(session, UPSERT, source=source)
    await execute(session, BEGUN, source=source, actor=actor, as_of=as_of)
    await drop_scratch(session, "filling")
    for county, person, account_id in cleared:
        await wake_flows(session, [county], person, f"{county}-R{account_id}")
    return len(rows)

"""What is paid is the register's usable account: where an application names another one, it is told."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch, fetch_one
from models.store.vault import Field, Vault
from models.words.stages import AccountStatus

OTHER_WORDS = "此人在本县已登记另一个可用的一卡通账号，与所填的不同；发放以登记账号为准"
_OTHER = "(r.account_index, r.bank_code) IS DISTINCT FROM ({0}.account_index, {0}.bank_code)"
_OF_PERSON = "r.county_code = a.county_code AND r.person_index = a.person_index"
# What a flow has copied is told by its line; what is past it isn't paid by what the register has now.
_TO_BE_SENT = "a.stage NOT IN ('in_flow', 'paid', 'evidence_sent', 'withdrawn', 'closed')"
# A match that is still to come takes the application's account in place of one that is 无效; after it nothing does, and
# the line goes out with what the register has (`models.store.flows.start`).
_GOES_OUT = (
    "(r.status = 'valid'"
    " OR r.status = 'invalid' AND a.stage IN ('matched', 'pending_settlement', 'in_batch', 'failed'))"
)
_INSTEAD = f"{_TO_BE_SENT} AND {_GOES_OUT} AND {_OTHER.format('a')}"
# True in SQL of an application `a` that would go out with another account than its own: the register's.
OTHER_ACCOUNT = f"(EXISTS (SELECT 1 FROM register_account r WHERE {_OF_PERSON} AND {_INSTEAD}))"
# The same of a county's applications, bound as `county`: only those are looked at that a trigger has noted
# (0002_accounts.sql).
NOTED_OTHER_ACCOUNT = (
    f"(a.id = ANY(ARRAY(SELECT o.id FROM other_account o WHERE o.county_code = :county)) AND {OTHER_ACCOUNT})"
)
# Failed in a flow that has ended, and the person's account in the register is another one now.
REPAYABLE = """
(a.stage = 'failed' AND EXISTS (
  SELECT 1 FROM register_account r JOIN flow_line l ON l.application_id = a.id AND l.payment = 'failed'
  WHERE r.county_code = a.county_code AND r.person_index = a.person_index AND r.status = 'valid'
    AND (r.account_index <> l.account_index OR r.bank_code <> l.bank_code)
    AND l.flow_id = (SELECT max(e.flow_id) FROM flow_line e WHERE e.application_id = a.id AND e.payment = 'failed')))
"""
# What the register has of the person of an application `a`. In the list of columns it is looked up for the lines of a
# page only; joined, a county whose tables nobody has analysed would have it looked up for all its lines, then sorted.
REGISTERED = (
    "(SELECT jsonb_build_object('bank_code', r.bank_code, 'account_sealed', r.account_sealed, 'card_type', r.card_type,"
    f" 'status', r.status, 'source', r.source, 'updated_at', r.updated_at, 'other', {_INSTEAD})"
    f" FROM register_account r WHERE {_OF_PERSON} AND r.account_sealed IS NOT NULL) AS registered"
)


class UsableAccount(NamedTuple):
    """What the register pays a person to."""

    bank_code: str
    account_sealed: str
    source: str


class ToSeal(NamedTuple):
    """An application's or a line's id, and the account that the register has for its person, sealed at `place`."""

    id: int
    application_no: str
    place: str
    bank_code: str
    account_sealed: str
    account_index: str


class Resealed(NamedTuple):
    """The same account, sealed to the application."""

    id: int
    bank_code: str
    account_sealed: str
    account_index: str


async def sealed_anew(vault: Vault, rows: Sequence[ToSeal]) -> list[Resealed]:
    """Beside the loop: after a year of card changes these may be half a county."""
    return await asyncio.to_thread(lambda: [_sealed_anew(vault, row) for row in rows])


def _sealed_anew(vault: Vault, row: ToSeal) -> Resealed:
    account_no = vault.open(Field.ACCOUNT, row.place, row.account_sealed)
    sealed = vault.seal(Field.ACCOUNT, row.application_no, account_no)
    return Resealed(row.id, row.bank_code, sealed, row.account_index)


def registered_words(bank: str | None, account_no: str, status: str) -> str:
    """`account_no` is masked."""
    dead = "" if status == AccountStatus.VALID else f"（{AccountStatus(status).label}，须先变更账号）"
    return f"{bank} {account_no}{dead}，发放以登记账号为准"


async def registered_otherwise(
    session: AsyncSession, county_code: str, person_index: str, columns: Mapping[str, object]
) -> UsableAccount | None:
    """The person's usable account, if it isn't that of a form's columns."""
    return await fetch_one(
        session,
        UsableAccount,
        "SELECT r.bank_code, r.account_sealed, r.source FROM register_account r WHERE r.county_code = :county"
        " AND r.person_index = :person AND r.status = 'valid'"
        " AND (r.account_index, r.bank_code) IS DISTINCT FROM (CAST(:account AS text), CAST(:bank AS text))",
        county=county_code,
        person=person_index,
        account=str(columns["account_index"]),
        bank=str(columns["bank_code"]),
    )


async def rows_registered_otherwise(session: AsyncSession, county_code: str) -> Sequence[int]:
    """Of the rows that are coming in (`items_coming`) those whose account isn't the register's usable one."""
    return await fetch(
        session,
        int,
        "SELECT c.file_row FROM items_coming c JOIN register_account r ON r.county_code = :county"
        f" AND r.person_index = c.person_index WHERE r.status = 'valid' AND {_OTHER.format('c')} ORDER BY c.file_row",
        county=county_code,
    )

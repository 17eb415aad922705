"""Finding applications, and what was paid for them, by what a person is known by."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.views import LineRow
from api.counter.desk import Desk
from api.counter.roles import own
from api.counter.sought import SoughtPerson
from models.normal_form import regular
from models.store.selection import LineFilter, Predicate, filtered, of_county
from models.store.sql import loose
from models.store.vault import Field, Vault

CHUNK = 5_000
MOST = 10_000


class Sought(SoughtPerson):
    filter: LineFilter | None = None


class Rows(StrEnum):
    """Where the values of a person stand: in an application, or in the copy that a flow pays."""

    APPLICATION = "application"
    FLOW_LINE = "flow_line"


# A line's person is its application's for ever, and those are indexed by person.
_PERSON = {
    Rows.APPLICATION: "a.person_index = :sought_person",
    Rows.FLOW_LINE: "a.application_id IN (SELECT id FROM application WHERE county_code = :county"
    " AND person_index = :sought_person)",
}


async def found_lines(desk: Desk, session: AsyncSession, sought: Sought) -> Predicate:
    """The applications that are sought, of those that the caller may see."""
    chosen = filtered(desk.county, sought.filter) if sought.filter else of_county(desk.county)
    return await of_person(desk, session, own(desk, chosen), sought, Rows.APPLICATION)


async def of_person(
    desk: Desk, session: AsyncSession, chosen: Predicate, sought: SoughtPerson, rows: Rows
) -> Predicate:
    """Of chosen rows of the county, bound as `county`, those of the person who is sought."""
    if sought.id_number:
        person = desk.vault.index(Field.ID_NUMBER, sought.id_number)
        chosen = chosen.also(_PERSON[rows], sought_person=person)
    if sought.account_no:
        account = desk.vault.index(Field.ACCOUNT, sought.account_no)
        chosen = chosen.also("a.account_index = :sought_account", sought_account=account)
    if sought.name:
        ids = await _of_name(session, desk.shown, chosen, sought.name, rows)
        chosen = chosen.also("a.id = ANY(:sought_ids)", sought_ids=ids)
    return chosen


async def _of_name(session: AsyncSession, vault: Vault, chosen: Predicate, name: str, where: Rows) -> list[int]:
    """Names have no index: sealed ones are opened chunk by chunk, beside the loop."""
    found: list[int] = []
    after = 0
    while len(found) < MOST:
        rows = await loose(
            session,
            f"SELECT a.id, a.application_no, a.name_sealed FROM {where.value} a WHERE {chosen.sql} AND a.id > :after"
            f" ORDER BY a.id LIMIT {CHUNK}",
            **{**chosen.values, "after": after},
        )
        found += await asyncio.to_thread(_named, rows, vault, name)
        if len(rows) < CHUNK:
            break
        after = rows[-1].id
    return found


def _named(rows: Sequence[LineRow], vault: Vault, name: str) -> list[int]:
    return [row.id for row in rows if regular(vault.open(Field.NAME, row.application_no, row.name_sealed)) == name]

"""Finding applications by what a person is known by."""

import asyncio
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from api.desk import Desk
from api.line_access import own
from api.line_views import LineRow
from api.sought import SoughtAccount, SoughtId, SoughtName
from models.normal_form import regular
from models.store.database import fetch
from models.store.selection import LineFilter, Predicate, filtered, of_county
from models.store.vault import Field, Vault

CHUNK = 5_000
MOST = 10_000


class Sought(BaseModel):
    """All given values hold at once; id and account are found by blind index, a name by its whole text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: SoughtName | None = None
    id_number: SoughtId | None = None
    account_no: SoughtAccount | None = None
    filter: LineFilter | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.id_number or self.account_no):
            raise ValueError("请至少给出姓名、证件号、账号中的一项")
        return self


async def found_lines(desk: Desk, session: AsyncSession, sought: Sought) -> Predicate:
    """The applications that are sought, of those that the caller may see."""
    chosen = filtered(desk.county, sought.filter) if sought.filter else of_county(desk.county)
    chosen = own(desk, chosen)
    if sought.id_number:
        person = desk.vault.index(Field.ID_NUMBER, sought.id_number)
        chosen = chosen.also("a.person_index = :sought_person", sought_person=person)
    if sought.account_no:
        account = desk.vault.index(Field.ACCOUNT, sought.account_no)
        chosen = chosen.also("a.account_index = :sought_account", sought_account=account)
    if sought.name:
        ids = await _of_name(session, desk.shown, chosen, sought.name)
        chosen = chosen.also("a.id = ANY(:sought_ids)", sought_ids=ids)
    return chosen


async def _of_name(session: AsyncSession, vault: Vault, chosen: Predicate, name: str) -> list[int]:
    """Names have no index: sealed ones are opened chunk by chunk, beside the loop."""
    found: list[int] = []
    after = 0
    while len(found) < MOST:
        rows = await fetch(
            session,
            f"SELECT a.id, a.application_no, a.name_sealed FROM application a WHERE {chosen.sql} AND a.id > :after"
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

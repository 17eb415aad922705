"""共用银行卡: accounts that more than one person uses, the first thing that counties complain of."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Response
from pydantic import Field as Shown
from typing_extensions import TypedDict

from api.counter.chunks import list_lines
from api.counter.names import Names, names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders
from api.server.answers import Listed
from models.forms import identity
from models.store.register.register import register_row
from models.store.selection import all_of
from models.store.vault import Field, Vault
from models.words.stages import AccountStatus

router = APIRouter(tags=["一卡通账号"])

# One row per account; of another county's person it says at most that there is one. The first of the county's people
# stands for the account: a page of them is found along what a trigger has noted (0002_accounts.sql), with looks at the
# account's index, and the others are gathered for those of the page alone.
SHARED = """
SELECT a.id, n.bank_code, u.people, u.account_ids, u.persons, u.names, u.id_numbers, u.accounts, u.statuses,
  EXISTS (SELECT FROM register_account e WHERE e.account_index = n.account_index AND e.county_code <> n.county_code
    AND (u.people > 1 OR e.person_index <> n.person_index)) AS elsewhere
FROM shared_account a CROSS JOIN LATERAL (
  SELECT r.id, r.county_code, r.person_index, r.bank_code, r.account_index FROM register_account r
  WHERE r.id = a.id LIMIT 1
) AS n CROSS JOIN LATERAL (
  SELECT count(*) AS people, array_agg(r.id ORDER BY r.id) AS account_ids,
    array_agg(r.person_index ORDER BY r.id) AS persons, array_agg(r.name_sealed ORDER BY r.id) AS names,
    array_agg(r.id_number_sealed ORDER BY r.id) AS id_numbers, array_agg(r.account_sealed ORDER BY r.id) AS accounts,
    array_agg(r.status ORDER BY r.id) AS statuses
  FROM register_account r WHERE r.account_index = n.account_index AND r.county_code = n.county_code
) AS u
"""
# A look that can be joined would hash the whole province's register: these are bounded, and stay looks.
_SHARED = """
(SELECT true FROM register_account o
 WHERE o.account_index = n.account_index AND o.person_index <> n.person_index LIMIT 1)
AND (SELECT true FROM register_account o
 WHERE o.account_index = n.account_index AND o.county_code = n.county_code AND o.id < n.id LIMIT 1) IS NULL
"""
HEADERS: Mapping[str, str] = {
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "people": "本区县使用人数",
    "named": "本区县使用人",
    "elsewhere": "其他区县也有人使用",
}


class SharedRow(NamedTuple):
    """The arrays go together: one place in each of them is one person."""

    id: int
    bank_code: str | None
    people: int
    account_ids: list[int]
    persons: list[str]
    names: list[str]
    id_numbers: list[str]
    accounts: list[str]
    statuses: list[str]
    elsewhere: bool


class Sharer(TypedDict):
    account_id: int
    name: str
    id_number: str
    status: AccountStatus
    status_label: str


class SharedAccount(TypedDict):
    bank_code: str | None
    bank: Annotated[str | None, Shown(description="一卡通开户行")]
    account_no: Annotated[str, Shown(description="一卡通账号")]
    people: Annotated[int, Shown(description="本区县使用人数")]
    persons: Annotated[list[Sharer], Shown(description="本区县使用人")]
    named: Annotated[list[str], Shown(description="姓名（证件号），打码")]
    elsewhere: Annotated[bool, Shown(description="其他区县也有人使用")]


@router.get("/register/shared", summary="共用账号", response_model=Listed[SharedAccount])
async def list_shared(desk: CountyReaders, page: Pages) -> Response:
    """Masked; each with the county's people who use it."""
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        chosen = all_of("county_code", "county", desk.county).also(_SHARED)

        def shown(row: SharedRow) -> SharedAccount:
            return _view(desk.shown, names, desk.county, row)

        return await list_lines(session, page, chosen, shown, HEADERS, SHARED, SharedRow)


def _view(vault: Vault, names: Names, county: str, row: SharedRow) -> SharedAccount:
    people: list[Sharer] = [
        {
            "account_id": account_id,
            "name": identity.mask_name(vault.open(Field.NAME, register_row(county, person), name)),
            "id_number": identity.mask_id_number(vault.open(Field.ID_NUMBER, register_row(county, person), id_number)),
            "status": AccountStatus(status),
            "status_label": AccountStatus(status).label,
        }
        for account_id, person, name, id_number, status in zip(
            row.account_ids, row.persons, row.names, row.id_numbers, row.statuses, strict=True
        )
    ]
    account_no = vault.open(Field.ACCOUNT, register_row(county, row.persons[0]), row.accounts[0])
    return {
        "bank_code": row.bank_code,
        "bank": names.bank(row.bank_code),
        "account_no": identity.mask_account_no(account_no),
        "people": row.people,
        "persons": people,
        "named": [f"{each['name']}（{each['id_number']}）" for each in people],
        "elsewhere": row.elsewhere,
    }

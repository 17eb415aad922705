"""Which application names another account than the register, and which account several people use: no list misses any.

Lists look only at what triggers have noted (deploy/migrations/sql/0002_accounts.sql).
"""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.accounts import NewAccount, apply_change
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from tests.rows import (
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    Line,
    Office,
    account_no,
    add_applications,
    citizen_id,
    open_office,
)

MEI, SON, STRANGER = 7_001, 7_002, 7_003
MANY = 2_000
_READ = """
SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
WHERE relname IN ('application', 'register_account')
"""
_REGISTER_ALL = """
INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code,
  account_sealed, account_index, status, source, updated_at)
SELECT county_code, person_index, 'x', 'x', 'x', bank_code, 'x', account_index, 'valid', '申请录入', now()
FROM application WHERE county_code = :county AND person_index <> :mei
"""


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def register(office: Office, session: AsyncSession, person: int, account: str, county: str = COUNTY) -> None:
    index = office.vault.index(Field.ID_NUMBER, citizen_id(person))
    new = NewAccount(county, index, "王小梅", citizen_id(person), "BANK-A", account, "passbook", "渝快办", OPERATOR)
    await apply_change(session, office.vault, new)


async def registered(office: Office, person: int, account: str, county: str = COUNTY) -> None:
    async with office.database.transaction() as session:
        await register(office, session, person, account, county)


async def apply(office: Office, session: AsyncSession, person: int) -> str:
    [number] = await add_applications(session, office.vault, [Line(person=person, stage="draft")], None)
    return number


async def others(office: Office) -> list[str]:
    items = (await office.get("/applications", other_account="true")).json()["items"]
    return [item["application_no"] for item in items]


async def sharers(office: Office, county: str = COUNTY) -> list[int]:
    """How many of the county use each account that several use."""
    items = (await office.get("/register/shared", OPERATOR, county)).json()["items"]
    return [item["people"] for item in items]


@pytest.mark.parametrize("first", ["register", "application"])
async def test_of_an_account_and_an_application_at_once_the_later_sees_the_earlier(office: Office, first: str) -> None:
    async with office.database.transaction() as outer:
        if first == "application":
            await register(office, outer, MEI, account_no(SON))
        else:
            await apply(office, outer, MEI)
        # neither sees the other, and this one is over first
        async with office.database.transaction() as inner:
            if first == "application":
                await apply(office, inner, MEI)
            else:
                await register(office, inner, MEI, account_no(SON))
    assert len(await others(office)) == 1


async def test_of_two_who_take_an_account_at_once_the_later_sees_the_earlier(office: Office) -> None:
    async with office.database.transaction() as outer:
        await register(office, outer, MEI, account_no(MEI))
        async with office.database.transaction() as inner:
            await register(office, inner, STRANGER, account_no(MEI), OTHER_COUNTY)
    assert (await sharers(office), await sharers(office, OTHER_COUNTY)) == ([1], [1])
    await registered(office, SON, account_no(MEI))
    assert (await sharers(office), await sharers(office, OTHER_COUNTY)) == ([2], [1])
    # nothing is taken off, and the list is of those who still do
    await registered(office, STRANGER, account_no(STRANGER), OTHER_COUNTY)
    await registered(office, MEI, account_no(STRANGER))
    assert (await sharers(office), await sharers(office, OTHER_COUNTY)) == ([1], [1])
    await registered(office, MEI, account_no(MEI))
    assert (await sharers(office), await sharers(office, OTHER_COUNTY)) == ([2], [])


async def test_the_own_accounts_of_one_person_in_two_counties_are_nobody_elses(office: Office) -> None:
    await registered(office, MEI, account_no(MEI))
    await registered(office, MEI, account_no(MEI), OTHER_COUNTY)
    assert (await sharers(office), await sharers(office, OTHER_COUNTY)) == ([], [])


async def test_an_account_that_changes_is_looked_at_again(office: Office) -> None:
    await registered(office, MEI, account_no(MEI))
    async with office.database.transaction() as session:
        number = await apply(office, session, MEI)
    assert await others(office) == []
    await registered(office, MEI, account_no(SON))
    assert await others(office) == [number]
    await registered(office, MEI, account_no(MEI))
    assert await others(office) == []
    # the application's own, or whose it is
    for changed, back in (
        ("account_index = 'x'", "account_index = :own"),
        ("bank_code = 'BANK-B'", "bank_code = :own"),
    ):
        column = changed.split()[0]
        [(own,)] = await office.rows(f"SELECT {column} FROM application")
        await office.run("DELETE FROM other_account")
        await office.run(f"UPDATE application SET {changed}")
        assert await others(office) == [number], changed
        await office.run(f"UPDATE application SET {back}", own=str(own))
        assert await others(office) == []


@pytest.mark.unseen
async def test_a_look_at_the_commit_costs_a_few_rows_for_each(office: Office, owner: psycopg.Connection) -> None:
    """Also on a connection that has looked at one row of small tables before."""
    many = [Line(person=person, stage="draft") for person in range(1, MANY + 1)]
    async with office.database.transaction() as session:
        await register(office, session, MEI, account_no(MEI))
        await apply(office, session, MEI)
    owner.execute("ANALYZE application, register_account")
    async with office.database.transaction() as session:
        await add_applications(session, office.vault, many, None)
        await execute(session, "SET CONSTRAINTS ALL IMMEDIATE")
        before = await fetch_int(session, _READ)
        await execute(session, _REGISTER_ALL, county=COUNTY, mei=office.vault.index(Field.ID_NUMBER, citizen_id(MEI)))
        looked = await fetch_int(session, _READ) - before
    assert looked < 10 * MANY

"""What is freed at the moment when somebody begins to wait for it: whoever waits is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.flows.rounds import refresh_held
from models.store.flows.rows import lock_flow_of_run
from models.store.register.account_locks import unlock_accounts
from models.store.sql import execute
from tests.rows import COUNTY, Office, lock_account, open_office
from tests.test_orders_api import mixed_flow
from tests.two_writers import first_then

WOKEN = "SELECT count(*) FROM outbox WHERE workflow_id = 'subsidy-flow/' || :flow AND ids ->> 0 = 'R-1'"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as open_one:
        yield open_one


@pytest.mark.parametrize("kind", ["unverified", "under_review", "held", "rejected"])
async def test_a_line_that_is_held_while_its_account_is_freed_is_looked_at_again(office: Office, kind: str) -> None:
    """The look doesn't see the end of the change yet, and the change doesn't see that the line is held."""
    flow_no, named = await mixed_flow(office)
    number = named[kind]
    await lock_account(office, number)
    [(person,)] = await office.rows("SELECT person_index FROM application WHERE application_no = :no", no=number)

    async def free(session: AsyncSession) -> None:
        await unlock_accounts(session, [COUNTY], str(person), "R-1")

    async def look(session: AsyncSession) -> None:
        flow = await lock_flow_of_run(session, flow_no)
        await execute(session, "UPDATE flow_line SET state = 'unsent' WHERE application_no = :number", number=number)
        await refresh_held(session, flow)

    await first_then(office.database, free, look)
    assert await office.rows("SELECT state FROM flow_line WHERE application_no = :no", no=number) == [("held",)]
    assert await office.rows(WOKEN, flow=flow_no) == [(1,)]


async def test_an_account_that_is_freed_while_a_look_holds_its_line_wakes_the_flow(office: Office) -> None:
    """The other order: the line is about to be held, and is seen as it was before."""
    flow_no, named = await mixed_flow(office)
    await lock_account(office, named["unverified"])
    [(person,)] = await office.rows(
        "SELECT person_index FROM application WHERE application_no = :no", no=named["unverified"]
    )

    async def look(session: AsyncSession) -> None:
        await refresh_held(session, await lock_flow_of_run(session, flow_no))

    async def free(session: AsyncSession) -> None:
        await unlock_accounts(session, [COUNTY], str(person), "R-1")

    await first_then(office.database, look, free)
    held = "SELECT state FROM flow_line WHERE application_no = :no"
    assert await office.rows(held, no=named["unverified"]) == [("held",)]
    assert await office.rows(WOKEN, flow=flow_no) == [(1,)]
    async with office.database.transaction() as session:
        await look(session)
    assert await office.rows(held, no=named["unverified"]) == [("unsent",)]

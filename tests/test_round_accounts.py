"""A round goes out with the accounts that the register has for its people, each line with its own."""

from pathlib import Path

from models.store.flows.rounds import take_registered_accounts
from models.store.register.accounts import NewAccount, apply_change
from models.store.sql import fetch
from models.store.vault import Field
from tests.rows import COUNTY, Line, add_flow, add_ground, open_office


async def test_each_line_takes_the_account_of_its_own_person(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path) as office:
        ground = await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200), Line(amount_fen=300)])
        await add_flow(office, ground)
        people = dict(await office.rows("SELECT application_no, person_index FROM flow_line ORDER BY id"))
        banks = {}
        for place, number in enumerate(ground.numbers[:2], 1):
            banks[number] = (f"BANK-{place}", f"62222222222222{place}")
            bank, account = banks[number]
            async with office.database.transaction() as session:
                await apply_change(
                    session,
                    office.vault,
                    NewAccount(COUNTY, str(people[number]), "王梅", "1", bank, account, "bank_card", "村社申报", "rev"),
                )
        before = await office.rows("SELECT account_sealed FROM flow_line ORDER BY id")
        async with office.database.transaction() as session:
            await take_registered_accounts(session, office.vault, await fetch(session, int, "SELECT id FROM flow_line"))
        lines = await office.rows(
            "SELECT application_no, bank_code, account_sealed, account_index FROM flow_line ORDER BY id"
        )
        for number, bank, sealed, index in lines[:2]:
            account = office.vault.open(Field.ACCOUNT, str(number), str(sealed))
            assert ((bank, account), index) == (banks[str(number)], office.vault.index(Field.ACCOUNT, account))
        assert lines[2][2] == before[2][0]

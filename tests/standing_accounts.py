"""Accounts that a register has had since before anybody kept a history: older than any file of a first load."""

from datetime import timedelta

from models.store.register.register import register_row
from models.store.vault import Field, LocalVault, name_index
from models.tables.base import now
from models.tables.register import RegisterAccount
from models.wire.words import CardType
from models.words.stages import AccountStatus


def standing_account(
    vault: LocalVault, county: str, id_number: str, name: str, bank_code: str, account_no: str, status: str = "valid"
) -> RegisterAccount:
    person = vault.index(Field.ID_NUMBER, id_number)
    place = register_row(county, person)
    return RegisterAccount(
        county_code=county,
        person_index=person,
        name_sealed=vault.seal(Field.NAME, place, name),
        name_index=name_index(vault, name),
        id_number_sealed=vault.seal(Field.ID_NUMBER, place, id_number),
        bank_code=bank_code,
        account_sealed=vault.seal(Field.ACCOUNT, place, account_no),
        account_index=vault.index(Field.ACCOUNT, account_no),
        card_type=CardType.BANK_CARD,
        status=AccountStatus(status),
        source="申请录入",
        updated_at=now() - timedelta(days=30),
    )

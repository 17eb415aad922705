"""A person's own accounts: one card face per distinct account, with the counties that use it (S2 1.1)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.register.account_locks import account_locked_sql
from models.store.register.register import register_row, why_unusable
from models.store.sql import fetch
from models.store.vault import Field, Vault
from models.wire.words import CardType
from models.words.card_stages import CardStatus
from models.words.stages import AccountStatus


class _Account(NamedTuple):
    county_code: str
    bank_code: str
    account_sealed: str
    account_index: str
    card_type: str | None
    status: str
    locked: bool
    reason_code: str | None
    since: datetime


@dataclass(frozen=True)
class OwnCounty:
    """`locked`: a change is under way here; `reason` and `since` when it can't be paid to here any more."""

    county_code: str
    status: AccountStatus
    locked: bool
    reason: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class OwnAccount:
    """One card face: a distinct account with the counties that use it."""

    bank_code: str
    account_no: str = field(repr=False)
    card_type: CardType | None
    counties: tuple[OwnCounty, ...]

    @property
    def status(self) -> CardStatus:
        """无效卡 only when no county can pay to it any more."""
        valid = [county.status is AccountStatus.VALID for county in self.counties]
        if all(valid):
            return CardStatus.VALID
        return CardStatus.PARTLY_INVALID if any(valid) else CardStatus.INVALID


async def own_accounts(session: AsyncSession, vault: Vault, province: str, person_index: str) -> list[OwnAccount]:
    """A person's usable and invalid accounts in a province; a cleared one is shown nowhere."""
    rows = await fetch(
        session,
        _Account,
        "SELECT r.county_code, r.bank_code, r.account_sealed, r.account_index, r.card_type, r.status,"
        f" {account_locked_sql('r')} AS locked, w.reason_code, coalesce(w.since, r.updated_at) AS since"
        f" FROM register_account r{why_unusable('r')} WHERE r.person_index = :person AND r.county_code LIKE"
        " :province AND r.status <> 'cleared' AND r.account_sealed IS NOT NULL ORDER BY r.county_code",
        person=person_index,
        province=province[:2] + "____",
    )
    faces = defaultdict[tuple[str, str], list[_Account]](list)
    for row in rows:
        faces[row.bank_code, row.account_index].append(row)
    return [
        OwnAccount(
            bank_code=bank,
            account_no=vault.open(
                Field.ACCOUNT, register_row(same[0].county_code, person_index), same[0].account_sealed
            ),
            card_type=CardType(same[0].card_type) if same[0].card_type else None,
            counties=tuple(_county(row) for row in same),
        )
        for (bank, _), same in faces.items()
    ]


def _county(row: _Account) -> OwnCounty:
    status = AccountStatus(row.status)
    if status is AccountStatus.VALID:
        return OwnCounty(row.county_code, status, row.locked)
    return OwnCounty(row.county_code, status, row.locked, row.reason_code, row.since)

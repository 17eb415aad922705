"""村社申报: an operator's entry of an account for a person without a usable one (S2 1.1)."""

from dataclasses import dataclass, field

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.lock_order import Rank
from models.store.locking import hold, lock_row
from models.store.numbers import Series, take_one
from models.store.register.account_locks import lock_accounts, unlock_accounts
from models.store.register.lock_rules import LockedAct, why_locked_now
from models.store.runs.runs import open_run
from models.store.sql import fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import VillageEntry
from models.wire.answers import province_of
from models.wire.words import CardType
from models.words.calendar import china_today
from models.words.card_stages import EntryStage
from models.words.faults import FaultCode
from models.words.refusals import Refusal, RefusalCode
from models.words.stages import AccountStatus

ENDED = frozenset({EntryStage.APPLIED, EntryStage.FAILED, EntryStage.REFUSED})
HAS_USABLE_ACCOUNT = "此人在本县已有可用的一卡通账号，不能申报；需要换卡请由本人通过渝快办办理账号变更"


class EntryRefused(Exception):
    """An entry that can't be taken now; `words` say why and what to do, without the person."""

    def __init__(self, code: RefusalCode, words: str) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


@dataclass(frozen=True)
class EntryForm:
    """What the operator entered, checked and made regular."""

    card_type: CardType
    bank_code: str
    photo_file_id: int
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    account_no: str = field(repr=False)
    reason: str | None = None


async def open_entry(
    session: AsyncSession, vault: Vault, county_code: str, form: EntryForm, entered_by: str
) -> VillageEntry:
    """Save an entry, lock the person's account in the county and start its run; raises EntryRefused."""
    person = vault.index(Field.ID_NUMBER, form.id_number)
    # the same name as a citizen's request takes: of the two that come at one moment, one is refused with why
    await hold(session, Rank.PERSON, f"{province_of(county_code)}/{person}")
    await refuse_usable(session, county_code, person)
    number = await take_one(session, Series.VILLAGE_ENTRY, county_code, china_today().year)
    if await lock_accounts(session, [county_code], person, number):
        words = await why_locked_now(session, LockedAct.VILLAGE_ENTRY, [county_code], person)
        raise EntryRefused(FaultCode.ACCOUNT_LOCKED, words)
    entry = _entry(vault, county_code, number, form, entered_by)
    session.add(entry)
    await session.flush()
    subject = Subject(kind=RunKind.VILLAGE_ENTRY, number=number, county_code=county_code)
    await open_run(session, subject, EntryStage.VALIDATING.value)
    return entry


async def refuse_usable(session: AsyncSession, county_code: str, person_index: str) -> None:
    """村社申报 is for those without a usable account; the others change it themselves."""
    status = await fetch_one(
        session,
        str,
        "SELECT status FROM register_account WHERE county_code = :county AND person_index = :person",
        county=county_code,
        person=person_index,
    )
    if status == AccountStatus.VALID:
        raise EntryRefused(Refusal.ACCOUNT_USABLE, HAS_USABLE_ACCOUNT)


def _entry(vault: Vault, county_code: str, number: str, form: EntryForm, entered_by: str) -> VillageEntry:
    return VillageEntry(
        entry_no=number,
        county_code=county_code,
        person_index=vault.index(Field.ID_NUMBER, form.id_number),
        name_sealed=vault.seal(Field.NAME, number, form.name),
        id_number_sealed=vault.seal(Field.ID_NUMBER, number, form.id_number),
        card_type=form.card_type,
        bank_code=form.bank_code,
        account_sealed=vault.seal(Field.ACCOUNT, number, form.account_no),
        account_index=vault.index(Field.ACCOUNT, form.account_no),
        photo_file_id=form.photo_file_id,
        reason_sealed=vault.seal(Field.REASON, number, form.reason) if form.reason else None,
        entered_by=entered_by,
    )


async def locked_entry(session: AsyncSession, entry_no: str, county_code: str | None = None) -> VillageEntry | None:
    """The entry as it is now, locked until the transaction ends; decisions and results of one moment take turns."""
    await hold(session, Rank.RUN, entry_no)
    statement = select(VillageEntry).where(VillageEntry.entry_no == entry_no)
    if county_code is not None:
        statement = statement.where(VillageEntry.county_code == county_code)
    return await lock_row(session, Rank.RUN, statement)


async def end_entry(
    session: AsyncSession, entry: VillageEntry, stage: EntryStage, code: str | None = None, words: str | None = None
) -> None:
    """The entry is over: its lock is released, so that held lines join their flow again."""
    entry.stage, entry.failure_code, entry.failure, entry.ended_at = stage, code, words, now()
    session.add(entry)
    await session.flush()
    await unlock_accounts(session, [entry.county_code], entry.person_index, entry.entry_no)

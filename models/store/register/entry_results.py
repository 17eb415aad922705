"""What the platform made of a 村社申报: the register gets the account, or the entry ends as failed, once."""

import json
from collections.abc import Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events.contradictions import Claim, keep_claim
from models.store.register.accounts import (
    BY_PLATFORM,
    AccountFinding,
    NewAccount,
    account_for_update,
    apply_change,
    set_invalid,
)
from models.store.register.entries import ENDED, end_entry, locked_entry
from models.store.register.notices import News, notify
from models.store.sql import fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import VillageEntry
from models.tables.flows import Contradiction
from models.tables.register import RegisterAccount
from models.wire.answers import AccountChange
from models.wire.words import AccountChangeStatus, AccountSource
from models.words.card_stages import EntryStage, NoticeKind
from models.words.card_words import reason_words
from models.words.stages import AccountStatus

KIND = "village_entry_result"
APPLIED = "村社申报的账号已上卡成功，可用于领取补贴"
TAKEN_BACK = "按平台来件改为上卡失败"
ACCOUNT_GONE_ON = "此人在本县的账号后来已有变动，来件所称已不能采纳；请改为保留现有结果"
Content = dict[str, Any]


async def apply_entries(
    session: AsyncSession, vault: Vault, taken: Sequence[tuple[int, AccountChange]]
) -> dict[int, str]:
    """Effects by inbox id of those results that belong to an entry; the others are a card change's."""
    effects: dict[int, str] = {}
    for inbox_id, data in taken:
        number = await _entry_no(session, data)
        if number is not None:
            effects[inbox_id] = await _apply(session, vault, number, data, inbox_id)
    return effects


async def _entry_no(session: AsyncSession, data: AccountChange) -> str | None:
    return await fetch_one(
        session,
        str,
        "SELECT entry_no FROM village_entry WHERE county_code = :county"
        " AND (entry_no = :reference OR submission_id = :submission)",
        county=data.county_code,
        reference=data.client_reference,
        submission=data.submission_id,
    )


async def _apply(session: AsyncSession, vault: Vault, number: str, data: AccountChange, inbox_id: int) -> str:
    if data.status is AccountChangeStatus.PENDING:
        return "pending"
    entry = await locked_entry(session, number)
    assert entry is not None
    if entry.submission_id not in (None, data.submission_id):
        return "other submission"
    if entry.stage in ENDED:
        return await _compare(session, vault, entry, data, inbox_id)
    if entry.stage is not EntryStage.APPLYING:
        return "not handed in"
    entry.submission_id = data.submission_id
    if data.status is AccountChangeStatus.APPLIED:
        await _applied(session, vault, entry)
    else:
        await fail_at_platform(session, vault, entry, data.reason_code, reason_words(data.reason_code))
    return entry.stage.value


async def _applied(session: AsyncSession, vault: Vault, entry: VillageEntry) -> None:
    await _put_account(session, vault, entry)
    await end_entry(session, entry, EntryStage.APPLIED)
    await _tell(session, vault, entry, NoticeKind.APPLIED, APPLIED, None)


async def _put_account(session: AsyncSession, vault: Vault, entry: VillageEntry) -> None:
    """The register holds the account from now on, source 村社申报."""
    number = entry.entry_no
    new = NewAccount(
        county_code=entry.county_code,
        person_index=entry.person_index,
        name=vault.open(Field.NAME, number, entry.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, number, entry.id_number_sealed),
        bank_code=entry.bank_code,
        account_no=vault.open(Field.ACCOUNT, number, entry.account_sealed),
        card_type=entry.card_type,
        source=AccountSource.VILLAGE_ENTRY.value,
        actor=entry.confirmed_by or entry.entered_by,
    )
    await apply_change(session, vault, new)


async def fail_at_platform(
    session: AsyncSession, vault: Vault, entry: VillageEntry, code: str | None, words: str
) -> None:
    """上卡 failed: what the register holds stays as it is, it was not usable before either."""
    told = f"村社申报的账号上卡失败：{words}"
    await end_entry(session, entry, EntryStage.FAILED, code, told)
    await _tell(session, vault, entry, NoticeKind.APPLY_FAILED, told, code)


async def _tell(
    session: AsyncSession, vault: Vault, entry: VillageEntry, kind: NoticeKind, words: str, code: str | None
) -> None:
    await _notice(session, vault, entry, kind, words, f"{entry.entry_no}/a{entry.attempt}")
    detail = {"before": EntryStage.APPLYING.value, "after": entry.stage.value, "reason_code": code}
    await record(session, vault, by_system(entry.county_code, "village_entry.result", entry.entry_no, detail))


async def _notice(
    session: AsyncSession, vault: Vault, entry: VillageEntry, kind: NoticeKind, words: str, cause: str
) -> None:
    news = News(
        county_code=entry.county_code,
        person_index=entry.person_index,
        kind=kind,
        cause=cause,
        explanation=words,
        bank_code=entry.bank_code,
        account_no=vault.open(Field.ACCOUNT, entry.entry_no, entry.account_sealed),
        error_code=entry.failure_code,
        applied_at=entry.created_at,
        finished_at=now(),
        result=entry.stage.label,
    )
    await notify(session, vault, news)


async def _compare(session: AsyncSession, vault: Vault, entry: VillageEntry, data: AccountChange, inbox_id: int) -> str:
    """Another result than the one that took effect is kept beside it, for a reviewer."""
    if entry.stage.value == data.status.value:
        return "again"
    claim = Claim(
        county_code=entry.county_code,
        number=entry.entry_no,
        kind=KIND,
        line_key=entry.entry_no,
        applied={"status": entry.stage.value, "reason_code": entry.failure_code},
        claimed=data.model_dump(mode="json"),
        inbox_id=inbox_id,
    )
    await keep_claim(session, vault, claim)
    return "contradiction"


async def take_entry_claim(session: AsyncSession, vault: Vault, row: Contradiction, claimed: Content) -> str | None:
    """A reviewer takes the platform's later word: entry and register follow it, while nothing came after."""
    data = AccountChange.model_validate_json(json.dumps(claimed))
    entry = await locked_entry(session, row.number)
    assert entry is not None, "a contradiction of an entry belongs to an entry"
    account = await account_for_update(session, entry.county_code, entry.person_index)
    if data.status is AccountChangeStatus.APPLIED and entry.stage is EntryStage.FAILED:
        if entry.submission_id is None or await _is_overtaken(session, entry, account):
            return ACCOUNT_GONE_ON
        await _put_account(session, vault, entry)
        await end_entry(session, entry, EntryStage.APPLIED)
        await _notice(session, vault, entry, NoticeKind.APPLIED, APPLIED, f"{entry.entry_no}/claim {row.id}")
        return None
    if entry.stage is not EntryStage.APPLIED or account is None or account.account_index != entry.account_index:
        return ACCOUNT_GONE_ON
    code = data.reason_code.value if data.reason_code else None
    cause = f"{entry.entry_no}/taken-back"
    finding = AccountFinding(reason=code, cause=cause, at=now(), source=BY_PLATFORM, clears=True)
    await set_invalid(session, vault, account, finding)
    await end_entry(session, entry, EntryStage.FAILED, code, TAKEN_BACK)
    await _notice(session, vault, entry, NoticeKind.APPLY_FAILED, TAKEN_BACK, f"{entry.entry_no}/claim {row.id}")
    return None


async def _is_overtaken(session: AsyncSession, entry: VillageEntry, account: RegisterAccount | None) -> bool:
    """The person has a usable account since, or another change of it is under way."""
    if account is not None and account.status is AccountStatus.VALID:
        return True
    locked = await fetch_one(
        session,
        int,
        "SELECT 1 FROM account_lock WHERE county_code = :county AND person_index = :person AND ended_at IS NULL",
        county=entry.county_code,
        person=entry.person_index,
    )
    return locked is not None

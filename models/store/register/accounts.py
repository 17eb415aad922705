"""Accounts in the register: what invalidates or restores one, and what a change puts in."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Rank
from models.store.locking import lock_row, lock_rows
from models.store.register.account_locks import wake_flows
from models.store.register.notices import News, is_told, notify
from models.store.register.register import register_row
from models.store.sql import fetch_int
from models.store.vault import Field, Vault, name_index
from models.tables.base import now
from models.tables.register import RegisterAccount, RegisterChange
from models.wire.words import CardType
from models.words.card_stages import NoticeKind
from models.words.card_words import CLEARING, reason_words
from models.words.stages import AccountStatus

# What changed a row's status; the row's own source stays where its account came from.
BY_CHECK = "账号核验"
BY_PLATFORM = "平台通知"
BY_FAILED_CHANGE = "上卡失败"


@dataclass(frozen=True)
class NewAccount:
    """What a change or a village entry puts into the register; `actor` is who approved it.

    `source` is where the account comes from; the history names `told_by` where that is somebody else's word.
    """

    county_code: str
    person_index: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    bank_code: str
    account_no: str = field(repr=False)
    card_type: CardType
    source: str
    actor: str
    told_by: str | None = None


@dataclass(frozen=True)
class AccountFinding:
    """That an account can no longer be used: `reason` as the platform names it, `cause` once for each finding.

    `words` replace the explanation that follows from the reason; `clears` a reason that would only make it 无效卡.
    """

    reason: str | None
    cause: str
    at: datetime
    source: str = BY_CHECK
    actor: str = "system"
    clears: bool = False
    words: str | None = None


async def account_for_update(session: AsyncSession, county_code: str, person_index: str) -> RegisterAccount | None:
    statement = select(RegisterAccount).where(
        RegisterAccount.county_code == county_code, RegisterAccount.person_index == person_index
    )
    return await lock_row(session, Rank.REGISTER, statement)


async def set_invalid(session: AsyncSession, vault: Vault, account: RegisterAccount, finding: AccountFinding) -> bool:
    """无效卡, or cleared when the account is gone; False when nothing is new. `account` is locked by the caller.

    Open parts of a change are the caller's: see `models.store.cards.invalidation.invalidate`.
    """
    if account.account_sealed is None or account.status is AccountStatus.CLEARED:
        return False
    clears = finding.clears or finding.reason in CLEARING
    status = AccountStatus.CLEARED if clears else AccountStatus.INVALID
    if account.status is status or await _is_past(session, account, finding):
        return False
    place = register_row(account.county_code, account.person_index)
    account_no = vault.open(Field.ACCOUNT, place, account.account_sealed)
    bank = account.bank_code
    await _change(session, account, status, finding.source, finding.actor, min(finding.at, now()), finding.reason)
    kind = NoticeKind.CLEARED if clears else NoticeKind.INVALIDATED
    advice = "账户信息已清空，请申请变更或联系村社" if clears else "此卡已无效，请申请变更账号"
    news = News(
        county_code=account.county_code,
        person_index=account.person_index,
        kind=kind,
        cause=finding.cause,
        explanation=finding.words or f"{reason_words(finding.reason)}，{advice}",
        bank_code=bank,
        account_no=account_no,
        error_code=finding.reason,
        operated_at=finding.at,
    )
    await notify(session, vault, news)
    return True


async def set_valid_again(
    session: AsyncSession, vault: Vault, account: RegisterAccount, cause: str, at: datetime, actor: str = "system"
) -> bool:
    """A later good check makes 无效卡 valid again; False when it wasn't invalid."""
    if account.status is not AccountStatus.INVALID or account.account_sealed is None:
        return False
    found_since = await fetch_int(
        session,
        "SELECT count(*) FROM register_change WHERE register_account_id = :id AND new_status <> 'valid'"
        " AND coalesce(as_of, at) >= :at",
        id=account.id,
        at=at,
    )
    if found_since:
        return False
    await _change(session, account, AccountStatus.VALID, BY_CHECK, actor, at)
    place = register_row(account.county_code, account.person_index)
    news = News(
        county_code=account.county_code,
        person_index=account.person_index,
        kind=NoticeKind.VALID_AGAIN,
        cause=cause,
        explanation="经核验，此卡已恢复有效，可继续用于补贴发放",
        bank_code=account.bank_code,
        account_no=vault.open(Field.ACCOUNT, place, account.account_sealed),
        operated_at=at,
    )
    await notify(session, vault, news)
    return True


async def apply_change(session: AsyncSession, vault: Vault, new: NewAccount) -> RegisterAccount:
    """上卡成功: the register holds the new account, valid, with its source; the history says from what to what."""
    place = register_row(new.county_code, new.person_index)
    account = await account_for_update(session, new.county_code, new.person_index)
    was_cleared = account is not None and account.status is AccountStatus.CLEARED
    if account is None:
        account = RegisterAccount(
            county_code=new.county_code,
            person_index=new.person_index,
            name_sealed=vault.seal(Field.NAME, place, new.name),
            name_index=name_index(vault, new.name),
            id_number_sealed=vault.seal(Field.ID_NUMBER, place, new.id_number),
            status=AccountStatus.CLEARED,
            source=new.source,
        )
        session.add(account)
        await session.flush()
    sealed = vault.seal(Field.ACCOUNT, place, new.account_no)
    change = _history(account, AccountStatus.VALID, new.told_by or new.source, new.actor)
    change.new_bank_code, change.new_account_sealed = new.bank_code, sealed
    account.bank_code, account.account_sealed = new.bank_code, sealed
    account.account_index, account.card_type = vault.index(Field.ACCOUNT, new.account_no), new.card_type
    account.status, account.source, account.updated_at = AccountStatus.VALID, new.source, now()
    session.add(change)
    await session.flush()
    if was_cleared:
        await wake_flows(session, [new.county_code], new.person_index, f"{new.county_code}-R{account.id}")
    return account


async def _change(
    session: AsyncSession,
    account: RegisterAccount,
    status: AccountStatus,
    source: str,
    actor: str,
    as_of: datetime,
    reason: str | None = None,
) -> None:
    """Another status, with its history; a cleared row keeps the person and nothing of the account."""
    change = _history(account, status, source, actor)
    change.as_of, change.reason_code = as_of, reason
    if status is AccountStatus.CLEARED:
        account.bank_code = account.account_sealed = account.account_index = account.card_type = None
    change.new_bank_code, change.new_account_sealed = account.bank_code, account.account_sealed
    account.status, account.updated_at = status, now()
    session.add(change)
    await session.flush()


def _history(account: RegisterAccount, status: AccountStatus, source: str, actor: str) -> RegisterChange:
    return RegisterChange(
        register_account_id=account.id or 0,
        source=source,
        actor=actor,
        old_bank_code=account.bank_code,
        old_account_sealed=account.account_sealed,
        old_status=account.status.value,
        new_status=status.value,
    )


async def _is_past(session: AsyncSession, account: RegisterAccount, finding: AccountFinding) -> bool:
    """Told already, or found before the account was last made valid, by a check or by being put in: late news."""
    if await is_told(session, account.county_code, account.person_index, finding.cause):
        return True
    later = await fetch_int(
        session,
        "SELECT count(*) FROM register_change WHERE register_account_id = :id AND new_status = 'valid'"
        " AND coalesce(as_of, at) > :at",
        id=account.id,
        at=finding.at,
    )
    return later > 0


async def accounts_of(session: AsyncSession, ids: list[int]) -> list[RegisterAccount]:
    """Register rows by id, in order, locked."""
    statement = select(RegisterAccount).where(col(RegisterAccount.id).in_(ids)).order_by(col(RegisterAccount.id))
    return list(await lock_rows(session, Rank.REGISTER, statement))

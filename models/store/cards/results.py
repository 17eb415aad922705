"""What the platform reports about accounts takes effect: results of 上卡, and invalidations (S2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.cards.invalidation import invalidate
from models.store.cards.parts import CardRefusal, LockedRequest, end_part, lock_part
from models.store.events.contradictions import Claim, keep_claim
from models.store.register.accounts import (
    BY_FAILED_CHANGE,
    BY_PLATFORM,
    AccountFinding,
    NewAccount,
    account_for_update,
    apply_change,
    set_invalid,
)
from models.store.register.entry_results import apply_entries
from models.store.runs.look import remember
from models.store.sql import fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import CardChangePart
from models.wire.answers import AccountChange, Invalidation, province_of
from models.wire.words import AccountChangeStatus, AccountSource
from models.words.card_stages import PartStage
from models.words.card_words import reason_words

CONTRADICTED = "account_change"


@dataclass(frozen=True, slots=True)
class TakenResult:
    inbox_id: int
    data: AccountChange


async def apply_account_changes(
    session: AsyncSession, vault: Vault, taken: Sequence[tuple[int, AccountChange]]
) -> dict[int, str]:
    """Results of 上卡, of village entries and of counties' parts; effects by inbox id."""
    effects = await apply_entries(session, vault, taken)
    for inbox_id, data in taken:
        if inbox_id not in effects:
            effects[inbox_id] = await _apply_result(session, vault, TakenResult(inbox_id, data))
    return effects


async def _apply_result(session: AsyncSession, vault: Vault, taken: TakenResult) -> str:
    data = taken.data
    if data.status is AccountChangeStatus.PENDING:
        return "pending"
    reference = data.client_reference or await _remembered(session, data)
    if reference is None:
        return "unknown part"
    try:
        locked, part = await lock_part(session, reference)
    except CardRefusal:
        return "unknown part"
    if part.county_code != data.county_code:
        return "other county"
    return await _apply_to_part(session, vault, locked, part, taken)


async def apply_invalidation(session: AsyncSession, vault: Vault, data: Invalidation) -> str:
    """The platform's own check: the same finding, however often and on whatever way it comes, is told once."""
    account_index = vault.index(Field.ACCOUNT, data.account_no)
    finding = AccountFinding(
        reason=data.reason_code.value if data.reason_code else None,
        cause=f"invalidated/{account_index}/{data.invalidated_at.astimezone(UTC).isoformat()}",
        at=data.invalidated_at,
        source=BY_PLATFORM,
    )
    person_index = vault.index(Field.ID_NUMBER, data.id_number)
    return await invalidate(session, vault, data.county_code, person_index, (data.bank_code, account_index), finding)


async def _remembered(session: AsyncSession, data: AccountChange) -> str | None:
    return await fetch_one(
        session,
        str,
        "SELECT number FROM platform_reference WHERE province_code = :province AND platform_id = :id",
        province=province_of(data.county_code),
        id=data.submission_id,
    )


async def _apply_to_part(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, taken: TakenResult
) -> str:
    data = taken.data
    if not await _is_current(session, part, data):
        if data.status is AccountChangeStatus.FAILED or part.stage is PartStage.APPLIED:
            return "earlier attempt"
        return await _contradict(session, vault, locked, part, taken)
    if part.stage in (PartStage.APPROVED, PartStage.APPLYING):
        await _take_result(session, vault, locked, part, data)
        return part.stage.value
    if part.stage.value != data.status.value:
        return await _contradict(session, vault, locked, part, taken)
    if part.stage is PartStage.FAILED and part.old_account_usable is None:
        await _note_old_account(session, vault, locked, part, data)
    return "again"


async def _is_current(session: AsyncSession, part: CardChangePart, data: AccountChange) -> bool:
    """The result may be here before the answer to our own submission is; an earlier attempt's is known by its id."""
    if part.submission_id is not None:
        return part.submission_id == data.submission_id
    return part.attempt > 0 and await _remembered(session, data) is None


async def _take_result(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, data: AccountChange
) -> None:
    part.submission_id = data.submission_id
    await remember(session, part.county_code, data.submission_id, part.part_no)
    if data.status is AccountChangeStatus.APPLIED:
        await put_new_account(session, vault, locked, part)
        await end_part(session, vault, locked, part, PartStage.APPLIED, None, "上卡成功，新账号已启用")
        return
    code = data.reason_code.value if data.reason_code else None
    await _note_old_account(session, vault, locked, part, data)
    await end_part(session, vault, locked, part, PartStage.FAILED, code, data.reason or reason_words(code))


async def put_new_account(session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart) -> None:
    request = locked.request
    number = request.request_no
    new = NewAccount(
        county_code=part.county_code,
        person_index=request.person_index,
        name=vault.open(Field.NAME, number, request.name_sealed),
        id_number=vault.open(Field.ID_NUMBER, number, request.id_number_sealed),
        bank_code=request.bank_code,
        account_no=vault.open(Field.ACCOUNT, number, request.account_sealed),
        card_type=request.card_type,
        source=AccountSource.CITIZEN_CHANNEL.value,
        actor=part.retry_asked_by or part.reviewed_by or "system",
    )
    await apply_change(session, vault, new)


async def _note_old_account(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, data: AccountChange
) -> None:
    """A failed 上卡 leaves the old account as the platform says: usable, or cleared with a notice (S2)."""
    part.old_account_usable = data.old_account_usable
    await session.flush()
    if data.old_account_usable is not False:
        return
    account = await account_for_update(session, part.county_code, locked.request.person_index)
    if account is None or account.account_index != part.old_account_index:
        return
    code = data.reason_code.value if data.reason_code else None
    words = f"上卡失败（{reason_words(code)}），原账号已不可用，账户信息已清空，请联系村社或镇街申报账号"
    finding = AccountFinding(
        reason=code,
        cause=f"{part.part_no}/a{part.attempt}/cleared",
        at=now(),
        source=BY_FAILED_CHANGE,
        clears=True,
        words=words,
    )
    await set_invalid(session, vault, account, finding)


async def _contradict(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, taken: TakenResult
) -> str:
    claim = Claim(
        county_code=part.county_code,
        number=locked.request.request_no,
        kind=CONTRADICTED,
        line_key=part.part_no,
        applied={"stage": part.stage.value, "attempt": part.attempt, "submission_id": part.submission_id},
        claimed=taken.data.model_dump(mode="json"),
        inbox_id=taken.inbox_id,
    )
    await keep_claim(session, vault, claim)
    return "contradiction"

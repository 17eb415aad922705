"""A claimed result of 上卡 that a reviewer took: the part and the register follow it."""

import json
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import card_type_of
from models.store.cards.parts import LockedRequest, add_step, close_request, end_part, lock_part, tell_end
from models.store.cards.results import put_new_account
from models.store.register.accounts import (
    BY_PLATFORM,
    AccountFinding,
    NewAccount,
    account_for_update,
    apply_change,
    set_invalid,
)
from models.store.register.entry_results import ACCOUNT_GONE_ON
from models.store.register.register import source_of
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import CardChangePart
from models.tables.flows import Contradiction
from models.wire.answers import AccountChange
from models.wire.words import AccountChangeStatus
from models.words.card_stages import PartStage

END_WORDS = {PartStage.APPLIED: "按平台来件改为上卡成功", PartStage.FAILED: "按平台来件改为上卡失败"}


async def take_change_claim(
    session: AsyncSession, vault: Vault, row: Contradiction, claimed: dict[str, Any]
) -> str | None:
    """A reviewer takes the platform's later word: the part and the register follow it, while nothing came after."""
    data = AccountChange.model_validate_json(json.dumps(claimed))
    locked, part = await lock_part(session, row.line_key)
    account = await account_for_update(session, part.county_code, locked.request.person_index)
    in_use = account.account_index if account is not None else None
    if data.status is AccountChangeStatus.APPLIED:
        if in_use not in (None, part.old_account_index, locked.request.account_index):
            return ACCOUNT_GONE_ON
        await put_new_account(session, vault, locked, part)
        part.error_code = part.old_account_usable = None
        await _end_anyway(session, vault, locked, part, PartStage.APPLIED, f"claim {row.id}")
        return None
    if account is None or in_use != locked.request.account_index or part.stage is not PartStage.APPLIED:
        return ACCOUNT_GONE_ON
    await _take_back(session, vault, locked, part, data)
    await _end_anyway(session, vault, locked, part, PartStage.FAILED, f"claim {row.id}")
    return None


async def _take_back(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, data: AccountChange
) -> None:
    """It never was applied: the old account is in use again when the platform says it may be, else none is."""
    person = locked.request.person_index
    number = locked.request.request_no
    part.old_account_usable = data.old_account_usable
    part.error_code = data.reason_code.value if data.reason_code else None
    if data.old_account_usable and part.old_account_sealed and part.old_bank_code:
        account_no = vault.open(Field.ACCOUNT, part.part_no, part.old_account_sealed)
        old = NewAccount(
            county_code=part.county_code,
            person_index=person,
            name=vault.open(Field.NAME, number, locked.request.name_sealed),
            id_number=vault.open(Field.ID_NUMBER, number, locked.request.id_number_sealed),
            bank_code=part.old_bank_code,
            account_no=account_no,
            card_type=card_type_of(account_no),
            source=await source_of(session, vault, part.county_code, person, account_no) or BY_PLATFORM,
            actor="system",
            told_by=BY_PLATFORM,
        )
        await apply_change(session, vault, old)
    else:
        account = await account_for_update(session, part.county_code, person)
        cause = f"{part.part_no}/a{part.attempt}/taken-back"
        finding = AccountFinding(reason=part.error_code, cause=cause, at=now(), source=BY_PLATFORM, clears=True)
        if account is not None:
            await set_invalid(session, vault, account, finding)


async def _end_anyway(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, stage: PartStage, cause: str
) -> None:
    """The part ends as the claim has it, now: what the register got by it is not later than its end."""
    words = END_WORDS[stage]
    if part.ended_at is None:
        await end_part(session, vault, locked, part, stage, part.error_code, words)
        return
    part.stage, part.ended_at = stage, now()
    part.error_sealed = (
        vault.seal(Field.REASON, locked.request.request_no, words) if stage is PartStage.FAILED else None
    )
    await session.flush()
    await add_step(session, locked, part.county_code, stage.value, words)
    await tell_end(session, vault, locked, part, cause)
    await close_request(session, locked)

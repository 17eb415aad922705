"""An account can no longer be used: applied at once, in the middle of a change too, which it ends."""

from typing import TypeAlias

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.cards.parts import LockedRequest, add_step, end_part, lock_part, tell_run
from models.store.register.accounts import AccountFinding, account_for_update, set_invalid
from models.store.sql import fetch_one
from models.store.vault import Vault
from models.tables.cards import CardChangePart
from models.words.card_stages import PartStage
from models.words.card_words import reason_words

# Bank and number, as index.
Which: TypeAlias = tuple[str, str]


async def invalidate(
    session: AsyncSession, vault: Vault, county_code: str, person_index: str, which: Which, finding: AccountFinding
) -> str:
    """What a check or the platform found about one account of a person in a county; gives the effect in a word.

    Bank and number together are one account: whoever corrects the bank alone keeps the number.
    The change under way is taken first and the register second, as everywhere: the caller holds no register row.
    """
    under_way = await _open_part(session, county_code, person_index)
    account = await account_for_update(session, county_code, person_index)
    current = account is not None and (account.bank_code, account.account_index) == which
    changed = account is not None and current and await set_invalid(session, vault, account, finding)
    if under_way is not None:
        locked, part = under_way
        new = locked.request.bank_code, locked.request.account_index
        if changed or (new == which and _is_news(part, finding)):
            await _end(session, vault, locked, part, finding, "原账号" if changed else "新账号")
            return "change ended"
    if changed:
        return "invalidated"
    return "again" if current else "not the account in use"


async def _open_part(
    session: AsyncSession, county_code: str, person_index: str
) -> tuple[LockedRequest, CardChangePart] | None:
    part_no = await fetch_one(
        session,
        str,
        "SELECT p.part_no FROM card_change_part p JOIN card_change c ON c.id = p.request_id"
        " WHERE c.person_index = :person AND p.county_code = :county AND p.ended_at IS NULL",
        person=person_index,
        county=county_code,
    )
    if part_no is None:
        return None
    locked, part = await lock_part(session, part_no)
    return (locked, part) if part.ended_at is None else None


def _is_news(part: CardChangePart, finding: AccountFinding) -> bool:
    """What was found before this attempt was asked for doesn't end it: lists are read more than once."""
    return finding.at >= (part.retry_asked_at or part.created_at)


async def _end(
    session: AsyncSession,
    vault: Vault,
    locked: LockedRequest,
    part: CardChangePart,
    finding: AccountFinding,
    whose: str,
) -> None:
    """Other counties may go on: why it failed is said of the whole request only when it has ended with this part."""
    words = f"办理期间{whose}失效：{reason_words(finding.reason)}"
    validating = part.stage is PartStage.VALIDATING
    if validating:
        await add_step(session, locked, part.county_code, PartStage.FAILED.value, f"{PartStage.FAILED.label}：{words}")
    await end_part(session, vault, locked, part, PartStage.FAILED, finding.reason, words)
    if validating and locked.request.ended_at is not None:
        locked.request.failure_code, locked.request.failure = finding.reason, words
    await tell_run(session, locked)

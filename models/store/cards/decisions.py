"""Review of a county's part: 通过, 不通过, and a failed 上卡 tried again (S2 1.3)."""

from typing import NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.cards.parts import (
    CardRefusal,
    LockedRequest,
    accounts_in_use,
    add_step,
    end_part,
    keep_old_account,
    lock_part,
    note_part_decided,
    tell_run,
)
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.people.persons import called_person
from models.store.register.account_locks import lock_accounts
from models.store.register.lock_rules import LockedAct, why_locked_now
from models.store.runs.runs import open_run
from models.store.sql import fetch_int, fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import CardChange, CardChangePart
from models.words.card_stages import PartStage, RequestStage
from models.words.faults import FaultCode
from models.words.refusals import Refusal


class _Person(NamedTuple):
    province_code: str
    person_index: str


async def decide_part(
    session: AsyncSession, vault: Vault, part_no: str, passed: bool, remark: str | None, reviewer: str
) -> CardChangePart:
    """A reviewer's one decision; raises CardRefusal when the part is not 待审核 any more."""
    locked, part = await lock_part(session, part_no)
    if part.stage is not PartStage.IN_REVIEW:
        raise await _not_in_review(session, vault, part)
    part.reviewed_by, part.reviewed_at = reviewer, now()
    part.remark_sealed = vault.seal(Field.REASON, locked.request.request_no, remark) if remark else None
    if passed:
        part.stage, part.attempt = PartStage.APPROVED, 1
        await session.flush()
        await add_step(session, locked, part.county_code, part.stage.value, "审核通过，等待上卡")
    else:
        await end_part(session, vault, locked, part, PartStage.REFUSED, None, "")
    await tell_run(session, locked)
    await note_part_decided(session, locked)
    return part


async def ask_retry(session: AsyncSession, vault: Vault, part_no: str, reviewer: str) -> CardChangePart:
    """Try a failed 上卡 again under a new attempt: part and request are open again, the account is locked anew."""
    await _take_person(session, part_no)
    locked, part = await lock_part(session, part_no)
    if part.stage is not PartStage.FAILED or part.attempt < 1:
        raise CardRefusal(Refusal.NOT_RETRYABLE, f"此件现为“{part.stage.label}”，只有上卡失败的才能再次上卡")
    await _refuse_overtaken(session, locked, part)
    person = locked.request.person_index
    if await lock_accounts(session, [part.county_code], person, locked.request.request_no):
        words = await why_locked_now(session, LockedAct.RETRY, [part.county_code], person)
        raise CardRefusal(FaultCode.ACCOUNT_LOCKED, words)
    await _open_again(session, locked, part, reviewer)
    await _take_old_account(session, vault, locked, part)
    await add_step(session, locked, part.county_code, part.stage.value, f"再次上卡（第 {part.attempt} 次）")
    province = locked.request.province_code
    subject = Subject(kind=RunKind.CARD_CHANGE, number=locked.request.request_no, county_code=province)
    await open_run(session, subject, RequestStage.IN_PROGRESS.value)
    await note_part_decided(session, locked)
    return part


async def _not_in_review(session: AsyncSession, vault: Vault, part: CardChangePart) -> CardRefusal:
    if part.reviewed_by:
        who = await called_person(session, vault, part.county_code, part.reviewed_by)
        return CardRefusal(Refusal.ALREADY_DECIDED, f"此件已由 {who} 审核，现为“{part.stage.label}”，不能再审")
    return CardRefusal(Refusal.NOT_IN_REVIEW, f"此件现为“{part.stage.label}”，不在待审核，不能审核")


async def _take_person(session: AsyncSession, part_no: str) -> None:
    """The person's name comes before the request's, as in open_request: one open request whoever opens it."""
    who = await fetch_one(
        session,
        _Person,
        "SELECT province_code, person_index FROM card_change WHERE request_no = :no",
        no=part_no.partition(".")[0],
    )
    if who is None:
        raise CardRefusal(Refusal.NOT_FOUND, "没有此申请")
    await hold(session, Rank.PERSON, f"{who.province_code}/{who.person_index}")


async def _refuse_overtaken(session: AsyncSession, locked: LockedRequest, part: CardChangePart) -> None:
    request = locked.request
    open_now = await fetch_int(
        session,
        "SELECT count(*) FROM card_change WHERE province_code = :province AND person_index = :person"
        " AND ended_at IS NULL AND id <> :id",
        province=request.province_code,
        person=request.person_index,
        id=request.id,
    )
    if open_now:
        raise CardRefusal(Refusal.CARD_CHANGE_OPEN, "此人已另有一笔账号变更在办，请办理那一笔")
    if await _changed_since(session, request, part):
        raise CardRefusal(Refusal.OVERTAKEN, "此人在本县后来已变更为另一个账号，此件不能再次上卡")


async def _changed_since(session: AsyncSession, request: CardChange, part: CardChangePart) -> bool:
    newer = await fetch_int(
        session,
        "SELECT count(*) FROM card_change_part p JOIN card_change c ON c.id = p.request_id"
        " WHERE c.person_index = :person AND c.id > :id AND p.county_code = :county AND p.stage = 'applied'",
        person=request.person_index,
        id=request.id,
        county=part.county_code,
    )
    since = await fetch_int(
        session,
        "SELECT count(*) FROM register_change h JOIN register_account r ON r.id = h.register_account_id"
        " WHERE r.county_code = :county AND r.person_index = :person AND h.new_status = 'valid'"
        " AND h.new_account_sealed IS DISTINCT FROM h.old_account_sealed AND h.at > :ended",
        county=part.county_code,
        person=request.person_index,
        ended=part.ended_at,
    )
    return bool(newer or since)


async def _open_again(session: AsyncSession, locked: LockedRequest, part: CardChangePart, reviewer: str) -> None:
    part.stage, part.attempt = PartStage.APPROVED, part.attempt + 1
    part.submission_id = part.error_code = part.error_sealed = part.old_account_usable = part.ended_at = None
    part.retry_asked_by, part.retry_asked_at = reviewer, now()
    request = locked.request
    request.stage, request.result, request.ended_at = RequestStage.IN_PROGRESS, None, None
    request.failure_code = request.failure = None
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        raise CardRefusal(Refusal.CARD_CHANGE_OPEN, "此人已另有一笔账号变更在办，请办理那一笔") from error


async def _take_old_account(session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart) -> None:
    """What the new attempt replaces is what the register holds now."""
    accounts = await accounts_in_use(session, locked.request.person_index, part.county_code)
    keep_old_account(vault, locked.request, part, accounts.get(part.county_code))
    await session.flush()

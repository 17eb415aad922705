"""A request's parts, one per county: how one ends, what the citizen sees of it, and how the request ends with the last.

Everybody who changes a request holds its name first (`lock_request`): a decision, a withdrawal, a result and an
invalidation at one moment take turns, and whoever comes second finds the part as the first one left it.
"""

from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import CardStep, RunKind, Signal, workflow_id
from models.store.cards.next_step import next_card_step
from models.store.locking import lock_card_change
from models.store.register.account_locks import unlock_accounts
from models.store.register.notices import News, notify
from models.store.register.register import register_row
from models.store.runs.look import note_decided
from models.store.runs.runs import wake
from models.store.sql import execute, fetch, fetch_int
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import CardChange, CardChangePart
from models.words.card_stages import NoticeKind, PartStage, RequestResult, RequestStage
from models.words.card_words import reason_words, refused_words
from models.words.refusals import Refusal, RefusalCode

# Without an applied part: what weighs most for the citizen names the result.
RESULTS = (
    (PartStage.FAILED, RequestResult.FAILED),
    (PartStage.REFUSED, RequestResult.REFUSED),
    (PartStage.WITHDRAWN, RequestResult.WITHDRAWN),
)
NOTICES = {
    PartStage.APPLIED: NoticeKind.APPLIED,
    PartStage.REFUSED: NoticeKind.REFUSED,
    PartStage.FAILED: NoticeKind.APPLY_FAILED,
}


# A 上卡 of which the platform hasn't said what came of it, also where the part ended meanwhile: in SQL, `p` the part.
AT_PLATFORM = (
    "p.submission_id IS NOT NULL AND (p.stage = 'applying' OR p.stage = 'failed' AND NOT EXISTS (SELECT FROM inbox n"
    " JOIN instruction i ON i.key = p.part_no || '/a' || p.attempt WHERE n.number = split_part(p.part_no, '.', 1)"
    " AND n.county_code = p.county_code AND n.applied_at >= i.intended_at"
    " AND n.effect NOT IN ('pending', 'earlier attempt', 'other county', 'unknown part')))"
)


class CardRefusal(Exception):
    """An act that doesn't fit any more: a stable code, and words that say what is so."""

    def __init__(self, code: RefusalCode, words: str) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


@dataclass(frozen=True)
class LockedRequest:
    """A request with all its parts, locked until the transaction ends."""

    request: CardChange
    parts: list[CardChangePart]

    def part(self, part_no: str) -> CardChangePart | None:
        return next((part for part in self.parts if part.part_no == part_no), None)


class AccountInUse(NamedTuple):
    """A person's account in a county's register, of whatever status but cleared."""

    county_code: str
    bank_code: str
    account_sealed: str
    account_index: str


async def accounts_in_use(session: AsyncSession, person_index: str, counties: str) -> dict[str, AccountInUse]:
    """By county, in those whose code is LIKE `counties`; a cleared account is nothing."""
    rows = await fetch(
        session,
        AccountInUse,
        "SELECT county_code, bank_code, account_sealed, account_index FROM register_account"
        " WHERE person_index = :person AND county_code LIKE :counties AND status <> 'cleared'"
        " AND account_sealed IS NOT NULL",
        person=person_index,
        counties=counties,
    )
    return {row.county_code: row for row in rows}


def keep_old_account(vault: Vault, request: CardChange, part: CardChangePart, account: AccountInUse | None) -> None:
    """What the part replaces, sealed to it."""
    if account is None:
        part.old_bank_code = part.old_account_sealed = part.old_account_index = None
        return
    place = register_row(account.county_code, request.person_index)
    part.old_bank_code, part.old_account_index = account.bank_code, account.account_index
    old = vault.open(Field.ACCOUNT, place, account.account_sealed)
    part.old_account_sealed = vault.seal(Field.ACCOUNT, part.part_no, old)


async def lock_request(session: AsyncSession, request_no: str) -> LockedRequest:
    """Take a request's name and its rows; raises CardRefusal for an unknown one."""
    rows = await lock_card_change(session, request_no)
    if not rows:
        raise CardRefusal(Refusal.NOT_FOUND, "没有此申请")
    return LockedRequest(rows[0][0], [part for _, part in rows])


async def lock_part(session: AsyncSession, part_no: str) -> tuple[LockedRequest, CardChangePart]:
    locked = await lock_request(session, part_no.partition(".")[0])
    part = locked.part(part_no)
    if part is None:
        raise CardRefusal(Refusal.NOT_FOUND, "没有此申请")
    return locked, part


def remark_of(vault: Vault, part: CardChangePart) -> str | None:
    """审核意见: a reviewer's free words, that may name the person."""
    number = part.part_no.partition(".")[0]
    return vault.open(Field.REASON, number, part.remark_sealed) if part.remark_sealed else None


async def add_step(
    session: AsyncSession, locked: LockedRequest, county_code: str | None, step: str, words: str
) -> None:
    """A line of 事项办理; `county_code` is empty for what concerns the whole request."""
    await session.flush()
    await execute(
        session,
        "INSERT INTO matter_step (request_id, county_code, step, words, at)"
        " VALUES (:request, :county, :step, :words, :at)",
        request=locked.request.id,
        county=county_code,
        step=step,
        words=words,
        at=now(),
    )


async def end_part(
    session: AsyncSession,
    vault: Vault,
    locked: LockedRequest,
    part: CardChangePart,
    stage: PartStage,
    code: str | None,
    words: str,
) -> None:
    """The county's part ends: lock released, held lines told, step and notice kept, the request closed with the last.

    `words` may be the platform's own: the citizen's and the county's, sealed.
    """
    validated = part.stage is not PartStage.VALIDATING
    part.stage, part.ended_at, part.error_code = stage, now(), code
    failed = stage is PartStage.FAILED
    part.error_sealed = vault.seal(Field.REASON, locked.request.request_no, words) if failed else None
    await session.flush()
    await unlock_accounts(session, [part.county_code], locked.request.person_index, locked.request.request_no)
    if validated or stage is PartStage.WITHDRAWN:
        shown = f"{stage.label}：{reason_words(code)}" if failed else words or stage.label
        await add_step(session, locked, part.county_code, stage.value, shown)
        await tell_end(session, vault, locked, part)
    await close_request(session, locked)


async def close_request(session: AsyncSession, locked: LockedRequest) -> None:
    """办理完结 when no part is open; looked at again after a late result."""
    if any(part.ended_at is None for part in locked.parts):
        return
    request = locked.request
    request.stage, request.result = RequestStage.ENDED, result_of(locked.parts)
    request.ended_at = request.ended_at or now()
    await session.flush()


def result_of(parts: list[CardChangePart]) -> RequestResult:
    stages = {part.stage for part in parts}
    if PartStage.APPLIED in stages:
        return RequestResult.APPLIED if len(stages) == 1 else RequestResult.PARTLY_APPLIED
    return next(result for stage, result in RESULTS if stage in stages)


async def tell_run(session: AsyncSession, locked: LockedRequest) -> None:
    """Something was decided: the request's run looks at its rows."""
    number = locked.request.request_no
    await wake(session, workflow_id(RunKind.CARD_CHANGE, number), Signal.PART_DECIDED, [number])


async def note_part_decided(session: AsyncSession, locked: LockedRequest) -> None:
    """The last that a decision changes: the run's row comes after all that ending a part takes."""
    request = locked.request
    found = next_card_step(request, locked.parts, await unanswered(session, locked))
    words = "" if found.step is CardStep.END else found.waiting_for
    await note_decided(session, workflow_id(RunKind.CARD_CHANGE, request.request_no), request.stage.value, words)


async def unanswered(session: AsyncSession, locked: LockedRequest) -> bool:
    """An account that became invalid ended its part while the platform was still at it: its answer is wanted too."""
    if not any(part.stage is PartStage.FAILED and part.submission_id for part in locked.parts):
        return False
    count = await fetch_int(
        session,
        f"SELECT count(*) FROM card_change_part p WHERE p.request_id = :id AND {AT_PLATFORM}",
        id=locked.request.id,
    )
    return count > 0


async def tell_end(
    session: AsyncSession, vault: Vault, locked: LockedRequest, part: CardChangePart, cause: str | None = None
) -> None:
    """The person's notice of how a part ended; `cause` when it ended once more, and not by another attempt."""
    kind = NOTICES.get(part.stage)
    if kind is None:
        return
    request = locked.request
    await notify(
        session,
        vault,
        News(
            county_code=part.county_code,
            person_index=request.person_index,
            kind=kind,
            cause="/".join([part.part_no, f"a{part.attempt}", part.stage.value, *([cause] if cause else [])]),
            bank_code=request.bank_code,
            account_no=vault.open(Field.ACCOUNT, request.request_no, request.account_sealed),
            explanation=_explanation(vault, part),
            error_code=part.error_code,
            request_no=request.request_no,
            applied_at=request.created_at,
            finished_at=part.ended_at,
            result=part.stage.label,
        ),
    )


def _explanation(vault: Vault, part: CardChangePart) -> str:
    if part.stage is PartStage.FAILED:
        what = "上卡未成功" if part.attempt else "申请未能办理"
        return f"{reason_words(part.error_code)}，{what}，请核对后重新申请变更"
    if part.stage is PartStage.REFUSED:
        return refused_words(remark_of(vault, part))
    return "新账号已启用，今后补贴发放到新账号"

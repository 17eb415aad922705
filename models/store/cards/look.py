"""Where a card change stands, told by its rows: what waits for whom, what has to be handed over (DOMAIN 4)."""

from collections import Counter

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import CardLook, PartRef, Subject
from models.settings import Settings
from models.store.cards.parts import AT_PLATFORM, LockedRequest
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run
from models.store.sql import fetch_int
from models.tables.base import now
from models.tables.cards import CardChangePart
from models.words.card_stages import PartStage, RequestStage
from models.words.waiting import CARD_PARTS, CARD_UNANSWERED, CARD_VALIDATING


async def look_at_request(session: AsyncSession, subject: Subject, settings: Settings, held: LockedRequest) -> CardLook:
    """The run is closed in the transaction that sees its last part ended, and nothing of it open at the platform."""
    stage, sentence = held.request.stage, waiting_for(held)
    over = stage is RequestStage.ENDED
    unanswered = await _unanswered(session, held)
    if over and unanswered:
        sentence = CARD_UNANSWERED
    since, ask_now = await note_stage(session, subject.workflow_id, stage.value, sentence)
    done = over and not unanswered
    if done:
        await close_run(session, subject.workflow_id, stage.value)
    return CardLook(
        stage=stage.value,
        waiting_for=sentence,
        since=since,
        ask_after_seconds=ask_after(settings, since, now()),
        asks=unanswered or any(part.stage is PartStage.APPLYING for part in held.parts),
        ask_now=ask_now,
        done=done,
        to_apply=tuple(_ref(part) for part in held.parts if _to_hand_over(part)),
    )


async def _unanswered(session: AsyncSession, held: LockedRequest) -> bool:
    """An account that became invalid ended its part while the platform was still at it: its answer is wanted too."""
    if not any(part.stage is PartStage.FAILED and part.submission_id for part in held.parts):
        return False
    count = await fetch_int(
        session,
        f"SELECT count(*) FROM card_change_part p WHERE p.request_id = :id AND {AT_PLATFORM}",
        id=held.request.id,
    )
    return count > 0


def waiting_for(held: LockedRequest) -> str:
    request = held.request
    if request.stage is RequestStage.VALIDATING:
        return CARD_VALIDATING
    if request.result is not None:
        return f"已办结：{request.result.label}"
    counted = Counter(part.stage for part in held.parts if part.ended_at is None)
    return "；".join(f"{count} 个区县{CARD_PARTS[stage]}" for stage, count in sorted(counted.items()))


def _to_hand_over(part: CardChangePart) -> bool:
    return part.stage is PartStage.APPROVED or (part.stage is PartStage.APPLYING and part.submission_id is None)


def _ref(part: CardChangePart) -> PartRef:
    return PartRef(part_no=part.part_no, county_code=part.county_code, attempt=part.attempt)

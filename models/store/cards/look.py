"""A look at a card change: what came of it is noted in its run's row, and what comes next is told."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import CardLook, CardStep, Subject
from models.settings import Settings
from models.store.cards.next_step import next_card_step
from models.store.cards.parts import LockedRequest, unanswered
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run
from models.tables.base import now


async def look_at_request(
    session: AsyncSession, subject: Subject, settings: Settings, locked: LockedRequest
) -> CardLook:
    """The run is closed in the transaction that sees its last part ended, and nothing of it open at the platform."""
    stage = locked.request.stage
    found = next_card_step(locked.request, locked.parts, await unanswered(session, locked))
    words = found.waiting_for
    since, ask_now = await note_stage(session, subject.workflow_id, stage.value, words, asks=found.asks)
    done = found.step is CardStep.END
    if done:
        await close_run(session, subject.workflow_id, stage.value)
    return CardLook(
        stage=stage.value,
        waiting_for=words,
        since=since,
        ask_after_seconds=ask_after(settings, since, now()),
        asks=found.asks,
        ask_now=ask_now,
        done=done,
        step=found.step,
        to_apply=found.to_apply,
    )

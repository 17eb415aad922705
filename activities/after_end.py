"""What comes for a run that has ended: applied, kept beside the end figures, never mixed into them."""

from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from models.contracts import Look, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.database import Database
from models.store.flows.difference import keep_difference
from models.store.flows.payments import lock_flow_and_indicators
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run, times_asked
from models.store.sql import fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.base import now

WATCHING = "流程已结束，继续核对退票和迟到的发放结果"
SETTLING = "已办结后收到平台来件，正在核对入账"


class AfterEndActivities:
    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings

    @activity.defn
    async def apply_after_end(self, subject: Subject) -> Look:
        """Apply late events and decided contradictions of an ended run; a paid flow is watched for its returns."""
        at = now()
        async with self._database.transaction() as session:
            asked = await times_asked(session, subject.workflow_id)
            taken = await apply_pending_events(session, self._vault, subject)
            if taken:
                act = by_system(subject.county_code, "late_events_applied", subject.number, {"events": taken})
                await record(session, self._vault, act)
            await self._keep_difference(session, subject)
            watching = await self._watching(session, subject, at)
            sentence = WATCHING if watching else SETTLING
            since, ask = await note_stage(session, subject.workflow_id, "late", sentence)
            over = not ask and not watching
            done = over and await close_run(session, subject.workflow_id, "done", asked)
            return Look(
                stage="late",
                waiting_for=sentence,
                since=since,
                ask_after_seconds=ask_after(self._settings, since, at),
                ask_now=ask,
                done=done,
            )

    async def _keep_difference(self, session: AsyncSession, subject: Subject) -> None:
        """A late page or a decision may have resolved the last line."""
        flow = await lock_flow_and_indicators(session, subject.number)
        if flow is not None:
            await keep_difference(session, self._vault, flow)

    async def _watching(self, session: AsyncSession, subject: Subject, at: datetime) -> bool:
        ended_at = await fetch_one(
            session,
            datetime,
            "SELECT ended_at FROM flow WHERE flow_no = :no AND outcome = 'disbursed'",
            no=subject.number,
        )
        return ended_at is not None and at < ended_at + timedelta(days=self._settings.returns_days)

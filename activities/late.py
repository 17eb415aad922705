"""What comes for a run that has ended: applied, kept beside the end figures, never mixed into them."""

from datetime import UTC, datetime

from temporalio import activity

from activities.looking import ask_after, note_stage, unasked
from activities.taking import take_in
from models.settings import Settings
from models.store.database import Database
from models.store.runs import close_run
from models.store.trail import by_system, record
from models.store.vault import Vault
from models.subsidy import Look, Subject

SENTENCE = "流程结束后收到平台来件，正在核对入账"


class LateActivities:
    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings

    @activity.defn
    async def take_in_late(self, subject: Subject) -> Look:
        """Apply late events and decided contradictions of an ended run; done when none is left."""
        async with self._database.transaction() as session:
            taken = await take_in(session, self._vault, subject.number)
            if taken:
                act = by_system(subject.county_code, "late_events_applied", subject.number, {"events": taken})
                await record(session, self._vault, act)
            ask = await unasked(session, subject.number)
            since = await note_stage(session, subject.workflow_id, "late", SENTENCE)
            if not ask:
                await close_run(session, subject.workflow_id, "done")
            return Look(
                stage="late",
                waiting_for=SENTENCE,
                since=since,
                ask_after_seconds=ask_after(self._settings, since, datetime.now(UTC)),
                ask_now=ask,
                done=not ask,
            )

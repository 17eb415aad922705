"""村社申报: an operator's entry of an account, from the bank's word to the platform's (S2 1.1; DOMAIN 4)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.entries import VillageEntryActivities
    from models.contracts import Look, Subject
    from models.words.card_stages import EntryStage
    from workflows.options import CALL
    from workflows.run import RowDriven

HAND_OVER = "hand over"


@workflow.defn
class VillageEntryWorkflow(RowDriven):
    """validating → entered (a reviewer's word) → applying → applied | failed, or refused."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look(subject)
        while not look.done or self._news:
            if look.stage == EntryStage.VALIDATING:
                await workflow.execute_activity_method(VillageEntryActivities.validate_entry, subject, **CALL)
            elif look.stage == EntryStage.APPLYING:
                await self._apply(subject, look)
            else:
                await self._pause(subject, look.ask_after_seconds)
            look = await self._look(subject)
        return look.stage

    async def _apply(self, subject: Subject, look: Look) -> None:
        """Hand over, then wait for the result; after a long silence the platform is asked."""
        if left := self._left(HAND_OVER):
            await self._pause(subject, left)
            return
        result = await workflow.execute_activity_method(VillageEntryActivities.apply_entry, subject, **CALL)
        if not result.started:
            await self._pause(subject, self._leave(HAND_OVER, result.try_again_seconds))
            return
        await self._pause(subject, look.ask_after_seconds)
        if not self._news:
            await self._ask(subject)

    async def _ask(self, subject: Subject) -> None:
        await self._pause(subject, await self._question(VillageEntryActivities.ask_about_entry, subject))

    async def _look(self, subject: Subject) -> Look:
        self._news.clear()
        look = await self._locally_first(VillageEntryActivities.look_at_entry, subject)
        self._enter(subject, look)
        return look

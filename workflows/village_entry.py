"""村社申报: an operator's entry of an account, from the bank's word to the platform's (S2 1.1)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.entries import VillageEntryActivities
    from models.contracts import Look, Subject
    from models.words.card_stages import EntryStage
    from workflows.options import BANK
    from workflows.run import RowDriven

HAND_OVER = "hand over"


@workflow.defn
class VillageEntryWorkflow(RowDriven):
    """validating → entered (a reviewer's word) → applying → applied | failed, or refused."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(VillageEntryActivities.look_at_entry, subject)
        while not look.done or self._woken:
            await self._take_step(subject, look)
            look = await self._look_by(VillageEntryActivities.look_at_entry, subject)
        return look.stage

    async def _take_step(self, subject: Subject, look: Look) -> None:
        match look.stage:
            case EntryStage.VALIDATING:
                await self._call(VillageEntryActivities.validate_entry, subject, options=BANK)
            case EntryStage.APPLYING:
                await self._apply(subject, look)
            case _:
                await self._pause(subject, look.ask_after_seconds)

    async def _apply(self, subject: Subject, look: Look) -> None:
        """Hand over, then wait for the result; after a long silence the platform is asked."""
        if left := self._seconds_left(HAND_OVER):
            await self._pause(subject, left)
            return
        handed = await self._call(VillageEntryActivities.apply_entry, subject)
        if not handed.taken:
            await self._pause(subject, self._leave_alone(HAND_OVER, handed.try_again_seconds))
            return
        if not look.ask_now:
            await self._pause(subject, look.ask_after_seconds)
        if not self._woken:
            await self._ask(subject)

    async def _ask(self, subject: Subject) -> None:
        await self._pause(subject, await self._question(VillageEntryActivities.ask_about_entry, subject))

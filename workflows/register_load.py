"""初始导入: accounts that exist already, from a county's file over the bank and a reviewer to the register."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.intake.loads import LoadActivities
    from models.contracts import Look, Subject
    from models.words.card_stages import LoadStage
    from workflows.options import IMPORT, PUSH
    from workflows.run import RowDriven


@workflow.defn
class RegisterLoadWorkflow(RowDriven):
    """checking → to_confirm (an operator's word) → asking → entered (a reviewer's word) → taking → loaded, or not."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(LoadActivities.look_at_load, subject)
        while not look.done or self._woken:
            await self._take_step(subject, look)
            look = await self._look_by(LoadActivities.look_at_load, subject)
        return look.stage

    async def _take_step(self, subject: Subject, look: Look) -> None:
        match look.stage:
            case LoadStage.CHECKING:
                await self._call(LoadActivities.check_load, subject, options=IMPORT)
            case LoadStage.ASKING:
                await self._call(LoadActivities.ask_bank_of_load, subject, options=PUSH)
            case LoadStage.TAKING:
                await self._call(LoadActivities.take_load, subject, options=IMPORT)
            case _:
                await self._pause(subject, look.ask_after_seconds)

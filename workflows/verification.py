"""大数据校验: the personal applications of a settlement batch, whole, are checked by the platform (S1 2.5)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lists import ListActivities
    from models.contracts import Subject
    from workflows.run import RowDriven


@workflow.defn
class VerificationWorkflow(RowDriven):
    """push pages → hand over → wait days for all result pages → each line 校验通过 or 校验不通过."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(ListActivities.prepare_list, subject)
        while not look.done or self._woken:
            if not look.committed:
                await self._hand_over(subject, look.dataset)
            else:
                await self._wait(subject, look)
            look = await self._look_by(ListActivities.look_at_list, subject)
        return look.stage

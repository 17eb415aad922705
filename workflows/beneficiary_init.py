"""数据初始化: applications are matched with the platform's beneficiaries, one county of a province at a time."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.datasets import DatasetActivities
    from activities.lists import ListActivities
    from models.contracts import ListLook, Subject
    from workflows.options import PUSH
    from workflows.run import RowDriven


@workflow.defn
class BeneficiaryInitWorkflow(RowDriven):
    """push pages → queue for the province's slot → hand over → wait for all result pages → slot given back."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(ListActivities.prepare_list, subject)
        while not look.done or self._woken:
            if not look.committed:
                await self._send(subject, look)
            else:
                await self._wait(subject, look)
            look = await self._look_by(ListActivities.look_at_list, subject)
        return look.stage

    async def _send(self, subject: Subject, look: ListLook) -> None:
        """Pages first, then the slot, then the commit; a county outside may hold the province all the same."""
        if left := self._seconds_left(look.dataset.reference):
            await self._pause(subject, left)
            return
        pushed = await self._call(DatasetActivities.push_dataset, look.dataset, options=PUSH)
        if not pushed.stored:
            await self._pause(subject, self._leave_alone(look.dataset.reference, pushed.try_again_seconds))
            return
        look = await self._look_by(ListActivities.ask_for_slot, subject)
        if look.done or look.committed:
            return
        if not look.slot_granted:
            await self._wait(subject, look)
            return
        result = await self._call(DatasetActivities.commit_dataset, look.dataset)
        await self._pause(subject, self._leave_alone(look.dataset.reference, result.try_again_seconds))

"""数据初始化: applications are matched with the platform's beneficiaries, one county of a province at a time."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.datasets import DatasetActivities
    from activities.lists import ListActivities
    from models.contracts import ListLook, Subject
    from workflows.options import CALL, PUSH
    from workflows.run import RowDriven

Looking = Callable[[ListActivities, Subject], Awaitable[ListLook]]


@workflow.defn
class BeneficiaryInitWorkflow(RowDriven):
    """push pages → queue for the province's slot → hand over → wait for all result pages → slot given back."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look(subject, ListActivities.prepare_list)
        while not look.done or self._news:
            if not look.committed:
                await self._send(subject, look)
            else:
                await self._wait(subject, look)
            look = await self._look(subject)
        return look.stage

    async def _send(self, subject: Subject, look: ListLook) -> None:
        """Pages first, then the slot, then the commit; a county outside may hold the province all the same."""
        if left := self._left(look.dataset.reference):
            await self._pause(subject, left)
            return
        pushed = await workflow.execute_activity_method(DatasetActivities.push_dataset, look.dataset, **PUSH)
        if not pushed.stored:
            await self._pause(subject, self._leave(look.dataset.reference, pushed.try_again_seconds))
            return
        look = await self._look(subject, ListActivities.ask_for_slot)
        if look.done or look.committed:
            return
        if not look.slot_granted:
            await self._wait(subject, look)
            return
        result = await workflow.execute_activity_method(DatasetActivities.commit_dataset, look.dataset, **CALL)
        await self._pause(subject, self._leave(look.dataset.reference, result.try_again_seconds))

    async def _look(self, subject: Subject, looking: Looking = ListActivities.look_at_list) -> ListLook:
        self._news.clear()
        look = await self._locally_first(looking, subject)
        self._enter(subject, look)
        return look

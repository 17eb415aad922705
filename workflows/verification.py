"""大数据校验: the personal applications of a settlement batch, whole, are checked by the platform (S1 2.5)."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lists import ListActivities
    from models.contracts import ListLook, Subject
    from workflows.run import RowDriven

Looking = Callable[[ListActivities, Subject], Awaitable[ListLook]]


@workflow.defn
class VerificationWorkflow(RowDriven):
    """push pages → hand over → wait days for all result pages → each line 校验通过 or 校验不通过."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look(subject, ListActivities.prepare_list)
        while not look.done or self._news:
            if not look.committed:
                await self._hand_over(subject, look.dataset)
            else:
                await self._wait(subject, look)
            look = await self._look(subject)
        return look.stage

    async def _look(self, subject: Subject, looking: Looking = ListActivities.look_at_list) -> ListLook:
        self._news.clear()
        look = await self._locally_first(looking, subject)
        self._enter(subject, look)
        return look

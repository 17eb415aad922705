"""账号失效来件: what the platform found about an account by itself takes effect."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.cards import CardActivities
    from models.contracts import Subject
    from workflows.run import RowDriven


@workflow.defn
class AccountEventWorkflow(RowDriven):
    """apply → done; opened once for each invalidation."""

    @workflow.run
    async def run(self, subject: Subject) -> None:
        await self._until_quiet(partial(self._locally_first, CardActivities.apply_invalidation, subject))

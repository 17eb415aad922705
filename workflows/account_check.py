"""账号核验: a round over the accounts of a province, a county, or one account, asked of the banks (DOMAIN 4)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.checks import CheckActivities
    from models.contracts import Look, RunKind, Subject
    from workflows.options import CALL, PUSH
    from workflows.run import RowDriven


@workflow.defn
class AccountCheckWorkflow(RowDriven):
    """what the platform invalidated → page after page of 500 → done; the rows know which account has its verdict."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        subject = _own_round(subject)
        self._news.clear()
        look = await self._locally_first(CheckActivities.begin_round, subject)
        if not look.done:
            self._enter(subject, look)
            await workflow.execute_activity_method(CheckActivities.fetch_invalidations, subject, **PUSH)
        while not look.done or self._news:
            look = await self._check(subject)
        return look.stage

    async def _check(self, subject: Subject) -> Look:
        self._news.clear()
        look = await workflow.execute_activity_method(CheckActivities.check_page, subject, **CALL)
        self._enter(subject, look)
        if not look.done:
            self._continue_as_new_if_suggested(subject)
        return look


def _own_round(subject: Subject) -> Subject:
    """A tick of the schedule knows its province only: the round is named by the tick, as Temporal names the run."""
    if subject.number != subject.county_code:
        return subject
    number = workflow.info().workflow_id.removeprefix(f"{RunKind.ACCOUNT_CHECK.value}/")
    return subject.model_copy(update={"number": number})

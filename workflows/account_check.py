"""账号核验: a round over the accounts of a province, a county, or one account, asked of the banks."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.checks import CheckActivities
    from models.contracts import Look, RunKind, Subject
    from workflows.options import PAGE, PUSH
    from workflows.run import RowDriven


@workflow.defn
class AccountCheckWorkflow(RowDriven):
    """what the platform invalidated → page after page of 500 → done; the rows know which account has its verdict."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        subject = _own_round(subject)
        look = await self._look_by(CheckActivities.begin_round, subject)
        if not look.done:
            await self._call(CheckActivities.fetch_invalidations, subject, options=PUSH)
        while not look.done or self._woken:
            look = await self._check_page(subject)
        return look.stage

    async def _check_page(self, subject: Subject) -> Look:
        look = await self._look_by(CheckActivities.check_page, subject, first=None, otherwise=PAGE)
        if not look.done:
            self._continue_as_new_if_suggested(subject)
        return look


def _own_round(subject: Subject) -> Subject:
    """A tick of the schedule knows its province only: the round is named by the tick, as Temporal names the run."""
    if subject.number != subject.county_code:
        return subject
    number = workflow.info().workflow_id.removeprefix(f"{RunKind.ACCOUNT_CHECK.value}/")
    return subject.model_copy(update={"number": number})

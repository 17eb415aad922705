"""A policy goes to the platform and waits for its review (S1 1.1.2)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.policies import ReviewActivities
    from models.contracts import Look, Subject
    from workflows.options import CALL
    from workflows.run import RowDriven


@workflow.defn
class PolicyReviewWorkflow(RowDriven):
    """submit → wait for policy.reviewed → approved | rejected; uploaded again after a refusal, the run opens again."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        await workflow.execute_activity_method(ReviewActivities.submit_policy, subject, **CALL)
        look = await self._look(subject)
        while not look.done or self._news:
            await self._wait(subject, look)
            await workflow.execute_activity_method(ReviewActivities.submit_policy, subject, **CALL)
            look = await self._look(subject)
        return look.stage

    async def _look(self, subject: Subject) -> Look:
        self._news.clear()
        look = await self._locally_first(ReviewActivities.look_at_review, subject)
        self._enter(subject, look)
        return look

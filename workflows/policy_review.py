"""A policy goes to the platform and waits for its review (S1 1.1.2)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.policies import ReviewActivities
    from models.contracts import Subject
    from workflows.review import ReviewDriven


@workflow.defn
class PolicyReviewWorkflow(ReviewDriven):
    """submit → wait for policy.reviewed → approved | rejected; uploaded again after a refusal, the run opens again."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        return await self._review(subject, ReviewActivities.submit_policy)

"""What a newer build has changed in a run of weeks, as the README says how: behind a patch."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.contracts import Look, Subject
    from workflows.policy_review import PolicyReviewWorkflow


@workflow.defn(name="PolicyReviewWorkflow")
class NewerPolicyReview(PolicyReviewWorkflow):
    """The same, with a rest before each wait in runs that it has begun."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        return await super().run(subject)

    async def _wait(self, subject: Subject, look: Look) -> None:
        if workflow.patched("rests-first"):
            await workflow.sleep(0.01)
        await super()._wait(subject, look)

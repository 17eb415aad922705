"""What policy and indicator review share: both are handed over, and wait weeks for the platform's word."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.policies import ReviewActivities
    from models.contracts import Subject
    from workflows.run import RowDriven


class ReviewDriven(RowDriven):
    """submit → wait for the review → approved | rejected; handed in again after a refusal, the run opens again."""

    async def _review(self, subject: Subject, submit: Callable[[ReviewActivities, Subject], Awaitable[None]]) -> str:
        look = await self._look_by(ReviewActivities.look_at_review, subject)
        while not look.done or self._woken:
            if look.to_submit:
                await self._call(submit, subject)
            else:
                await self._wait(subject, look)
            look = await self._look_by(ReviewActivities.look_at_review, subject)
        return look.stage

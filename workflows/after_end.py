"""结束后来件: returns, late payments and decisions for a run that has ended (S1 2.8)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.after_end import AfterEndActivities
    from models.contracts import Subject
    from workflows.run import RowDriven


@workflow.defn
class PaymentCorrectionWorkflow(RowDriven):
    """apply late events → watch a paid flow for RETURNS_DAYS, asking for lost pages → done until the next one comes."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(AfterEndActivities.apply_after_end, subject)
        while not look.done or self._woken:
            await self._wait(subject, look)
            look = await self._look_by(AfterEndActivities.apply_after_end, subject)
        return look.stage

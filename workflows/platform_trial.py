"""试连平台: before a county's first season somebody tries whether the platform answers, and by which clock."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.platform.trial import TrialActivities
    from models.contracts import Subject
    from workflows.options import CALL
    from workflows.run import RowDriven


@workflow.defn
class PlatformTrialWorkflow(RowDriven):
    """one question that changes nothing → what came of it; once more when that is asked for meanwhile."""

    @workflow.run
    async def run(self, subject: Subject) -> None:
        await self._until_quiet(partial(self._call, TrialActivities.try_platform, subject, options=CALL))

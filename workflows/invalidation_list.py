"""账号失效核对: the platform's list of invalid accounts, read on from where it was read before."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.checks import CheckActivities
    from models.contracts import ProvinceRef
    from workflows.options import PUSH
    from workflows.run import call


@workflow.defn
class InvalidationsWorkflow:
    """Hourly: reads the platform's list of invalid accounts, so that a lost account.invalidated takes effect."""

    @workflow.run
    async def run(self, province: ProvinceRef) -> None:
        await call(CheckActivities.read_invalidations, province, options=PUSH)

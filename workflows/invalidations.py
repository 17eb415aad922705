"""账号失效核对: the platform's own list of invalid accounts, read on from where it was read before (DOMAIN 4)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.checks import CheckActivities
    from models.contracts import ProvinceRef
    from workflows.options import PUSH


@workflow.defn
class InvalidationsWorkflow:
    """One tick of the Schedule: what no account.invalidated told takes effect within the hour, not at night."""

    @workflow.run
    async def run(self, province: ProvinceRef) -> None:
        await workflow.execute_activity_method(CheckActivities.read_invalidations, province, **PUSH)

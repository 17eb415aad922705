"""留痕签存: each hour the end of every county's trail is signed and kept outside the database."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.trail_heads import TrailActivities
    from models.contracts import HeadsSigned
    from workflows.options import SIGN
    from workflows.run import call


@workflow.defn
class TrailHeadsWorkflow:
    """One tick of the Schedule: signed, or failed for all to see where a trail doesn't go on from what was signed."""

    @workflow.run
    async def run(self) -> HeadsSigned:
        done = await call(TrailActivities.sign_heads, options=SIGN)
        if done.broken:
            raise ApplicationError("留痕校验不通过：" + "；".join(done.broken), type="TRAIL_BROKEN", non_retryable=True)
        return done

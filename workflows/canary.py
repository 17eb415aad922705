"""试运行: a run that does nothing but end, each minute: whoever counts on Temporal learns that runs still do."""

from datetime import timedelta

from temporalio import workflow

# Long enough to be a timer of its own, so that every part of Temporal has had the run in its hands.
_REST = timedelta(milliseconds=100)


def canary_queue(task_queue: str) -> str:
    return f"{task_queue}-canary"


@workflow.defn
class CanaryWorkflow:
    """begun → rested → ended"""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(_REST)

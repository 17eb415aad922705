"""The bare workflow beside a card change: as many activities and messages, no more."""

from datetime import timedelta

from temporalio import workflow

# Passed through as the product's are: whatever isn't is imported anew for every single workflow.
with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel, ConfigDict

NOTE = "bare_note"


class BareCard(BaseModel):
    """What goes into the workflow: ids and how often."""

    model_config = ConfigDict(frozen=True)

    number: str
    activities: int
    messages: int


@workflow.defn
class BareCardWorkflow:
    """Does its activities, then stays open as a request that waits for its reviewer does."""

    def __init__(self) -> None:
        self._messages: list[str] = []

    @workflow.signal
    def opened(self, numbers: list[str]) -> None:
        self._messages.extend(numbers)

    @workflow.run
    async def run(self, card: BareCard) -> None:
        for place in range(card.activities):
            await workflow.execute_activity(
                NOTE, args=[card.number, place], start_to_close_timeout=timedelta(minutes=5)
            )
        await workflow.wait_condition(lambda: len(self._messages) > card.messages)

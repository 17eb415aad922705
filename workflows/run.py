"""What every run shares: facts wake it, it looks at its rows, and it says in Temporal what it waits for."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.datasets import DatasetActivities
    from activities.platform.asking import AskingActivities
    from models.contracts import DatasetRef, Look, Subject
    from models.words.waiting import PLATFORM_BUSY, since_when
    from workflows.client import attributes_of
    from workflows.options import ASK, AT_HAND, LOOK, PUSH, LocalOptions, Options

Result = TypeVar("Result")
# A platform that didn't answer a question is left alone this long.
UNANSWERED_SECONDS = 60.0
QUESTION = "question"
NOT_BEFORE = "not_before"


class RowDriven:
    """A run whose truth is in rows: signals carry ids only, and starting again from the top is always right."""

    def __init__(self) -> None:
        self._news: list[str] = []
        self._sentence = ""
        self._not_before: dict[str, float] = workflow.memo_value(NOT_BEFORE, {}, type_hint=dict[str, float])

    @workflow.signal
    def opened(self, numbers: list[str]) -> None:
        self._news.extend(numbers)

    @workflow.signal
    def callbacks_arrived(self, event_ids: list[str]) -> None:
        self._news.extend(event_ids)

    @workflow.signal
    def order_confirmed(self, order_nos: list[str]) -> None:
        self._news.extend(order_nos)

    @workflow.signal
    def summary_decided(self, summaries: list[str]) -> None:
        self._news.extend(summaries)

    @workflow.signal
    def payment_confirmed(self, summaries: list[str]) -> None:
        self._news.extend(summaries)

    @workflow.signal
    def lines_changed(self, numbers: list[str]) -> None:
        self._news.extend(numbers)

    @workflow.signal
    def contradiction_decided(self, ids: list[str]) -> None:
        self._news.extend(ids)

    @workflow.query
    def situation(self) -> str:
        return self._sentence

    def _enter(self, subject: Subject, look: Look) -> None:
        """The one door for what ops see: search attributes, and what the run waits for since when."""
        sentence = since_when(look.waiting_for, look.since)
        self._say(sentence)
        known = workflow.info().typed_search_attributes
        wanted = attributes_of(subject, look.stage).search_attributes
        if changes := [pair.key.value_set(pair.value) for pair in wanted if known.get(pair.key) != pair.value]:
            workflow.upsert_search_attributes(changes)

    def _say(self, sentence: str) -> None:
        workflow.set_current_details(sentence)
        self._sentence = sentence

    async def _locally_first(
        self,
        activity: Callable[..., Awaitable[Result]],
        *about: object,
        first: LocalOptions = AT_HAND,
        otherwise: Options = LOOK,
    ) -> Result:
        """What takes a moment is done within the workflow's turn, without a way through the server.

        Where that fails it becomes an activity of its own: tried without end, and ops see it being tried.
        """
        try:
            return await workflow.execute_local_activity_method(activity, args=about, **first)
        except FailureError as error:  # not wrapped into an ActivityError here
            if wanted := seconds_alone(error):
                await workflow.sleep(wanted)
        return await workflow.execute_activity_method(activity, args=about, **otherwise)

    async def _wait(self, subject: Subject, look: Look) -> None:
        """Until something arrives; after a long silence, or after a contradiction, the platform is asked."""
        self._continue_as_new_if_suggested(subject)
        if not look.ask_now:
            pause = timedelta(seconds=look.ask_after_seconds)
            try:
                await workflow.wait_condition(lambda: bool(self._news), timeout=pause)
            except TimeoutError:
                pass
            else:
                return
        if look.asks or look.ask_now:
            await self._ask(subject)

    async def _ask(self, subject: Subject) -> None:
        await self._pause(subject, await self._question(AskingActivities.ask_platform, subject))

    async def _question(
        self,
        activity: Callable[..., Awaitable[None]],
        subject: Subject,
        options: Options = ASK,
        unanswered: float = UNANSWERED_SECONDS,
    ) -> float:
        """Ask; gives the seconds until it may be asked again, 0 after an answer. News doesn't make it earlier."""
        if left := self._left(QUESTION):
            return left
        try:
            await workflow.execute_activity_method(activity, subject, **options)
        except ActivityError as error:
            return self._leave(QUESTION, seconds_alone(error, unanswered))
        return 0.0

    async def _hand_over(self, subject: Subject, dataset: DatasetRef) -> None:
        """A list that needs no slot goes out; a platform that is busy with something else is left alone for a while."""
        left = self._left(dataset.reference)
        if not left:
            result = await workflow.execute_activity_method(DatasetActivities.hand_over, dataset, **PUSH)
            left = self._leave(dataset.reference, result.try_again_seconds)
        if left:
            self._say(f"{self._sentence}；{PLATFORM_BUSY}")
        await self._pause(subject, left)

    def _leave(self, what: str, seconds: float) -> float:
        """From now on so long it isn't tried again, whatever news comes; gives the seconds."""
        self._not_before[what] = workflow.time() + seconds
        return seconds

    def _left(self, what: str) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._not_before.get(what, 0.0) - workflow.time())

    async def _until_quiet(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Once more for what is asked while it is being done: a run that ends leaves no news behind."""
        while True:
            self._news.clear()
            result = await work()
            if not self._news:
                return result

    def _continue_as_new_if_suggested(self, subject: Subject) -> None:
        """A history that has grown long is left behind; the rows say everything that the next one needs."""
        if workflow.info().is_continue_as_new_suggested() and not self._news:
            workflow.continue_as_new(subject, memo=self._carried())

    def _carried(self) -> Mapping[str, dict[str, float]]:
        """What a new history knows of the one before: until when what is left alone. All else is in the rows."""
        return {NOT_BEFORE: {what: at for what, at in self._not_before.items() if at > workflow.time()}}

    async def _pause(self, subject: Subject, seconds: float) -> None:
        """Wait for news at most this long."""
        if not seconds:
            return
        self._continue_as_new_if_suggested(subject)
        try:
            await workflow.wait_condition(lambda: bool(self._news), timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return


def seconds_alone(error: FailureError, at_least: float = 0.0) -> float:
    """How long the platform wants to be left alone (Retry-After); a run that was cancelled in Temporal UI ends here."""
    if is_cancelled_exception(error):
        raise error
    cause = error.cause if isinstance(error, ActivityError) else error
    delay = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
    return at_least if delay is None else max(at_least, delay.total_seconds())

"""What every run shares: facts wake it, it looks at its rows, and it says in Temporal what it waits for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.datasets import DatasetActivities
    from activities.platform.asking import AskingActivities
    from models.contracts import DatasetRef, Look, Subject
    from models.words.waiting import PLATFORM_BUSY, since_when
    from workflows.client import attributes_of
    from workflows.options import ASK, CALL, LOCAL_LOOK, LOOK, PUSH, LocalOptions, Options

Result = TypeVar("Result")
Seen = TypeVar("Seen", bound=Look)
# A platform that didn't answer a question is left alone this long.
UNANSWERED_SECONDS = 60.0
QUESTION = "question"
NOT_BEFORE = "not_before"


class RowDriven:
    """A run whose truth is in rows: signals carry ids only, and starting again from the top is always right."""

    def __init__(self) -> None:
        self._woken = False
        self._sentence = ""
        self._not_before: dict[str, float] = workflow.memo_value(NOT_BEFORE, {}, type_hint=dict[str, float])

    @workflow.signal(dynamic=True)
    def wake(self, name: str, args: Sequence[RawValue]) -> None:
        """Whatever has happened (`Signal`): its name and ids are for who reads the history, the rows say the rest.

        They aren't even decoded: nothing that a signal holds can park a run.
        """
        self._woken = True

    @workflow.query
    def situation(self) -> str:
        return self._sentence

    async def _look_by(
        self,
        activity: Callable[..., Awaitable[Seen]],
        subject: Subject,
        first: LocalOptions | None = LOCAL_LOOK,
        otherwise: Options = LOOK,
    ) -> Seen:
        """What the rows say now; whatever wakes the run from here on asks for another look.

        Without `first` the look is work of its own, and goes out as an activity at once.
        """
        self._woken = False
        if first is None:
            look = await self._call(activity, subject, options=otherwise)
        else:
            look = await self._locally_first(activity, subject, first=first, otherwise=otherwise)
        self._show(subject, look.stage, look.waiting_for, look.since)
        return look

    def _show(self, subject: Subject, stage: str, waiting_for: str, since: datetime) -> None:
        """The one door for what ops see: search attributes, and what the run waits for since when."""
        self._say(since_when(waiting_for, since))
        known = workflow.info().typed_search_attributes
        wanted = attributes_of(subject, stage).search_attributes
        if changes := [pair.key.value_set(pair.value) for pair in wanted if known.get(pair.key) != pair.value]:
            workflow.upsert_search_attributes(changes)

    def _say(self, sentence: str) -> None:
        workflow.set_current_details(sentence)
        self._sentence = sentence

    async def _locally_first(
        self,
        activity: Callable[..., Awaitable[Result]],
        *about: object,
        first: LocalOptions = LOCAL_LOOK,
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
        return await self._call(activity, *about, options=otherwise)

    async def _call(
        self, activity: Callable[..., Awaitable[Result]], *about: object, options: Options = CALL
    ) -> Result:
        """What goes out to the platform or takes long: an activity that the server keeps."""
        return await call(activity, *about, options=options)

    async def _wait(self, subject: Subject, look: Look) -> None:
        """Until something arrives; after a long silence, or after a contradiction, the platform is asked."""
        self._continue_as_new_if_suggested(subject)
        if not look.ask_now:
            await self._pause(subject, look.ask_after_seconds)
            if self._woken:
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
        if left := self._seconds_left(QUESTION):
            return left
        try:
            await self._call(activity, subject, options=options)
        except ActivityError as error:
            return self._leave_alone(QUESTION, seconds_alone(error, unanswered))
        return 0.0

    async def _hand_over(self, subject: Subject, dataset: DatasetRef) -> None:
        """A list that needs no slot goes out; a platform that is busy with something else is left alone for a while."""
        left = self._seconds_left(dataset.reference)
        if not left:
            result = await self._call(DatasetActivities.hand_over, dataset, options=PUSH)
            left = self._leave_alone(dataset.reference, result.try_again_seconds)
        if left:
            self._say(f"{self._sentence}；{PLATFORM_BUSY}")
        await self._pause(subject, left)

    def _leave_alone(self, what: str, seconds: float) -> float:
        """From now on so long it isn't tried again, whatever news comes; gives the seconds."""
        self._not_before[what] = workflow.time() + seconds
        return seconds

    def _seconds_left(self, what: str) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._not_before.get(what, 0.0) - workflow.time())

    async def _until_quiet(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Once more for what is asked while it is being done: a run that ends leaves nothing unseen."""
        while True:
            self._woken = False
            result = await work()
            if not self._woken:
                return result

    def _continue_as_new_if_suggested(self, subject: Subject) -> None:
        """A history that has grown long is left behind; the rows say everything that the next one needs."""
        if workflow.info().is_continue_as_new_suggested() and not self._woken:
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
            await workflow.wait_condition(lambda: self._woken, timeout=timedelta(seconds=seconds))
        except TimeoutError:
            return


async def call(activity: Callable[..., Awaitable[Result]], *about: object, options: Options) -> Result:
    """An activity on the queue of its patience, beside the one that the run itself is on."""
    return await workflow.execute_activity_method(
        activity,
        args=about,
        task_queue=options.queue.named(workflow.info().task_queue),
        start_to_close_timeout=options.limit,
        heartbeat_timeout=options.silence,
        retry_policy=options.retry,
    )


def seconds_alone(error: FailureError, at_least: float = 0.0) -> float:
    """How long the platform wants to be left alone (Retry-After); a run that was cancelled in Temporal UI ends here."""
    if is_cancelled_exception(error):
        raise error
    cause = error.cause if isinstance(error, ActivityError) else error
    delay = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
    return at_least if delay is None else max(at_least, delay.total_seconds())

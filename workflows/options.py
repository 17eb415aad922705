"""Every queue, timeout and retry, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypedDict

from temporalio.common import RetryPolicy

from models.contracts import Queue

# What must not be lost is tried without end; a platform that is down for a weekend is asked every two minutes.
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2))
# Every activity beats while it lives: work of a dead worker goes elsewhere after this long, not after its limit. So
# does what a server that was replaced had given out and nobody got. A worker passes beats on no more often than that,
# so that one may get lost.
SILENCE, BEATS_PASS = timedelta(seconds=10), timedelta(seconds=4)
# A turn that a dead worker has begun is begun anew by another one after this long; Temporal's own 10 s are a person's
# patience. A look that takes longer doesn't need more: the worker prolongs the turn by itself (a workflow task
# heartbeat) at four fifths of it, three events of history each. Shorter ones would time out living workers that are
# held up for a moment, and every such turn is done twice.
WORKFLOW_TASK_TIMEOUT = timedelta(seconds=4)
# A turn waits so long for the worker that remembers the run; then any may take it, and reads the run's history first.
# Temporal's own 10 s are what a dead worker's runs would wait. Shorter ones would take runs away from a worker that is
# only busy, and reading a history costs more than waiting for it.
STICKY_TIMEOUT = timedelta(seconds=3)


class QueueLimits(NamedTuple):
    """How much of a queue one worker takes at once, and how many requests for more it keeps open."""

    places: int
    pollers: int


# A place waits for somebody else's answer nearly all of its time, so places cost little; what counts is who waits.
LIMITS: Mapping[Queue, QueueLimits] = {
    # Somebody sits before a screen: a call each, over within seconds or given up.
    Queue.PEOPLE: QueueLimits(places=50, pollers=5),
    # An instruction or a question: a platform that hangs holds a place for a minute, for every run that asks it then.
    Queue.CALLS: QueueLimits(places=100, pollers=5),
    # Lists, files and rounds take minutes to hours and hold a page or two each in memory: that bounds them.
    Queue.BULK: QueueLimits(places=40, pollers=2),
}


@dataclass(frozen=True)
class Options:
    """Where an activity waits for a place, how long one try may take, and how it is tried again."""

    queue: Queue
    limit: timedelta
    retry: RetryPolicy
    silence: timedelta = SILENCE


class LocalOptions(TypedDict, total=False):
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


# A look applies at most some hundred pages that came at once: seconds.
LOOK = Options(Queue.CALLS, timedelta(minutes=5), PATIENT)
# The same look, first tried within the workflow's own turn.
LOCAL_LOOK = LocalOptions(start_to_close_timeout=timedelta(minutes=1), retry_policy=RetryPolicy(maximum_attempts=1))
# One call to the platform plus its file uploads; longer than the HTTP client's own limit.
CALL = Options(Queue.CALLS, timedelta(minutes=5), PATIENT)
# Asking is a safety net: a platform that doesn't answer is asked again at the next turn, callbacks go on meanwhile.
ASK = Options(
    Queue.CALLS, timedelta(minutes=10), RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3)
)
# A whole list, page by page.
PUSH = Options(Queue.BULK, timedelta(hours=2), PATIENT)
# One page of a walk over lists or accounts that nobody waits for.
PAGE = Options(Queue.BULK, timedelta(minutes=5), PATIENT)
# The bank's word on a new account: a citizen looks at 验证中, so a platform that is back is noticed soon.
BANK = Options(
    Queue.PEOPLE,
    timedelta(minutes=5),
    RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20)),
)
# A bank that is up answers at once; a slow one must not hold the places that looks at rows need.
LOCAL_BANK = LocalOptions(start_to_close_timeout=timedelta(seconds=2), retry_policy=RetryPolicy(maximum_attempts=1))
# A person sits before the screen: tried again within seconds; the activity itself gives up when the time is over.
PROMPT = Options(
    Queue.PEOPLE,
    timedelta(minutes=2),
    RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
)
# Asked every few seconds anyway.
PROMPT_ASK = Options(Queue.PEOPLE, timedelta(minutes=2), RetryPolicy(maximum_attempts=1))
# 100,000 rows take under a minute, and nobody waits for it as for a call: a longer silence isn't death yet.
IMPORT = Options(Queue.BULK, timedelta(minutes=15), PATIENT, silence=timedelta(seconds=30))
# A hundred counties take seconds; an object store that is away is waited for, the ticks meanwhile are skipped.
SIGN = Options(Queue.BULK, timedelta(minutes=30), PATIENT)

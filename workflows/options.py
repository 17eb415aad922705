"""Every timeout and retry, each with its reason."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

# What must not be lost is tried without end; a platform that is down for a weekend is asked every two minutes.
PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=2))


class Options(TypedDict, total=False):
    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy


class LocalOptions(TypedDict, total=False):
    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


# Every activity beats while it lives: work of a dead worker goes elsewhere after this long, not after its limit.
SILENCE = timedelta(seconds=20)
# A look applies at most some hundred pages that came at once: seconds.
LOOK = Options(start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=SILENCE, retry_policy=PATIENT)
# The same look, first tried within the workflow's own turn.
LOCAL_LOOK = LocalOptions(start_to_close_timeout=timedelta(minutes=1), retry_policy=RetryPolicy(maximum_attempts=1))
# One call to the platform plus its file uploads; longer than the HTTP client's own limit.
CALL = Options(start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=SILENCE, retry_policy=PATIENT)
# Asking is a safety net: a platform that doesn't answer is asked again at the next turn, callbacks go on meanwhile.
ASK = Options(
    start_to_close_timeout=timedelta(minutes=10),
    heartbeat_timeout=SILENCE,
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_attempts=3),
)
# A whole list, page by page.
PUSH = Options(start_to_close_timeout=timedelta(hours=2), heartbeat_timeout=SILENCE, retry_policy=PATIENT)
# The bank's word on a new account: a citizen looks at 验证中, so a platform that is back is noticed soon.
BANK = Options(
    start_to_close_timeout=timedelta(minutes=5),
    heartbeat_timeout=SILENCE,
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20)),
)
# A bank that is up answers at once; a slow one must not hold the places that looks at rows need.
LOCAL_BANK = LocalOptions(start_to_close_timeout=timedelta(seconds=2), retry_policy=RetryPolicy(maximum_attempts=1))
# A person sits before the screen: tried again within seconds; the activity itself gives up when the time is over.
PROMPT = Options(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=SILENCE,
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=10)),
)
# Asked every few seconds anyway.
PROMPT_ASK = Options(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=SILENCE,
    retry_policy=RetryPolicy(maximum_attempts=1),
)
# 100,000 rows take under a minute; the checking beats every half second, so a dead worker is noticed at once.
IMPORT = Options(
    start_to_close_timeout=timedelta(minutes=15), heartbeat_timeout=timedelta(seconds=30), retry_policy=PATIENT
)
# A hundred counties take seconds; an object store that is away is waited for, the ticks meanwhile are skipped.
SIGN = Options(start_to_close_timeout=timedelta(minutes=30), heartbeat_timeout=SILENCE, retry_policy=PATIENT)

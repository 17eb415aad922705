"""Around every activity: it beats while it lives, and its failures say only what may stand in Temporal's history."""

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.platform.errors import PlatformRefusal, PlatformUnavailable, refusal_to_application_error
from models.store.vault import SealBroken

UNEXPECTED_PAUSE = timedelta(minutes=2)
# Temporal learns of a dead worker by its silence alone; the beat comes from the loop that does the work.
BEAT_SECONDS = 2.0


class SafeFailures(Interceptor):
    """Wraps every activity: the platform's troubles get their type, everything else loses its text."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Guard(next)


class _Guard(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        try:
            async with _beating():
                return await self.next.execute_activity(input)
        except PlatformUnavailable as trouble:
            raise refusal_to_application_error(trouble) from None
        except PlatformRefusal as refusal:
            raise _unexpected(refusal) from None
        except (ApplicationError, CancelledError):
            raise
        except SealBroken as broken:
            # names the column and the row's business number: one line that holds up its run is found by it
            raise ApplicationError(f"存储的值无法解封：{broken}", type="SEAL_BROKEN") from None
        except Exception as error:
            raise ApplicationError(f"内部错误，见 {_place(error)}", type=type(error).__name__) from None


@contextlib.asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    if activity.info().is_local:
        yield
        return
    beats = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beats.cancel()


async def _beat() -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        activity.heartbeat()


def _unexpected(refusal: PlatformRefusal) -> ApplicationError:
    """A no that the step has no stage for: kept trying slowly, so that ops see it and nothing is given up."""
    error = refusal_to_application_error(refusal)
    # within the workflow's own turn nobody sees it: the activity that follows at once is what ops see
    pause = None if activity.info().is_local else UNEXPECTED_PAUSE
    return ApplicationError(error.message, *error.details, type=error.type, next_retry_delay=pause)


def _place(error: Exception) -> str:
    """The last two places of ours, and PostgreSQL's own error code: enough to find it, nothing of what it was about."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    places = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-3:])
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return f"{places} {state}" if state else places

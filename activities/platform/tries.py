"""What fails alone is tried again alone: each item of a loop has its own tries, and the others go on meanwhile."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from activities.platform.errors import PlatformUnavailable
from models.store.objects import ObjectDamaged

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# Platform or object store may say something else a moment later; any other error is about more than one item.
TROUBLES = (PlatformUnavailable, ObjectDamaged, BotoCoreError, ClientError)
FIRST_PAUSE_SECONDS = 0.2
# Longer troubles are Temporal's: the activity is tried again, where ops see it, and finds what is done already.
LONGEST_RETRY_SECONDS = 20.0


async def with_retries(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """One item's own tries, ever rarer, and never before the platform wants to be asked again (Retry-After)."""
    pause, ends_at = FIRST_PAUSE_SECONDS, time.monotonic() + LONGEST_RETRY_SECONDS
    while True:
        try:
            return await call()
        except TROUBLES as trouble:
            wait = max(pause * random.uniform(1, 1.5), _wanted(trouble))  # noqa: S311
            if time.monotonic() + wait > ends_at:
                raise
        await asyncio.sleep(wait)
        pause *= 2


async def for_each(items: Iterable[Item], do: Callable[[Item], Awaitable[None]], at_once: int = 1) -> None:
    """All items, `at_once` at a time; one in trouble is left out, and raised when the others are through.

    Where nobody gets through any more the rest isn't tried. A refusal, or a bug, ends all of it at once.
    """
    waiting, troubles, in_a_row = iter(items), list[Exception](), 0

    async def lane() -> None:
        nonlocal in_a_row
        for item in waiting:
            try:
                await do(item)
                in_a_row = 0
            except TROUBLES as trouble:
                troubles.append(trouble)
                in_a_row += 1
            if in_a_row > at_once:
                return

    lanes = [asyncio.create_task(lane()) for _ in range(at_once)]
    try:
        await asyncio.gather(*lanes)
    finally:
        for each in lanes:
            each.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
    if troubles:
        raise max(troubles, key=_wanted)


def _wanted(trouble: Exception) -> float:
    return (trouble.retry_after or 0.0) if isinstance(trouble, PlatformUnavailable) else 0.0

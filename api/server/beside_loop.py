"""Work in proportion to a body's size, done where it keeps nobody waiting."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Done = TypeVar("Done")
# A page of 500 lines takes less than a millisecond; 20 MiB take a second, in which nobody else would be served.
SMALL_BYTES = 256 * 1024


async def beside_loop(size: int, work: Callable[[], Done]) -> Done:
    """At once where `size` is small, in a thread else."""
    return work() if size <= SMALL_BYTES else await asyncio.to_thread(work)

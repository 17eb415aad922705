"""Waiting at the counter: who knows one stage is answered when it is another, instead of asking again and again."""

import asyncio
import contextlib
import time
from typing import Annotated

from fastapi import Depends, Query

from api.counter.desk import Desk
from models.store.sql import loose_one

LONGEST_WAIT_SECONDS = 20.0
# Also without a ring: what changes a stage otherwise than in a look, or a process that hears none.
_LOOK_EVERY_SECONDS = 0.5


class _LongPoll:
    """`?wait=20&stage=under_review`: answered as soon as the stage is another one, after twenty seconds anyway."""

    def __init__(
        self,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="最多等几秒，有变化立即返回")] = 0.0,
        stage: Annotated[str | None, Query(max_length=40, description="已知的阶段；与之不同立即返回")] = None,
    ) -> None:
        self._wait = wait
        self._known = stage

    async def until_other(self, desk: Desk, statement: str, number: str) -> None:
        """While the stage that `statement` gives for :number and :county is the known one; no connection is kept."""
        deadline = time.monotonic() + self._wait
        while time.monotonic() < deadline:
            ring = desk.looks.listen()
            async with desk.database.reading() as session:
                row = await loose_one(session, statement, number=number, county=desk.county)
            if row is None or row[0] != self._known or await desk.request.is_disconnected():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_LOOK_EVERY_SECONDS, max(0.0, deadline - time.monotonic()))):
                    await ring.wait()


def stage_of(table: str, key: str, column: str = "stage") -> str:
    """What `until_other` reads of a row that belongs to the county."""
    return f"SELECT {column} FROM {table} WHERE {key} = :number AND county_code = :county"


LongPoll = Annotated[_LongPoll, Depends()]

"""Waiting at the counter: who knows one stage is answered when it is another, instead of asking again and again."""

import time
from typing import Annotated

from fastapi import Depends, Query, Request

from api.counter.desk import Desk
from api.relay.broadcast import Broadcast, Listener
from models.places import resting
from models.store.sql import fetch_one

LONGEST_WAIT_SECONDS = 20.0
# Every change is told. A connection that died without a word is noticed so late at most ...
_READ_EVERY_SECONDS = 5.0
# ... and while nothing is heard at all it is read this often. Whoever has gone away is noticed as soon.
_LOOK_EVERY_SECONDS = 0.5


class _LongPoll:
    """`?wait=20&stage=under_review`: answered as soon as the stage is another one, after twenty seconds anyway."""

    def __init__(self, wait: float, stage: str | None) -> None:
        self._wait = wait
        self._known = stage

    async def until_other(self, desk: Desk, statement: str, number: str) -> None:
        """While the stage that `statement` gives for :number and :county is the known one; no connection is kept."""
        deadline = time.monotonic() + self._wait
        with desk.stages.listen(number) as listener:
            while time.monotonic() < deadline:
                async with desk.database.reading() as session:
                    stage = await fetch_one(session, str, statement, number=number, county=desk.county)
                if stage is None or stage != self._known:
                    return
                if not await until_news(desk.request, desk.stages, listener, deadline) or listener.told:
                    return


async def until_news(request: Request, stages: Broadcast, listener: Listener, until: float) -> bool:
    """Until the row should be read again, `until` at the latest; False when the client has gone away."""
    until = min(until, time.monotonic() + (_READ_EVERY_SECONDS if stages.hears else _LOOK_EVERY_SECONDS))
    async with resting():
        while (left := until - time.monotonic()) > 0:
            if await listener.wait(min(left, _LOOK_EVERY_SECONDS)):
                return True
            if await request.is_disconnected():
                return False
    return True


def stage_of(table: str, key: str, column: str = "stage") -> str:
    """What `until_other` reads of a row that belongs to the county; a trigger tells its changes (0002_stages)."""
    return f"SELECT {column} FROM {table} WHERE {key} = :number AND county_code = :county"


async def _long_poll(
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="最多等几秒，有变化立即返回")] = 0.0,
    stage: Annotated[str | None, Query(max_length=40, description="已知的阶段；与之不同立即返回")] = None,
) -> _LongPoll:
    return _LongPoll(wait, stage)


LongPoll = Annotated[_LongPoll, Depends(_long_poll)]

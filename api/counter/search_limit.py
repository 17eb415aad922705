"""Searches by a number are counted per person, before anything is sought."""

from typing import Protocol

from api.counter.desk import Desk
from api.server.problems import Problem
from models.store.search_limit import TooManySearches, count_search
from models.words.refusals import Refusal


class SoughtNumbers(Protocol):
    @property
    def id_number(self) -> str | None: ...

    @property
    def account_no(self) -> str | None: ...


async def allow_search(desk: Desk, sought: SoughtNumbers) -> None:
    """429 beyond SEARCHES_PER_PERSON_HOUR, in whichever role; the first of an hour that is refused is in the trail."""
    if not (sought.id_number or sought.account_no):
        return
    caller, most = f"{desk.county}/{desk.person}", desk.settings.searches_per_person_hour
    try:
        async with desk.database.writing_once() as session:
            await count_search(session, caller, most)
    except TooManySearches as refused:
        if refused.first:
            async with desk.database.transaction() as session:
                await desk.trail(session, "search.too_many", desk.person, {"most": most})
        minutes = max(1, round(refused.retry_after / 60))
        detail = f"每人每小时最多按证件号或账号查询 {most} 次，请约 {minutes} 分钟后再查；成批核对请用列表筛选或导出"
        headers = {"Retry-After": str(int(refused.retry_after) + 1)}
        raise Problem(429, Refusal.TOO_MANY_SEARCHES, "查询过于频繁", detail, headers=headers) from None

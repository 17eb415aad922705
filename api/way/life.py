"""经过 of one application: who did what with it and when, and what platform and banks said, oldest first."""

from collections.abc import Iterator
from typing import NamedTuple

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.roles import ApplicationReaders, one_line
from api.server.answers import refusals
from api.server.problems import not_found
from api.way.life_rows import OF_FLOWS, OF_IMPORT, OF_LISTS, OF_ORDERS, OF_PAYMENTS, OF_TRAIL, Fact
from api.way.life_views import ApplicationHistory, LifeEvent, event_of
from models.store.sql import fetch, fetch_one

router = APIRouter(tags=["申请"])


class _Line(NamedTuple):
    id: int
    application_no: str


@router.get("/applications/{application_no}/history", responses=refusals(LINES_MOVED=410, NOT_FOUND=404))
async def application_history(desk: ApplicationReaders, application_no: str) -> ApplicationHistory:
    """One entry a fact: acts on many and alone, lists and rounds at the platform, orders, payments, returns.

    `changed` names the fields that an edit has changed; the values are in the trail.
    """
    async with desk.database.snapshot() as session:
        chosen = one_line(desk, application_no)
        statement = f"SELECT a.id, a.application_no FROM application a WHERE {chosen.sql}"
        line = await fetch_one(session, _Line, statement, **chosen.values)
        if line is None:
            raise not_found("申请")
        facts = [fact for source in _SOURCES for fact in await _facts(session, source, desk, line)]
    entries = list(_told(desk, facts))
    changed = _since_return(entries)
    return {"entries": entries, "changed_since_return": changed}


_SOURCES = (OF_TRAIL, OF_IMPORT, OF_LISTS, OF_FLOWS, OF_ORDERS, OF_PAYMENTS)


async def _facts(session: AsyncSession, source: str, desk: Desk, line: _Line) -> list[Fact]:
    return await fetch(session, Fact, source, county=desk.county, id=line.id, number=line.application_no)


def _told(desk: Desk, facts: list[Fact]) -> Iterator[LifeEvent]:
    for fact in sorted(facts, key=lambda fact: (fact.at, fact.rank)):
        if fact.at is not None:
            yield event_of(desk.shown, desk.county, fact)


def _since_return(entries: list[LifeEvent]) -> list[str]:
    """Fields that were changed since a reviewer last sent it back; none where that never happened."""
    returns = [place for place, entry in enumerate(entries) if entry["event"] == "applications.returned"]
    if not returns:
        return []
    later = [name for entry in entries[returns[-1] :] for name in entry["changed"]]
    return list(dict.fromkeys(later))

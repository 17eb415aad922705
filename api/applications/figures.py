"""Count and sum of what a filter of applications finds: the footers of lists, and tables by town, bank, item, state."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.applications.search import Sought, found_lines
from api.counter.desk import Desk
from api.counter.names import names_of
from api.counter.roles import ApplicationQuery, ApplicationReaders, own
from api.counter.sought import allow_search
from api.figures.figures import Figures, Total, figures_of, total_of
from api.server.answers import refusals
from models.store.selection import Predicate, filtered, of_standings
from models.wire.words import Outcome
from models.words.flow_words import match_words
from models.words.stages import ApplicationStage, Verification

router = APIRouter(tags=["申请"])

# Why one doesn't go on: what the initialisation found, or the verification.
_LINES = """
SELECT a.town_code, a.bank_code, a.item_code, a.stage AS state, a.amount_fen,
  CASE WHEN a.stage = 'unmatched' THEN a.match_outcome WHEN a.verification = 'failed' THEN 'failed' END AS reason
FROM application a
"""
_REASONS = {Verification.FAILED.value: Verification.FAILED.label, Outcome.NAME_DIFFERS.value: "身份证存在，但姓名不同"}


@router.get("/applications/figures", summary="申请合计", responses=refusals(LINES_MOVED=410))
async def application_figures(desk: ApplicationReaders, criteria: Annotated[ApplicationQuery, Query()]) -> Figures:
    """Of the filter of `GET /applications`; `reasons` are the kinds of 匹配不成功 and 校验不通过."""
    return await _figures(desk, own(desk, filtered(desk.county, criteria, desk.for_whom)))


@router.get("/applications/total", summary="申请总数", responses=refusals(LINES_MOVED=410))
async def application_total(desk: ApplicationReaders, criteria: Annotated[ApplicationQuery, Query()]) -> Total:
    """Count and sum alone of the filter of `GET /applications`."""
    table, chosen = "application_standing", of_standings(desk.county, criteria, desk.for_whom)
    if chosen is None:
        table, chosen = "application", filtered(desk.county, criteria, desk.for_whom)
    async with desk.database.reading() as session:
        return await total_of(session, table, own(desk, chosen))


@router.post("/applications/figures/search", summary="按人查询的申请合计", responses=refusals(TOO_MANY_SEARCHES=429))
async def search_figures(desk: ApplicationReaders, sought: Sought) -> Figures:
    """Of `POST /applications/search`, and counted like it."""
    await allow_search(desk, sought)
    return await _figures(desk, found_lines(desk, sought))


async def _figures(desk: Desk, chosen: Predicate) -> Figures:
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        return await figures_of(session, names, _LINES, chosen, lambda code: ApplicationStage(code).label, _reason)


def _reason(code: str) -> str | None:
    return _REASONS.get(code) or match_words(code, None, None)

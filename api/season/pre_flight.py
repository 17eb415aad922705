"""预检: what is known of a batch before initialisation, verification and start, without asking the platform.

What the act itself would refuse or leave out is asked of the act: its preview, and for a start `GET /flow-readiness`.
"""

from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response

from api.batches.batch_views import find_batch
from api.counter.chunks import list_lines
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import OperatorsAndReviewers
from api.season.pre_flight_views import (
    FORESEEN_LINES,
    LINE_HEADERS,
    ForeseenApplication,
    ForeseenRow,
    PreFlight,
    foreseen_kinds,
    foreseen_line,
    lists_borne_out,
)
from api.server.answers import Listed, refusals
from models.store.pre_flight.foreseen import LINES_OF, lines_foreseen, sums_foreseen
from models.store.pre_flight.opened import judge_opened
from models.store.selection import Predicate, of_county
from models.store.sql import fetch_one
from models.words.flow_words import Foreseen, PreFlightAct

router = APIRouter(tags=["预检"])
_OPENED = (Foreseen.CONTRACT, Foreseen.ACCOUNT_DIGIT)
Act = Annotated[PreFlightAct, Query(description="将要办理的")]


class _Sum(NamedTuple):
    lines: int
    fen: int


@router.get("/batches/{batch_no}/pre-flight", summary="预检", responses=refusals(NOT_FOUND=404))
async def pre_flight(desk: OperatorsAndReviewers, batch_no: str, act: Act) -> PreFlight:
    """Per kind how many lines and what sum, and, of lists that went out, how right it was."""
    async with desk.database.snapshot() as session:
        batch = await find_batch(desk, session, batch_no)
        assert batch.id is not None
        chosen = _of_batch(desk.county, batch.id)
        sent = await fetch_one(
            session,
            _Sum,
            "SELECT count(*) AS lines, coalesce(sum(a.amount_fen), 0)::bigint AS fen FROM application a"
            f" WHERE {chosen.sql} AND {LINES_OF[act]}",
            **chosen.values,
        )
        assert sent is not None
        sums = await sums_foreseen(session, chosen, act)
        opened = await judge_opened(session, desk.vault, chosen, act)
        answered = await lists_borne_out(session, batch.id, act)
    return {
        "batch_no": batch_no,
        "act": act,
        "act_label": act.label,
        "count": sent.lines,
        "total_fen": sent.fen,
        "foreseen": foreseen_kinds(act, sums, opened),
        "opened": opened.lines,
        "answered": answered,
    }


@router.get(
    "/batches/{batch_no}/pre-flight/lines",
    summary="预检明细",
    response_model=Listed[ForeseenApplication],
    responses=refusals(NOT_FOUND=404),
)
async def pre_flight_lines(
    desk: OperatorsAndReviewers, page: Pages, batch_no: str, act: Act, kind: Annotated[Foreseen, Query()]
) -> Response:
    """The lines of one kind, masked; `format=xlsx` exports them."""
    async with desk.database.snapshot() as session:
        batch = await find_batch(desk, session, batch_no)
        assert batch.id is not None
        chosen = _of_batch(desk.county, batch.id)
        if kind in _OPENED:
            opened = await judge_opened(session, desk.vault, chosen, act)
            found = chosen.also("a.id = ANY(:opened)", opened=[number for number, _ in opened.found.get(kind, ())])
        else:
            found = await lines_foreseen(session, chosen, act, kind)
        show = partial(foreseen_line, desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, found, show, LINE_HEADERS, FORESEEN_LINES, ForeseenRow)


def _of_batch(county: str, batch_id: int) -> Predicate:
    return of_county(county).also("a.batch_id = :batch", batch=batch_id)

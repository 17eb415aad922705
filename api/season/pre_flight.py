"""预检: what is known before initialisation, verification and start, without asking the platform.

What the act itself would refuse or leave out is asked of the act: its preview, and for a start `GET /flow-readiness`.
"""

from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.chunks import list_lines
from api.counter.desk import Desk
from api.counter.names import names_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import OperatorsAndReviewers
from api.season.pre_flight_views import (
    LINE_HEADERS,
    ForeseenApplication,
    ForeseenRow,
    PreFlight,
    foreseen_kinds,
    foreseen_line,
    lists_borne_out,
    rows_of_kind,
)
from api.server.answers import Listed, refusals
from api.server.problems import field_problem, not_found
from models.store.pre_flight.foreseen import sums_judged
from models.store.pre_flight.opened import sums_opened
from models.store.pre_flight.sent import Asked, Sent, ids_of_kind, what_is_sent
from models.store.selection import Word, among
from models.store.sql import fetch_one
from models.words.flow_words import Foreseen, PreFlightAct

router = APIRouter(prefix="/pre-flight", tags=["预检"])
OfKind = Annotated[Foreseen, Query(description="预计的原因")]


async def asked_about(
    act: Annotated[PreFlightAct, Query(description="将要办理的")],
    batch_no: Annotated[Word | None, Query(description="哪个批次的")] = None,
    fund_year: FilterYear = None,
) -> Asked:
    if (batch_no is None) == (fund_year is None):
        raise field_problem({"/batch_no": "请写明批次，或资金年度，二者取一"})
    if fund_year is not None and act is not PreFlightAct.INITIALISATION:
        raise field_problem({"/batch_no": f"{act.label}按批次办理，请写明批次"})
    return Asked(act, batch_no, fund_year)


What = Annotated[Asked, Depends(asked_about)]


class _Sum(NamedTuple):
    lines: int
    fen: int


@router.get("", summary="预检", responses=refusals(LINES_MOVED=410, NOT_FOUND=404))
async def pre_flight(desk: OperatorsAndReviewers, what: What) -> PreFlight:
    """Per kind how many lines and what sum, and, of lists that went out, how right it was."""
    async with desk.database.snapshot() as session:
        sent = await _sent(desk, session, what)
        every = await _every(session, sent)
        sums = [*await sums_judged(session, sent.lines, what.act), *await sums_opened(session, desk.vault, sent.lines)]
        answered = await lists_borne_out(session, sent.answers, what.act)
    return {
        "batch_no": what.batch_no,
        "fund_year": what.fund_year,
        "act": what.act,
        "act_label": what.act.label,
        "count": every.lines,
        "total_fen": every.fen,
        "foreseen": foreseen_kinds(what.act, sums),
        "answered": answered,
    }


async def _every(session: AsyncSession, sent: Sent) -> _Sum:
    found = await fetch_one(
        session,
        _Sum,
        "SELECT count(*) AS lines, coalesce(sum(a.amount_fen), 0)::bigint AS fen FROM application a"
        f" {sent.lines.where}",
        **sent.lines.values,
    )
    assert found is not None
    return found


@router.get(
    "/lines",
    summary="预检明细",
    response_model=Listed[ForeseenApplication],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def pre_flight_lines(desk: OperatorsAndReviewers, page: Pages, what: What, kind: OfKind) -> Response:
    """The lines of one kind, masked, each with what it is known by; `format=xlsx` exports them."""
    async with desk.database.snapshot() as session:
        sent = await _sent(desk, session, what)
        ids = await ids_of_kind(session, desk.vault, sent, kind, after=page.after or 0, most=page.rows)
        found = among(desk.county).also("a.id = ANY(:ids)", ids=ids)
        show = partial(foreseen_line, desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, found, show, LINE_HEADERS, rows_of_kind(what.act, kind), ForeseenRow)


async def _sent(desk: Desk, session: AsyncSession, what: Asked) -> Sent:
    sent = await what_is_sent(session, desk.county, what)
    if sent is None:
        raise not_found("批次")
    return sent

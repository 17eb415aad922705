"""预检: what is known before initialisation, verification and start, without asking the platform.

What the act itself would refuse or leave out is asked of the act: its preview, and for a start `GET /flow-readiness`.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.batches.batch_views import find_batch
from api.counter.chunks import list_lines
from api.counter.desk import Desk
from api.counter.names import names_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import OperatorsAndReviewers
from api.season.pre_flight_views import (
    LINE_HEADERS,
    ForeseenApplication,
    ForeseenNumbers,
    ForeseenRow,
    ListBorneOut,
    PreFlight,
    foreseen_kinds,
    foreseen_line,
    lists_borne_out,
    rows_of_kind,
)
from api.server.answers import Listed, refusals
from api.server.problems import field_problem
from models.store.pre_flight.foreseen import KindSum, numbers_foreseen, sent_by, sums_foreseen
from models.store.pre_flight.kept import AnswersOf, answers_of_batch, answers_of_year
from models.store.pre_flight.opened import OPENED, judge_opened, lines_to_open
from models.store.selection import MOST_NUMBERS, LineFilter, Predicate, Word, filtered, of_county
from models.store.sql import fetch_one
from models.store.vault import Vault
from models.words.flow_words import Foreseen, PreFlightAct
from models.words.stages import ApplicationStage, BatchStage

router = APIRouter(prefix="/pre-flight", tags=["预检"])
OfKind = Annotated[Foreseen, Query(description="预计的原因")]


class Asked(NamedTuple):
    """Of a batch what is about to be done, or of a fund year the initialisation of all that is publicised."""

    act: PreFlightAct
    batch_no: str | None
    fund_year: int | None


def asked_about(
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


class Sent(NamedTuple):
    """What the act would send, and whose lists tell how right it was before."""

    lines: Predicate
    answers: AnswersOf


class _Sum(NamedTuple):
    lines: int
    fen: int


@router.get("", summary="预检", responses=refusals(NOT_FOUND=404))
async def pre_flight(desk: OperatorsAndReviewers, what: What) -> PreFlight:
    """Per kind how many lines and what sum, and, of lists that went out, how right it was."""
    async with desk.database.snapshot() as session:
        sent = await _sent(desk, session, what)
        to_open = await lines_to_open(session, sent.lines)
        opened, known = await asyncio.gather(judge_opened(desk.vault, to_open), _known(session, sent, what.act))
    return {
        "batch_no": what.batch_no,
        "fund_year": what.fund_year,
        "act": what.act,
        "act_label": what.act.label,
        "count": known.every.lines,
        "total_fen": known.every.fen,
        "foreseen": foreseen_kinds(what.act, known.sums, opened),
        "opened": opened.lines,
        "answered": known.answered,
    }


class _Known(NamedTuple):
    every: _Sum
    sums: Sequence[KindSum]
    answered: list[ListBorneOut]


async def _known(session: AsyncSession, sent: Sent, act: PreFlightAct) -> _Known:
    """What the rows tell without being opened."""
    every = await fetch_one(
        session,
        _Sum,
        "SELECT count(*) AS lines, coalesce(sum(a.amount_fen), 0)::bigint AS fen FROM application a"
        f" {sent.lines.where}",
        **sent.lines.values,
    )
    assert every is not None
    sums = await sums_foreseen(session, sent.lines, act)
    return _Known(every, sums, await lists_borne_out(session, sent.answers, act))


@router.get("/lines", summary="预检明细", response_model=Listed[ForeseenApplication], responses=refusals(NOT_FOUND=404))
async def pre_flight_lines(desk: OperatorsAndReviewers, page: Pages, what: What, kind: OfKind) -> Response:
    """The lines of one kind, masked, each with what it is known by; `format=xlsx` exports them."""
    async with desk.database.snapshot() as session:
        numbers = await _numbers(session, desk.vault, await _sent(desk, session, what), what.act, kind)
        found = of_county(desk.county).also("a.application_no = ANY(:numbers)", numbers=numbers)
        show = partial(foreseen_line, desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, found, show, LINE_HEADERS, rows_of_kind(kind), ForeseenRow)


@router.get("/numbers", summary="预检明细的申请编号", responses=refusals(NOT_FOUND=404))
async def pre_flight_numbers(desk: OperatorsAndReviewers, what: What, kind: OfKind) -> ForeseenNumbers:
    """Of all lines of one kind, as many as an act takes at once: what is done in bulk is done by these."""
    async with desk.database.snapshot() as session:
        numbers = await _numbers(session, desk.vault, await _sent(desk, session, what), what.act, kind)
    return {"count": len(numbers), "application_nos": list(numbers[:MOST_NUMBERS])}


async def _sent(desk: Desk, session: AsyncSession, what: Asked) -> Sent:
    if what.batch_no is None:
        assert what.fund_year is not None
        publicised = LineFilter(stage=ApplicationStage.PUBLICISED, fund_year=what.fund_year)
        lines = filtered(desk.county, publicised, desk.for_whom)
        return Sent(sent_by(what.act, lines, again=False), answers_of_year(desk.county, what.fund_year))
    batch = await find_batch(desk, session, what.batch_no)
    assert batch.id is not None
    lines = of_county(desk.county).also("a.batch_id = :batch", batch=batch.id)
    again = batch.stage is BatchStage.VERIFIED
    return Sent(sent_by(what.act, lines, again=again), answers_of_batch(batch.id))


async def _numbers(session: AsyncSession, vault: Vault, sent: Sent, act: PreFlightAct, kind: Foreseen) -> Sequence[str]:
    if kind not in OPENED:
        return await numbers_foreseen(session, sent.lines, act, kind)
    opened = await judge_opened(vault, await lines_to_open(session, sent.lines))
    return [line.application_no for line in opened.found.get(kind, ())]

"""发放结果查询: over the county or one flow, by person, and the history of one line (S1 2.8)."""

from datetime import date
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from api.applications.payment_results import results_of
from api.applications.search import Rows, of_person
from api.counter.chunks import list_lines, read_lines
from api.counter.desk import Desk
from api.counter.disclosures import Disclosing, note_whole
from api.counter.export import respond
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders, OperatorsAndReviewers, Readers
from api.counter.sought import SoughtPerson, allow_search
from api.figures.figures import Figures, Total, figures_of, total_of
from api.flows.guard import chosen_flow_lines, known_flow
from api.flows.payment_views import (
    COUNTY_HEADERS,
    HEADERS,
    PAYMENT_LINES,
    PaymentFilter,
    PaymentHistory,
    PaymentRow,
    PaymentView,
    payment_view,
    payments_of_county,
)
from api.server.answers import Items, Listed, Next, refusals
from api.server.problems import not_found
from api.years.searched import MovedYears, years_not_searched
from models.store.orders.rules import FlowLineFilter, Word
from models.store.sql import fetch, fetch_one
from models.words.flow_words import FAILURES
from models.words.stages import DisclosedThing, PaymentState

router = APIRouter(tags=["发放结果"])

_FIGURES = """
SELECT a.town_code, a.bank_code, a.item_code, a.payment AS state, a.payment_reason_code AS reason, a.amount_fen
FROM flow_line a
"""
# A flow is paid within days or weeks; what a county pays in a year is for the figures of its months.
MOST_DAYS = 92
_DAYS = """
WITH paid AS (
  SELECT (a.payment_at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS lines, sum(a.amount_fen)::bigint AS fen
  FROM (SELECT a.payment_at, a.amount_fen FROM flow_line a{chosen}) AS a GROUP BY 1
), ends AS (SELECT max(day) AS newest, greatest(min(day), max(day) - CAST(:most AS integer) + 1) AS oldest FROM paid)
SELECT each::date AS day, coalesce(p.lines, 0) AS lines, coalesce(p.fen, 0) AS fen
FROM ends CROSS JOIN LATERAL generate_series(ends.oldest, ends.newest, interval '1 day') AS each
LEFT JOIN paid p ON p.day = each::date ORDER BY 1
"""


class _Day(NamedTuple):
    day: date
    lines: int
    fen: int


class PaymentQuery(FlowLineFilter):
    model_config = ConfigDict(extra="ignore")

    application_no: Word | None = None


class CountyQuery(PaymentFilter):
    model_config = ConfigDict(extra="ignore")


class FoundPayments(TypedDict):
    """按人查到的发放结果。"""

    items: list[PaymentView]
    next: Next
    moved_years: MovedYears


class PaymentSought(SoughtPerson):
    filter: PaymentFilter | None = None


@router.get(
    "/payments", summary="发放结果查询", response_model=Listed[PaymentView], responses=refusals(LINES_MOVED=410)
)
async def list_county_payments(desk: CountyReaders, page: Pages, query: Annotated[CountyQuery, Query()]) -> Response:
    """Every accepted line of the county's flows with its latest result: by year, batch, flow, result, reason."""
    async with desk.database.snapshot() as session:
        show = partial(payment_view, desk.shown, await names_of(session, desk.county))
        chosen = payments_of_county(desk.county, query)
        return await list_lines(session, page, chosen, show, COUNTY_HEADERS, PAYMENT_LINES, PaymentRow)


@router.get("/payments/figures", responses=refusals(LINES_MOVED=410))
async def payment_figures(desk: Readers, query: Annotated[CountyQuery, Query()]) -> Figures:
    """Count and sum of the same filter: `states` are 发放结果, `reasons` why a payment failed."""
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        chosen = payments_of_county(desk.county, query)
        return await figures_of(session, names, _FIGURES, chosen, lambda code: PaymentState(code).label, FAILURES.get)


@router.get("/payments/total", responses=refusals(LINES_MOVED=410))
async def payment_total(desk: Readers, query: Annotated[CountyQuery, Query()]) -> Total:
    """Count and sum alone of the same filter."""
    async with desk.database.reading() as session:
        return await total_of(session, "flow_line", payments_of_county(desk.county, query))


class PaidOnDay(TypedDict):
    day: date
    count: Annotated[int, Field(description="发放成功的笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


@router.get("/payments/days", summary="按日的发放", responses=refusals(LINES_MOVED=410))
async def paid_per_day(desk: Readers, query: Annotated[CountyQuery, Query()]) -> Items[PaidOnDay]:
    """What the same filter finds paid, day by day in China, the oldest first; days without are there with 0.

    The last 92 days up to the newest payment, no more.
    """
    chosen = payments_of_county(desk.county, query).narrowed("a.payment = 'paid' AND a.payment_at IS NOT NULL")
    async with desk.database.snapshot() as session:
        rows = await fetch(session, _Day, _DAYS.format(chosen=chosen.summed), most=MOST_DAYS, **chosen.values)
    return {"items": [{"day": row.day, "count": row.lines, "fen": row.fen} for row in rows]}


@router.post(
    "/payments/search",
    summary="按人查询发放结果",
    response_model=FoundPayments,
    responses=refusals(TOO_MANY_SEARCHES=429),
)
async def search_payments(desk: CountyReaders, page: Pages, sought: PaymentSought) -> Response:
    """By name, id or account, which never stand in an address; nothing is changed, so no Idempotency-Key."""
    await allow_search(desk, sought)
    beside = {"moved_years": await years_not_searched(desk, sought.filter.fund_year if sought.filter else None)}
    async with desk.database.snapshot() as session:
        show = partial(payment_view, desk.shown, await names_of(session, desk.county))
        chosen = payments_of_county(desk.county, sought.filter or PaymentFilter())
        chosen = of_person(desk, chosen, sought, Rows.FLOW_LINE)
        rows = await read_lines(session, page, chosen, show, COUNTY_HEADERS, PAYMENT_LINES, PaymentRow)
    return await respond(page, COUNTY_HEADERS, rows, beside)


@router.get(
    "/flows/{flow_no}/payments",
    summary="发放结果",
    response_model=Listed[PaymentView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_payments(
    desk: CountyReaders, flow_no: str, page: Pages, query: Annotated[PaymentQuery, Query()]
) -> Response:
    """Every accepted line with its latest result; filters by result, reason, town, bank, item."""
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        chosen = chosen_flow_lines(flow, query).narrowed("a.payment IS NOT NULL")
        show = partial(payment_view, desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, chosen, show, HEADERS, PAYMENT_LINES, PaymentRow)


@router.get("/flows/{flow_no}/payments/{application_no}", responses=refusals(LINES_MOVED=410, NOT_FOUND=404))
async def show_payment_history(desk: CountyReaders, flow_no: str, application_no: str) -> PaymentHistory:
    """All results of one line as they came: paid, returned, paid late, settled."""
    return await _history(desk, flow_no, application_no, whole=False)


@router.post(
    "/flows/{flow_no}/payments/{application_no}/disclosures",
    summary="发放明细的完整信息",
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def disclose_payment(
    desk: OperatorsAndReviewers, flow_no: str, application_no: str, wanted: Disclosing
) -> PaymentHistory:
    """The same in clear, once; who asked is noted each time. No Idempotency-Key."""
    history = await _history(desk, flow_no, application_no, whole=True)
    await note_whole(desk, DisclosedThing.PAYMENT, application_no, wanted, flow_no)
    return history


async def _history(desk: Desk, flow_no: str, application_no: str, *, whole: bool) -> PaymentHistory:
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        show = partial(payment_view, desk.shown, await names_of(session, desk.county), whole=whole)
        condition = "(a.flow_id = :flow) IS TRUE AND a.application_no = :number AND a.payment IS NOT NULL"
        row = await fetch_one(
            session, PaymentRow, f"{PAYMENT_LINES} WHERE {condition}", flow=flow, number=application_no
        )
        if row is None:
            raise not_found("发放明细")
        results = await results_of(session, desk.shown, [row.id], application_no)
        return {**show(row), "results": results[row.id]}

"""发放结果查询: over the county or one flow, by person, and the history of one line (S1 2.8)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict

from api.applications.payment_results import results_of
from api.applications.search import Rows, of_person
from api.counter.chunks import list_lines
from api.counter.desk import COUNTY, Desk, for_roles
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.search_limit import allow_search
from api.counter.sought import SoughtPerson
from api.flows.guard import chosen_flow_lines, known_flow
from api.flows.payment_views import COUNTY_HEADERS, HEADERS, LINES, PaymentFilter, PaymentView, payments_of_county
from api.server.problems import not_found
from models.store.orders.rules import FlowLineFilter, Word
from models.store.sql import loose

router = APIRouter(tags=["发放结果"])

Readers = Annotated[Desk, Depends(for_roles(*COUNTY))]


class PaymentQuery(FlowLineFilter):
    model_config = ConfigDict(extra="ignore")

    application_no: Word | None = None


class CountyQuery(PaymentFilter):
    model_config = ConfigDict(extra="ignore")


class PaymentSought(SoughtPerson):
    filter: PaymentFilter | None = None


@router.get("/payments", summary="发放结果查询")
async def list_county_payments(desk: Readers, page: Pages, query: Annotated[CountyQuery, Query()]) -> Response:
    """Every accepted line of the county's flows with its latest result: by year, batch, flow, result, reason."""
    async with desk.database.snapshot() as session:
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        chosen = payments_of_county(desk.county, query)
        return await list_lines(session, page, chosen, view.view, COUNTY_HEADERS, LINES)


@router.post("/payments/search", summary="按人查询发放结果")
async def search_payments(desk: Readers, page: Pages, sought: PaymentSought) -> Response:
    """By name, id or account, which never stand in an address; nothing is changed, so no Idempotency-Key."""
    await allow_search(desk, sought)
    async with desk.database.snapshot() as session:
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        chosen = payments_of_county(desk.county, sought.filter or PaymentFilter())
        chosen = await of_person(desk, session, chosen, sought, Rows.FLOW_LINE)
        return await list_lines(session, page, chosen, view.view, COUNTY_HEADERS, LINES)


@router.get("/flows/{flow_no}/payments")
async def list_payments(desk: Readers, flow_no: str, page: Pages, query: Annotated[PaymentQuery, Query()]) -> Response:
    """Every accepted line with its latest result; filters by result, reason, town, bank, item."""
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        chosen = chosen_flow_lines(flow, query).also("a.payment IS NOT NULL")
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, chosen, view.view, HEADERS, LINES)


@router.get("/flows/{flow_no}/payments/{application_no}")
async def show_payment_history(desk: Readers, flow_no: str, application_no: str) -> dict[str, object]:
    """All results of one line as they came: paid, returned, paid late, settled."""
    async with desk.database.snapshot() as session:
        flow = await known_flow(session, desk, flow_no)
        view = PaymentView(desk.shown, await names_of(session, desk.county))
        condition = "a.flow_id = :flow AND a.application_no = :number AND a.payment IS NOT NULL"
        rows = await loose(session, f"{LINES} WHERE {condition}", flow=flow, number=application_no)
        if not rows:
            raise not_found("发放明细")
        results = await results_of(session, desk.shown, [rows[0].id], application_no)
        return {**view.view(rows[0]), "results": results[rows[0].id]}

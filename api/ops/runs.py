"""The county's runs: what each waits for and since when, with its link into Temporal UI."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col, select

from api.counter.export import listed
from api.counter.paging import FilterYear, Pages
from api.counter.roles import Readers
from api.ops.run_views import HEADERS, RunView, run_view
from api.server.answers import Listed
from models.contracts import RunKind
from models.tables.records import Run

router = APIRouter(tags=["运维"])


@router.get("/runs", summary="流程运行", response_model=Listed[RunView])
async def list_runs(
    desk: Readers,
    page: Pages,
    kind: Annotated[RunKind | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    batch_no: Annotated[str | None, Query(max_length=128)] = None,
    fund_year: FilterYear = None,
    stage: Annotated[str | None, Query(max_length=40)] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
) -> Response:
    statement = select(Run).where(Run.county_code == desk.county)
    wanted = {"kind": kind, "number": number, "batch_no": batch_no, "fund_year": fund_year, "stage": stage}
    for field, value in wanted.items():
        if value is not None:
            statement = statement.where(col(getattr(Run, field)) == value)
    if is_open is not None:
        closed = col(Run.closed_at)
        statement = statement.where(closed.is_(None) if is_open else closed.is_not(None))
    async with desk.database.snapshot() as session:
        chosen = (statement, Run.id)
        return await listed(session, page, HEADERS, chosen, lambda row: (row.id or 0, run_view(desk.settings, row)))

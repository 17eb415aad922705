"""The county's runs: what each waits for, since when and until when; for ops with the link into Temporal UI."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import text
from sqlmodel import col, select

from api.counter.export import listed_together
from api.counter.paging import FilterYear, Pages
from api.counter.roles import RunReaders
from api.counter.run_block import run_blocks
from api.ops.run_views import RunView, headers_for, run_view
from api.server.answers import Listed
from models.contracts import RunKind
from models.store.runs.next_wait import overdue
from models.tables.records import Run

router = APIRouter(tags=["运维"])


@router.get("/runs", summary="流程运行", response_model=Listed[RunView])
async def list_runs(
    desk: RunReaders,
    page: Pages,
    kind: Annotated[RunKind | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    batch_no: Annotated[str | None, Query(max_length=128)] = None,
    fund_year: FilterYear = None,
    stage: Annotated[str | None, Query(max_length=40)] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    is_overdue: Annotated[bool | None, Query(alias="overdue", description="超期：过了最迟的日子还没有办")] = None,
    restarted: Annotated[bool | None, Query(description="重启过的")] = None,
) -> Response:
    wanted = {"kind": kind, "number": number, "batch_no": batch_no, "fund_year": fund_year, "stage": stage}
    same = [col(getattr(Run, field)) == value for field, value in wanted.items() if value is not None]
    statement = select(Run).where(Run.county_code == desk.county, *same)
    if is_open is not None:
        closed = col(Run.closed_at)
        statement = statement.where(closed.is_(None) if is_open else closed.is_not(None))
    if is_overdue is not None:
        late, ends = overdue(desk.settings)
        statement = statement.where(text(late if is_overdue else f"NOT ({late})").bindparams(**ends))
    if restarted is not None:
        statement = statement.where((col(Run.restarts) > 0) == restarted)

    async def shown(runs: list[Run]) -> Iterable[tuple[int, RunView]]:
        blocks = await run_blocks(desk, session, runs)
        return [(run.id or 0, run_view(run, block)) for run, block in zip(runs, blocks, strict=True)]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, headers_for(desk.role), (statement, Run.id), shown)

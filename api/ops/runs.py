"""The county's runs: what each waits for and since when, with its link into Temporal UI."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import col, select

from api.counter.desk import READERS, Desk, for_roles
from api.counter.export import listed
from api.counter.paging import FilterYear, Pages
from api.counter.run_block import run_block
from models.contracts import RunKind
from models.settings import Settings
from models.tables.records import Run

router = APIRouter(tags=["运维"])
Readers = Annotated[Desk, Depends(for_roles(*READERS))]
_HEADERS = {
    "number": "编号",
    "kind_label": "类别",
    "fund_year": "资金年度",
    "batch_no": "批次",
    "stage_label": "阶段",
    "waiting_for": "等待",
    "since": "自",
    "opened_at": "开始",
    "closed_at": "结束",
    "restarts": "重启次数",
    "url": "运行链接",
}


@router.get("/runs", summary="流程运行")
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
        return await listed(session, page, _HEADERS, chosen, lambda row: (row.id or 0, _view(desk.settings, row)))


def _view(settings: Settings, run: Run) -> dict[str, object]:
    return run_block(settings, run) | {
        "kind": run.kind,
        "kind_label": run.kind.label,
        "number": run.number,
        "fund_year": run.fund_year,
        "batch_no": run.batch_no,
        "opened_at": run.opened_at,
        "closed_at": run.closed_at,
        "restarts": run.restarts,
    }

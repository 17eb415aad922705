"""How a run is shown in the list of them all: what it is about, and what it waits for."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.counter.run_block import RunBlock
from models.contracts import RunKind
from models.tables.records import Run
from models.words.staff import Role

HEADERS = {
    "number": "编号",
    "kind_label": "类别",
    "fund_year": "资金年度",
    "batch_no": "批次",
    "stage_label": "阶段",
    "waiting_for": "等待",
    "since": "自",
    "next_by": "下一步",
    "due": "最迟",
    "opened_at": "开始",
    "closed_at": "结束",
    "restarts": "重启次数",
}
_LINK = {"url": "运行链接"}


class RunView(RunBlock):
    """一件所办事项的运行。"""

    kind: RunKind
    kind_label: str
    number: Annotated[str, Field(description="所办事项的编号")]
    fund_year: Annotated[int | None, Field(description="资金年度")]
    batch_no: Annotated[str | None, Field(description="批次")]
    opened_at: datetime
    closed_at: Annotated[datetime | None, Field(description="结束时间；还在办的为空")]
    restarts: Annotated[int, Field(description="重启次数")]
    next_by: Annotated[str | None, Field(description="下一步由谁办理")]
    due: Annotated[date | None, Field(description="最迟哪一天")]


def headers_for(role: Role) -> dict[str, str]:
    """The columns of Excel; the link is ops' alone."""
    return HEADERS | _LINK if role is Role.OPS else HEADERS


def run_view(run: Run, block: RunBlock) -> RunView:
    return {
        **block,
        "kind": run.kind,
        "kind_label": run.kind.label,
        "number": run.number,
        "fund_year": run.fund_year,
        "batch_no": run.batch_no,
        "opened_at": run.opened_at,
        "closed_at": run.closed_at,
        "restarts": run.restarts,
        "next_by": block["next"]["by_label"] if block["next"] else None,
        "due": block["next"]["due"] if block["next"] else None,
    }

"""发放汇总's three acts: which of them who asks may do now, and why not the others (S1 second 2.7)."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from fastapi import APIRouter
from pydantic import Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.roles import CountyReaders
from api.flows.guard import flow_id
from api.server.answers import Items, refusals
from api.server.problems import not_found
from models.store.applications.makers import acts_in_flow
from models.store.flows.summaries import SummaryRow, summaries_of
from models.tables.flows import Flow
from models.words.makers import Act, closed_by, refusal_words
from models.words.staff import Role
from models.words.stages import FlowStage, SummaryStage

router = APIRouter(tags=["发放汇总"])


class _Kind(NamedTuple):
    """An act, by whom, at which stages of flow and summary."""

    label: str
    role: Role
    by: str
    flow: frozenset[FlowStage]
    summary: frozenset[SummaryStage]


_KINDS: Mapping[Act, _Kind] = {
    Act.SUMMARY_REVIEWED: _Kind(
        "审核",
        Role.REVIEWER,
        "审核人",
        frozenset({FlowStage.COUNTY_REVIEW, FlowStage.COUNTY_PASSED}),
        frozenset({SummaryStage.OPEN, SummaryStage.COUNTY_PASSED}),
    ),
    Act.SUMMARY_SUBMITTED: _Kind(
        "提交",
        Role.OPERATOR,
        "县操作员",
        frozenset({FlowStage.COUNTY_PASSED}),
        frozenset({SummaryStage.COUNTY_PASSED}),
    ),
    Act.PAYMENT_CONFIRMED: _Kind(
        "确认发放",
        Role.REVIEWER,
        "第二位审核人",
        frozenset({FlowStage.SUMMARY_SUBMITTED, FlowStage.SUMMARY_APPROVED}),
        frozenset({SummaryStage.APPROVED}),
    ),
}


class SummaryAct(TypedDict):
    """一个按钮：本人现在能不能办，为什么。"""

    act: Annotated[str, Field(description="summary_reviewed 审核，summary_submitted 提交，payment_confirmed 确认发放")]
    label: str
    allowed: Annotated[bool, Field(description="本人现在能否办理")]
    why: Annotated[str | None, Field(description="不能办理的原因")]


@router.get("/flows/{flow_no}/summary/acts", response_model=Items[SummaryAct], responses=refusals(NOT_FOUND=404))
async def summary_acts(desk: CountyReaders, flow_no: str) -> Items[SummaryAct]:
    """For who asks, as things stand; an act is judged again."""
    async with desk.database.snapshot() as session:
        statement = select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county)
        flow = (await session.exec(statement)).first()
        if flow is None:
            raise not_found("补贴流程")
        whys = await _whys(desk, session, flow)
    return {"items": [{"act": act, "label": _called(act, flow), "allowed": not why, "why": why} for act, why in whys]}


def _called(act: Act, flow: Flow) -> str:
    """What has passed can't be passed again, only be taken back while it isn't handed in."""
    passed = act is Act.SUMMARY_REVIEWED and flow.stage is FlowStage.COUNTY_PASSED
    return "改为审核不通过" if passed else _KINDS[act].label


async def _whys(desk: Desk, session: AsyncSession, flow: Flow) -> list[tuple[Act, str | None]]:
    summary, *_ = await summaries_of(session, flow_id(flow))
    did = await acts_in_flow(session, flow.flow_no, desk.person)
    found = []
    for act, kind in _KINDS.items():
        closed = closed_by(act, did) if desk.role is kind.role else ()
        person = refusal_words(act, closed) if closed else None
        found.append((act, _unfit(kind, flow, summary) or _others_turn(desk, kind) or person))
    return found


def _unfit(kind: _Kind, flow: Flow, summary: SummaryRow) -> str | None:
    if flow.stage not in kind.flow:
        return f"流程现在是“{flow.stage.label}”"
    if summary.stage not in kind.summary:
        return f"汇总现在是“{SummaryStage(summary.stage).label}”" if summary.stage else "汇总正在生成"
    # a worker of an earlier version may put the stage back until the platform has the confirmation
    return "已经确认发放" if summary.confirmed_at else None


def _others_turn(desk: Desk, kind: _Kind) -> str | None:
    return None if desk.role is kind.role else f"由{kind.by}办理"

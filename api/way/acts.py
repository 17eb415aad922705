"""What may be done with a flow now: each button with the lines it is about, and why it can't be pressed (S1 2.7)."""

from collections.abc import Mapping
from typing import Annotated

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
from models.store.orders.orders import cancellations_open, is_being_cancelled, summary_is_approved
from models.store.orders.rules import CHANGEABLE, DEFERRAL_RULES, FIT_STAGES, REST_OF_EVIDENCE, RULES, Fit, fitting
from models.store.selection import Rule
from models.tables.flows import Flow
from models.words.staff import Role
from models.words.stages import FlowStage, OrderKind

router = APIRouter(tags=["补贴流程"])

DEFERRAL = "deferral"
_DEFERRING = frozenset({FlowStage.SETTLING, FlowStage.UNDER_REVIEW})
# The seed's buttons, then ours.
_ACTS: Mapping[str, str] = {
    OrderKind.MODIFIED: OrderKind.MODIFIED.label,
    OrderKind.CONFIRMED: OrderKind.CONFIRMED.label,
    OrderKind.UNVERIFIED: OrderKind.UNVERIFIED.label,
    OrderKind.WITHDRAWAL: OrderKind.WITHDRAWAL.label,
    DEFERRAL: "转入下批",
    OrderKind.REPAYMENT: OrderKind.REPAYMENT.label,
    OrderKind.EVIDENCE: OrderKind.EVIDENCE.label,
    OrderKind.CANCELLATION: OrderKind.CANCELLATION.label,
}
_RULES: Mapping[str, tuple[Rule, ...]] = {
    **{kind: rules for kind, rules in RULES.items() if kind in _ACTS},
    OrderKind.EVIDENCE: REST_OF_EVIDENCE,
    DEFERRAL: DEFERRAL_RULES,
    # what is paid out or in an order is cancelled too
    OrderKind.CANCELLATION: RULES[OrderKind.WITHDRAWAL][:1],
}


class FlowAct(TypedDict):
    """一个按钮：涉及几笔，现在能不能办，为什么。"""

    act: Annotated[str, Field(description="指令的类别，或 deferral 转入下批")]
    label: str
    count: Annotated[int, Field(description="涉及的笔数")]
    fen: Annotated[int, Field(description="涉及的金额（分）")]
    allowed: Annotated[bool, Field(description="本人现在能否办理")]
    why: Annotated[str | None, Field(description="不能办理的原因")]


@router.get("/flows/{flow_no}/acts", response_model=Items[FlowAct], responses=refusals(NOT_FOUND=404))
async def flow_acts(desk: CountyReaders, flow_no: str) -> Items[FlowAct]:
    """For who asks, as things stand; an entry is judged again."""
    async with desk.database.snapshot() as session:
        statement = select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county)
        flow = (await session.exec(statement)).first()
        if flow is None:
            raise not_found("补贴流程")
        fits = await fitting(session, flow_id(flow), _RULES)
        hindered = await _hindered(session, flow)
        return {"items": [_act(desk, flow, act, fits[act], hindered) for act in _ACTS]}


async def _hindered(session: AsyncSession, flow: Flow) -> dict[str, str]:
    """What stands in the way of acts beside stage and lines."""
    number, cancelling = flow_id(flow), OrderKind.CANCELLATION.value
    if await is_being_cancelled(session, number):
        return {act: "撤销指令已复核，正在执行" for act in _ACTS if act != OrderKind.EVIDENCE}
    if await summary_is_approved(session, number):
        return {cancelling: "平台已审核通过汇总，不能再撤销"}
    return {cancelling: "已有一个撤销指令，等待复核"} if await cancellations_open(session, number) else {}


def _act(desk: Desk, flow: Flow, act: str, fit: Fit, hindered: Mapping[str, str]) -> FlowAct:
    why = _why_not(desk, flow, act, fit, hindered)
    return {"act": act, "label": _ACTS[act], "count": fit.lines, "fen": fit.fen, "allowed": why is None, "why": why}


def _why_not(desk: Desk, flow: Flow, act: str, fit: Fit, hindered: Mapping[str, str]) -> str | None:
    if desk.role is not Role.OPERATOR:
        return "由县操作员办理"
    stages = _DEFERRING if act == DEFERRAL else FIT_STAGES.get(OrderKind(act), CHANGEABLE)
    if flow.stage not in stages:
        return f"流程现在是“{flow.stage.label}”"
    if act in hindered:
        return hindered[act]
    return None if fit.lines or act == OrderKind.CANCELLATION else "没有符合条件的申请"

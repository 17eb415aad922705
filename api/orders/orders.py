"""Orders: an operator enters with a reason, another person confirms or refuses (S1 2.7 [ours])."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.catalogs import catalogs_for
from api.counter.desk import Desk, Reply
from api.counter.roles import Operators, Reviewers, require_other
from api.flows.guard import known_flow, line_errors, locked_lines, require_stage, run_id
from api.orders.order_acts import REFUSALS, named_errors, refuse_when_approved, refuse_while_cancelling, take_order
from api.orders.order_forms import NewOrder, check_shape
from api.orders.order_views import OrderDecided, OrderEntered, order_decided
from api.server.answers import refusals
from api.server.problems import conflict, not_found
from models.contracts import Signal
from models.forms.catalogs import Catalogs
from models.free_text import FREE_TEXT
from models.store.applications.acts import change_chosen, choose
from models.store.applications.makers import ADD_EDITOR
from models.store.locking import lock_county
from models.store.orders.orders import NAME_AS_ORDERED, NAME_RULES, TAKE_CORRECT_NAME, locked_order, mark_decided
from models.store.orders.rules import FIT_STAGES, RULES, judge_order
from models.store.runs.runs import wake
from models.store.selection import among
from models.store.sql import execute, fetch_int
from models.store.texts import seal_text
from models.tables.flows import Flow, Order
from models.words.makers import Act
from models.words.refusals import Refusal
from models.words.stages import OrderKind, OrderState

router = APIRouter(tags=["指令"])
# What moves money or identity, or can't be taken back.
_WITH_CODE = frozenset({OrderKind.WITHDRAWAL, OrderKind.CANCELLATION, OrderKind.REPAYMENT, OrderKind.NAME_CORRECTION})
_UNDECIDED = {Refusal.NOT_FOUND: 404, Refusal.SAME_PERSON: 403, Refusal.ORDER_DECIDED: 409}


class OrderConfirmation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remark: Annotated[str | None, Field(max_length=500), FREE_TEXT] = None


class OrderRefusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    remark: Annotated[str, Field(min_length=1, max_length=500), FREE_TEXT]


@router.post("/orders", status_code=201, response_model=OrderEntered, responses=REFUSALS)
async def enter_order(desk: Operators, wanted: NewOrder) -> Response:
    """修改申请提交, 确认需发放提交, 大数据校验不通过数据提交, 补发, 撤回, 撤销流程, 提交材料, 按平台更正姓名."""
    check_shape(wanted)
    catalogs = await catalogs_of(desk, wanted)

    async def work(session: AsyncSession) -> Reply:
        entered = await take_order(desk, session, wanted, catalogs)
        return Reply(201, entered, f"/orders/{entered['order_no']}")

    return await desk.once(work)


async def catalogs_of(desk: Desk, wanted: NewOrder) -> Catalogs | None:
    """The lists that corrections are held against; before the order's own transaction: fetching may need its own."""
    if wanted.corrections is None:
        return None
    return await catalogs_for(desk, await _year_of(desk, wanted.flow_no or ""))


async def _year_of(desk: Desk, flow_no: str) -> int:
    async with desk.database.reading() as session:
        flow_id = await known_flow(session, desk, flow_no)
        return await fetch_int(session, "SELECT fund_year FROM flow WHERE id = :id", id=flow_id)


@router.post(
    "/orders/{order_no}/confirmation",
    response_model=OrderDecided,
    responses=refusals(
        **_UNDECIDED,
        CODE_NEEDED=403,
        FLOW_STAGE_UNFIT=409,
        FLOW_CANCELLING=409,
        SUMMARY_APPROVED=409,
        LINES_UNFIT=409,
    ),
)
async def confirm_order(desk: Reviewers, order_no: str, confirmation: OrderConfirmation) -> Response:
    """Judged again under the flow's lock; then the flow's run carries it out. Some kinds want a recent code."""
    return await desk.once(lambda session: _confirm(desk, session, order_no, confirmation.remark))


@router.post("/orders/{order_no}/refusal", response_model=OrderDecided, responses=refusals(**_UNDECIDED))
async def refuse_order(desk: Reviewers, order_no: str, refusal: OrderRefusal) -> Response:
    """Nothing changes but the order, and its lines are free for another one."""
    return await desk.once(lambda session: _refuse(desk, session, order_no, refusal.remark))


async def _open_order(desk: Desk, session: AsyncSession, order_no: str, act: str) -> Order:
    order = await locked_order(session, desk.county, order_no)
    if order is None:
        raise not_found("指令")
    if order.state is not OrderState.ENTERED:
        detail = f"指令 {order_no} 现在是“{order.state.label}”，不能再{act}；请刷新后核对"
        raise conflict(Refusal.ORDER_DECIDED, "指令已经办理", detail)
    require_other(Act.ORDER_DECIDED, [Act.ORDER_ENTERED] if order.entered_by == desk.person else [])
    return order


async def _confirm(desk: Desk, session: AsyncSession, order_no: str, remark: str | None) -> Reply:
    # the county's lock comes first, as in every act on applications, so that nobody waits crosswise
    await lock_county(session, desk.county)
    order = await _open_order(desk, session, order_no, "复核")
    if order.kind in _WITH_CODE:
        desk.require_code()
    if order.flow_id is None:
        await _correct_names(session, desk.county, order)
        state = OrderState.DONE
    else:
        flow = await session.get(Flow, order.flow_id)
        assert flow is not None
        await _judge_again(session, flow, order)
        await wake(session, run_id(flow), Signal.ORDER_CONFIRMED, [order_no])
        state = OrderState.CONFIRMED
    mark_decided(order, desk.person, seal_text(desk.vault, desk.county, remark), state)
    return await _decided(desk, session, order, "orders.confirmed", remark)


async def _judge_again(session: AsyncSession, flow: Flow, order: Order) -> None:
    require_stage(flow, FIT_STAGES[order.kind], f"复核“{order.kind.label}”")
    if order.kind is OrderKind.CANCELLATION:
        await refuse_when_approved(session, flow)
        return
    await refuse_while_cancelling(session, flow, order.kind)
    assert order.id is not None
    assert flow.id is not None
    verdict = await judge_order(session, flow.id, RULES[order.kind], order.id)
    if verdict.unfit:
        detail = f"指令中有 {len(verdict.unfit)} 笔已不符合条件，请复核不通过并由操作员重新录入"
        why = await locked_lines(session, flow.county_code, verdict.unfit)
        errors = line_errors(verdict.unfit, verdict.left_out, why)
        raise conflict(Refusal.LINES_UNFIT, "录入之后情况有变", detail, errors)


async def _correct_names(session: AsyncSession, county: str, order: Order) -> None:
    """按平台更正姓名 takes effect at once: the lines wait for the next initialisation."""
    chosen = among(county).also("a.id = ANY(ARRAY(SELECT application_id FROM order_line WHERE order_id = :order))")
    choice = await choose(session, chosen, (*NAME_RULES, NAME_AS_ORDERED), None, order=order.id)
    if choice.count != order.line_count:
        detail = "指令中有申请已不符合条件，请复核不通过并由操作员重新录入"
        errors = await named_errors(session, county, choice.left_out)
        raise conflict(Refusal.LINES_UNFIT, "录入之后情况有变", detail, errors)
    order.done_count = await change_chosen(session, f"{TAKE_CORRECT_NAME}, {ADD_EDITOR}", editor=order.entered_by)
    order.done_fen, order.outcome = choice.total_fen, f"已更正 {order.done_count} 笔，可重新数据初始化"
    await execute(session, "UPDATE order_line SET done = true WHERE order_id = :order", order=order.id)


async def _refuse(desk: Desk, session: AsyncSession, order_no: str, remark: str) -> Reply:
    order = await _open_order(desk, session, order_no, "退回")
    mark_decided(order, desk.person, seal_text(desk.vault, desk.county, remark), OrderState.REFUSED)
    return await _decided(desk, session, order, "orders.refused", remark)


async def _decided(desk: Desk, session: AsyncSession, order: Order, act: str, remark: str | None) -> Reply:
    session.add(order)
    await session.flush()
    detail = {"kind": order.kind.value, "before": "entered", "after": order.state.value, "remark": remark}
    await desk.trail(session, act, order.order_no, detail, order.line_count, order.total_fen)
    return Reply(200, order_decided(act, order))

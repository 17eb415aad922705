"""Orders as they are shown: what was ordered, by whom, what came of it; and what entry and decision are answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import ActAnswer, LeftOutLines
from api.counter.desk import Desk
from api.counter.run_block import RunBlock
from api.server.problems import not_found
from models.store.sql import fetch
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.flows import Order
from models.words.stages import OrderKind, OrderState

HEADERS: Mapping[str, str] = {
    "order_no": "指令编号",
    "kind_label": "指令",
    "flow_no": "流程编号",
    "state_label": "状态",
    "line_count": "笔数",
    "total_fen": "金额（元）",
    "done_count": "已执行笔数",
    "done_fen": "已执行金额（元）",
    "reason": "理由",
    "entered_by": "录入人",
    "entered_at": "录入时间",
    "confirmed_by": "复核人",
    "confirmed_at": "复核时间",
    "remark": "复核意见",
    "outcome": "执行结果",
}


class OrderView(TypedDict):
    """指令：操作员录入，由另一人复核，然后执行。"""

    order_no: str
    kind: OrderKind
    state: OrderState
    line_count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    done_count: Annotated[int, Field(description="已执行笔数")]
    done_fen: Annotated[int, Field(description="已执行金额（分）")]
    entered_by: Annotated[str, Field(description="录入人")]
    entered_at: datetime
    confirmed_by: Annotated[str | None, Field(description="复核人")]
    confirmed_at: datetime | None
    outcome_code: Annotated[str | None, Field(description="未能执行的原因代码")]
    outcome: Annotated[str | None, Field(description="执行结果")]
    finished_at: Annotated[datetime | None, Field(description="办结时间")]
    flow_no: Annotated[str | None, Field(description="所属流程；更正姓名不属于任何流程")]
    kind_label: str
    state_label: str
    reason: Annotated[str, Field(description="录入理由")]
    remark: Annotated[str | None, Field(description="复核意见")]


class OrderFault(TypedDict):
    """没有执行的笔数，按原因。"""

    code: str
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


class OrderDetails(OrderView):
    faults: list[OrderFault]
    run: Annotated[RunBlock | None, Field(description="执行它的运行：提交材料有自己的，其余为所属流程的")]


class OrderWarning(TypedDict):
    """不妨碍录入、请再看一眼的：内容另存为别的写法的、账号少见的（pointer）；缺材料的（missing、count）。"""

    code: str
    detail: Annotated[str, Field(description="中文说明")]
    pointer: NotRequired[Annotated[str, Field(description="请求体内的位置")]]
    missing: NotRequired[Annotated[list[str], Field(description="缺少的照片种类")]]
    count: NotRequired[Annotated[int, Field(description="笔数")]]


class OrderEntered(ActAnswer):
    order_no: str
    kind: OrderKind
    state: OrderState
    state_label: str
    needs_confirmation: Annotated[bool, Field(description="是否须由另一人复核")]
    warnings: list[OrderWarning]


class OrderTold(TypedDict):
    """指令预览：录入以后会是什么。"""

    count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    left_out: Annotated[list[LeftOutLines], Field(description="不在其中的申请，按原因")]
    needs_confirmation: Annotated[bool, Field(description="是否须由另一人复核")]
    warnings: list[OrderWarning]


class OrderDecided(TypedDict):
    """复核的结果。"""

    act: str
    order_no: str
    kind: OrderKind
    state: OrderState
    state_label: str
    count: Annotated[int, Field(description="笔数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    done_count: Annotated[int, Field(description="已执行笔数；更正姓名当即执行，其余由流程执行")]
    done_fen: Annotated[int, Field(description="已执行金额（分）")]


def order_view(vault: Vault, order: Order, flow_no: str | None) -> OrderView:
    return {
        "order_no": order.order_no,
        "kind": order.kind,
        "state": order.state,
        "line_count": order.line_count,
        "total_fen": order.total_fen,
        "done_count": order.done_count,
        "done_fen": order.done_fen,
        "entered_by": order.entered_by,
        "entered_at": order.entered_at,
        "confirmed_by": order.confirmed_by,
        "confirmed_at": order.confirmed_at,
        "outcome_code": order.outcome_code,
        "outcome": order.outcome,
        "finished_at": order.finished_at,
        "flow_no": flow_no,
        "kind_label": order.kind.label,
        "state_label": order.state.label,
        "reason": open_text(vault, order.county_code, order.reason_sealed),
        "remark": open_text(vault, order.county_code, order.remark_sealed),
    }


def order_decided(act: str, order: Order) -> OrderDecided:
    return {
        "act": act,
        "order_no": order.order_no,
        "kind": order.kind,
        "state": order.state,
        "state_label": order.state.label,
        "count": order.line_count,
        "total_fen": order.total_fen,
        "done_count": order.done_count,
        "done_fen": order.done_fen,
    }


async def find_order(session: AsyncSession, desk: Desk, order_no: str) -> Order:
    statement = select(Order).where(Order.order_no == order_no, Order.county_code == desk.county)
    order = (await session.exec(statement)).first()
    if order is None:
        raise not_found("指令")
    return order


class _FlowNumber(NamedTuple):
    id: int
    flow_no: str


async def flow_numbers(session: AsyncSession, orders: Sequence[Order]) -> dict[int, str]:
    ids = [order.flow_id for order in orders if order.flow_id is not None]
    rows = await fetch(session, _FlowNumber, "SELECT id, flow_no FROM flow WHERE id = ANY(:ids)", ids=ids)
    return {row.id: row.flow_no for row in rows}


class _Fault(NamedTuple):
    code: str
    lines: int
    fen: int


async def faults_of(session: AsyncSession, order: Order) -> list[OrderFault]:
    rows = await fetch(
        session,
        _Fault,
        "SELECT fault_code AS code, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM order_line"
        " WHERE order_id = :order AND fault_code IS NOT NULL GROUP BY 1 ORDER BY 1",
        order=order.id,
    )
    return [{"code": row.code, "count": row.lines, "fen": row.fen} for row in rows]

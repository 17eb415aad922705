"""Orders as rows: entered with their lines, decided by another person, one open order per line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.rules import CLEAR_MATCH, ordered
from models.store.lock_order import Rank
from models.store.locking import lock_flow, lock_row
from models.store.numbers import Series, take_one
from models.store.orders.rules import Candidate
from models.store.register.lock_rules import LockedAct, lock_rule
from models.store.selection import Rule
from models.store.sql import copy_rows, execute, fetch_int
from models.tables.base import now
from models.tables.flows import Flow, Order
from models.words.refusals import Refusal
from models.words.stages import OrderKind, OrderState

NOT_NAME_DIFFERS = Rule(
    Refusal.NO_CORRECT_NAME,
    "平台没有反馈“姓名不同”的正确姓名，或已经更正",
    "a.stage <> 'unmatched' OR a.match_outcome IS DISTINCT FROM 'name_differs' OR a.correct_name_sealed IS NULL",
)
NAME_IN_ORDER = Rule(
    Refusal.IN_OPEN_ORDER,
    "已在另一个尚未办结的指令中，请等它办结或由审核人退回后再办理",
    ordered(
        "ol.application_id = a.id",
        "o.kind = 'name_correction' AND o.state IN ('entered', 'confirmed') AND o.id <> CAST(:order AS bigint)",
    ),
)
NAME_RULES = (NOT_NAME_DIFFERS, NAME_IN_ORDER, lock_rule(LockedAct.NAME_CORRECTION, "a"))
# The order holds the very answer of the platform that it was entered on, as its enterer and its reviewer read it.
NAME_AS_ORDERED = Rule(
    Refusal.CORRECT_NAME_CHANGED,
    "平台反馈的正确姓名在指令录入之后有变",
    "a.correct_name_sealed IS DISTINCT FROM (SELECT ol.correction_sealed FROM order_line ol"
    " WHERE ol.order_id = CAST(:order AS bigint) AND ol.application_id = a.id)",
)
# Names as the platform says, then initialised again (S1 2.4.1); both columns are sealed to the same row and field.
TAKE_CORRECT_NAME = (
    f"name_sealed = correct_name_sealed, name_index = correct_name_index, stage = 'publicised', {CLEAR_MATCH}"
)


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """What an operator orders; `confirmed` at once only where no second person is needed."""

    county_code: str
    year: int
    kind: OrderKind
    reason_sealed: str
    entered_by: str
    line_count: int
    total_fen: int
    flow: Flow | None = None
    confirmed: bool = False


async def add_order(session: AsyncSession, entry: OrderEntry) -> Order:
    order = Order(
        order_no=await take_one(session, Series.ORDER, entry.county_code, entry.year),
        county_code=entry.county_code,
        kind=entry.kind,
        flow_id=entry.flow.id if entry.flow else None,
        batch_id=entry.flow.batch_id if entry.flow else None,
        state=OrderState.CONFIRMED if entry.confirmed else OrderState.ENTERED,
        reason_sealed=entry.reason_sealed,
        line_count=entry.line_count,
        total_fen=entry.total_fen,
        entered_by=entry.entered_by,
    )
    session.add(order)
    await session.flush()
    return order


async def add_flow_lines(
    session: AsyncSession, order: Order, lines: Sequence[Candidate], corrections: Mapping[str, tuple[str, int]]
) -> None:
    """`corrections` gives the sealed correction and the amount to be submitted, by application number."""
    columns = ("order_id", "application_id", "application_no", "flow_line_id", "amount_fen", "correction_sealed")
    rows = []
    for line in lines:
        sealed, amount_fen = corrections.get(line.application_no, (None, line.amount_fen))
        rows.append((order.id, line.application_id, line.application_no, line.line_id, amount_fen, sealed))
    await copy_rows(session, "order_line", columns, rows)


async def add_chosen_applications(session: AsyncSession, order: Order) -> None:
    """The lines of the transaction's `chosen` applications that fit, each with the name that it is to get."""
    await execute(
        session,
        "INSERT INTO order_line (order_id, application_id, application_no, amount_fen, correction_sealed)"
        " SELECT :order, c.id, c.application_no, c.amount_fen, a.correct_name_sealed"
        " FROM chosen c JOIN application a ON a.id = c.id WHERE c.left_out IS NULL",
        order=order.id,
    )


async def lock_county_flow(session: AsyncSession, county_code: str, flow_no: str) -> Flow | None:
    """A county's flow; whoever decides something about it takes turns here and looks again."""
    return await lock_flow(session, Flow.flow_no == flow_no, Flow.county_code == county_code)


async def locked_order(session: AsyncSession, county_code: str, order_no: str) -> Order | None:
    """An order under the lock of its flow: the flow first, so that nobody waits crosswise."""
    statement = select(Order).where(Order.order_no == order_no, Order.county_code == county_code)
    order = (await session.exec(statement)).first()
    if order is None:
        return None
    if order.flow_id is not None:
        await lock_flow(session, Flow.id == order.flow_id)
    return await lock_row(session, Rank.FLOW, statement)


def mark_decided(order: Order, person: str, remark_sealed: str | None, state: OrderState) -> None:
    order.state, order.confirmed_by, order.confirmed_at, order.remark_sealed = state, person, now(), remark_sealed
    if state in (OrderState.REFUSED, OrderState.DONE):
        order.finished_at = order.confirmed_at


async def is_being_cancelled(session: AsyncSession, flow_id: int) -> bool:
    """A confirmed cancellation that the workflow hasn't carried out yet."""
    return await _orders(session, flow_id, "kind = 'cancellation' AND state = 'confirmed'") > 0


async def cancellations_open(session: AsyncSession, flow_id: int) -> int:
    return await _orders(session, flow_id, "kind = 'cancellation' AND state IN ('entered', 'confirmed')")


async def orders_under_way(session: AsyncSession, flow_id: int) -> int:
    """Confirmed orders that still change lines."""
    return await _orders(session, flow_id, "kind <> 'evidence' AND state = 'confirmed'")


async def _orders(session: AsyncSession, flow_id: int, condition: str) -> int:
    statement = f"SELECT count(*) FROM operator_order WHERE flow_id = :flow AND {condition}"
    return await fetch_int(session, statement, flow=flow_id)


async def living_lines(session: AsyncSession, flow_id: int) -> tuple[int, int]:
    """Count and fen of the lines that a cancellation takes with it."""
    condition = "flow_id = :flow AND state NOT IN ('withdrawn', 'deferred', 'cancelled')"
    count = await fetch_int(session, f"SELECT count(*) FROM flow_line WHERE {condition}", flow=flow_id)
    total = await fetch_int(
        session, f"SELECT coalesce(sum(amount_fen), 0)::bigint FROM flow_line WHERE {condition}", flow=flow_id
    )
    return count, total


async def summary_is_approved(session: AsyncSession, flow_id: int) -> bool:
    condition = "flow_id = :flow AND stage IN ('approved', 'confirmed')"
    return await fetch_int(session, f"SELECT count(*) FROM summary WHERE {condition}", flow=flow_id) > 0

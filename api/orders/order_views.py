"""Lists of orders and of their lines: what was ordered, by whom, what would change, and what came of it."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.disclosures import WholeNames
from api.applications.views import HOUSEHOLDS, LineRow
from api.counter.chunks import View, read_lines
from api.counter.desk import COUNTY, Desk, for_roles
from api.counter.export import respond
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import Names, names_of
from api.counter.paging import Page, Pages
from api.counter.run_block import run_of
from api.flows.guard import known_flow
from api.orders.order_people import HEADERS as PERSON_HEADERS
from api.orders.order_people import OTHERS, PersonView
from api.server.problems import not_found
from models.contracts import RunKind
from models.forms.account_numbers import CARD_TYPES
from models.forms.masking import masked
from models.forms.money import format_yuan
from models.store.orders.corrections import open_correction
from models.store.orders.rules import Word
from models.store.selection import Predicate
from models.store.sql import loose
from models.store.texts import open_text
from models.store.vault import Field, Vault
from models.tables.flows import Order
from models.words.evidence import PHOTOS
from models.words.stages import OrderKind, OrderState
from models.words.unreadable import UNREADABLE

router = APIRouter(tags=["指令"])

Readers = Annotated[Desk, Depends(for_roles(*COUNTY))]


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
LINE_HEADERS: Mapping[str, str] = {
    **PERSON_HEADERS,
    "changes": "更正内容",
    "done_label": "执行结果",
    "fault": "未执行原因",
}
# An order's lines by application: what a correction changes is shown beside what it is now.
LINES = f"""
SELECT a.*, others.told AS others, others.count AS others_count FROM (
  SELECT ol.application_id AS id, ol.order_id, ol.application_no, ol.amount_fen, ol.correction_sealed, ol.done,
    ol.fault_code, ol.fault, o.kind, o.state, coalesce(l.name_sealed, p.name_sealed) AS name_sealed, l.phone_sealed,
    coalesce(l.town_code, p.town_code) AS town_code, l.village_code, l.group_name,
    coalesce(l.bank_code, p.bank_code) AS bank_code, l.account_sealed, l.amount_fen AS line_fen,
    l.household_registration, l.family_size,
    p.correct_name_sealed, p.county_code, p.person_index, p.applicant_kind, p.item_code,
    coalesce(l.verification, p.verification) AS verification, p.verification_reason_sealed, l.state AS line_state,
    l.payment, l.reason_code, l.reason_sealed
  FROM order_line ol JOIN operator_order o ON o.id = ol.order_id JOIN application p ON p.id = ol.application_id
  LEFT JOIN flow_line l ON l.id = ol.flow_line_id
) AS a {OTHERS}
"""
LABELS: Mapping[str, str] = {
    "name": "姓名",
    "phone": "手机号",
    "town_code": "乡镇",
    "village_code": "村",
    "group": "组",
    "bank_code": "开户行",
    "account_no": "账号",
    "card_type": "卡类型",
    "amount_fen": "金额（元）",
    "household_registration": "户口性质",
    "family_size": "家庭成员数",
    "photos": "更换照片",
}


class OrderQuery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kind: OrderKind | None = None
    state: OrderState | None = None
    flow_no: Word | None = None


def order_view(vault: Vault, order: Order, flow_no: str | None) -> dict[str, object]:
    view = order.model_dump(exclude={"id", "county_code", "flow_id", "batch_id", "reason_sealed", "remark_sealed"})
    return view | {
        "flow_no": flow_no,
        "kind_label": order.kind.label,
        "state_label": order.state.label,
        "reason": open_text(vault, order.county_code, order.reason_sealed),
        "remark": open_text(vault, order.county_code, order.remark_sealed),
    }


@router.get("/orders")
async def list_orders(desk: Readers, page: Pages, query: Annotated[OrderQuery, Query()]) -> Response:
    """Newest first."""
    statement = select(Order).where(Order.county_code == desk.county)
    if query.kind is not None:
        statement = statement.where(Order.kind == query.kind)
    if query.state is not None:
        statement = statement.where(Order.state == query.state)
    async with desk.database.snapshot() as session:
        if query.flow_no is not None:
            statement = statement.where(Order.flow_id == await known_flow(session, desk, query.flow_no))
        orders = (await session.exec(page.newest_first(statement, Order.id))).all()
        numbers = await _flow_numbers(session, [order.flow_id for order in orders if order.flow_id is not None])
    rows = [(order.id or 0, order_view(desk.shown, order, numbers.get(order.flow_id or 0))) for order in orders]
    return await respond(page, HEADERS, rows)


async def _flow_numbers(session: AsyncSession, ids: list[int]) -> dict[int, str]:
    rows = await loose(session, "SELECT id, flow_no FROM flow WHERE id = ANY(:ids)", ids=ids)
    return {int(flow_id): str(flow_no) for flow_id, flow_no in rows}


async def find_order(session: AsyncSession, desk: Desk, order_no: str) -> Order:
    statement = select(Order).where(Order.order_no == order_no, Order.county_code == desk.county)
    order = (await session.exec(statement)).first()
    if order is None:
        raise not_found("指令")
    return order


@router.get("/orders/{order_no}")
async def show_order(desk: Readers, order_no: str, long_poll: LongPoll) -> dict[str, object]:
    """With the run that carries it out: its own for evidence, the flow's for the others."""
    await long_poll.until_other(desk, stage_of("operator_order", "order_no", "state"), order_no)
    async with desk.database.snapshot() as session:
        order = await find_order(session, desk, order_no)
        numbers = await _flow_numbers(session, [order.flow_id] if order.flow_id is not None else [])
        flow_no = numbers.get(order.flow_id or 0)
        run = None
        if order.kind is OrderKind.EVIDENCE:
            run = await run_of(session, desk.settings, RunKind.EVIDENCE, order_no)
        elif flow_no is not None:
            run = await run_of(session, desk.settings, RunKind.SUBSIDY_FLOW, flow_no)
        faults = await loose(
            session,
            "SELECT fault_code, count(*), sum(amount_fen)::bigint FROM order_line "
            "WHERE order_id = :order AND fault_code IS NOT NULL GROUP BY 1 ORDER BY 1",
            order=order.id,
        )
    listed = [{"code": code, "count": count, "fen": fen} for code, count, fen in faults]
    return {**order_view(desk.shown, order, flow_no), "faults": listed, "run": run}


@router.get("/orders/{order_no}/lines")
async def list_order_lines(desk: Readers, order_no: str, page: Pages) -> Response:
    """Every line with whom it is about, what would change (before and after, while undecided), what came of it.

    Names and corrections are whole to operator and reviewer, who decide; the trail notes whose were shown to whom.
    """
    whole = WholeNames(desk)
    async with desk.database.snapshot() as session:
        order = await find_order(session, desk, order_no)
        rows = await read_order_lines(desk, session, page, order, whole)
    await whole.note(order_no, page, rows)
    return await respond(page, LINE_HEADERS, rows)


async def read_order_lines(
    desk: Desk, session: AsyncSession, page: Page, order: Order, whole: WholeNames
) -> list[tuple[int, View]]:
    chosen = Predicate("a.order_id = :order", {"order": order.id})
    view = OrderLineView(desk.shown, await names_of(session, desk.county), whole.of)
    return await read_lines(session, page, chosen, view.view, LINE_HEADERS, LINES)


class OrderLineView:
    """Whoever confirms a correction must see it whole: masked is what others see; new photos are read as files."""

    def __init__(self, vault: Vault, names: Names, whole: Callable[[str], bool]) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole
        self._person = PersonView(vault, names, whole)

    def view(self, row: LineRow) -> dict[str, object]:
        changes = self._changes(row)
        if changes and not self._whole(row.application_no):
            changes = {
                field: {when: masked(value, field) for when, value in change.items()}
                for field, change in changes.items()
            }
        return {
            **self._person.view(row),
            "correction": UNREADABLE if changes is None else changes,
            "changes": [self._told(field, change) for field, change in (changes or {}).items()],
            "done": row.done,
            "done_label": None if row.done is None else ("已执行" if row.done else "未执行"),
            "fault_code": row.fault_code,
            "fault": row.fault,
        }

    def _changes(self, row: LineRow) -> dict[str, dict[str, object]] | None:
        """`before` is known only until the order has been carried out; None where they can't be read."""
        is_open = row.state == OrderState.ENTERED and row.done is None
        if row.kind == OrderKind.NAME_CORRECTION:
            if not is_open or row.correct_name_sealed is None:
                return {}
            after = self._open(Field.NAME, row.application_no, row.correct_name_sealed)
            return {"name": {"before": self._open(Field.NAME, row.application_no, row.name_sealed), "after": after}}
        if row.correction_sealed is None:
            return {}
        before = self._before(row) if is_open else {}
        if self._open(Field.CORRECTION, row.application_no, row.correction_sealed) == UNREADABLE:
            return None
        checked = open_correction(self._vault, row.application_no, row.correction_sealed)
        return {field: {"before": before.get(field), "after": after} for field, after in checked.items()}

    def _before(self, row: LineRow) -> dict[str, object]:
        number = row.application_no
        return {
            "name": self._open(Field.NAME, number, row.name_sealed),
            "phone": self._open(Field.PHONE, number, row.phone_sealed),
            "account_no": self._open(Field.ACCOUNT, number, row.account_sealed),
            "town_code": row.town_code,
            "village_code": row.village_code,
            "group": row.group_name,
            "bank_code": row.bank_code,
            "household_registration": row.household_registration,
            "family_size": row.family_size,
            "amount_fen": row.line_fen,
        }

    def _open(self, field: Field, number: str, sealed: str | None) -> str | None:
        return self._vault.open(field, number, sealed) if sealed else None

    def _told(self, field: str, change: Mapping[str, object]) -> str:
        before = f"{self._word(field, change['before'])} → " if change["before"] is not None else ""
        return f"{LABELS.get(field, field)}：{before}{self._word(field, change['after'])}"

    def _word(self, field: str, value: object) -> object:
        """Codes by their names, money in yuan: what is confirmed must be readable."""
        if value is None:
            return "（空）"
        if field == "amount_fen" and isinstance(value, int):
            return format_yuan(value)
        if field == "household_registration":
            return HOUSEHOLDS.get(str(value), value)
        if field == "photos" and isinstance(value, Mapping):
            return "、".join(PHOTOS[kind] for kind in value)
        if field in {"town_code", "village_code"}:
            return self._names.place(str(value))
        if field == "card_type":
            return CARD_TYPES.get(str(value), value)
        return self._names.bank(str(value)) if field == "bank_code" else value

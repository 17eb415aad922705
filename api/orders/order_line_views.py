"""An order's lines as they are shown: whom each is about, what would change, and what came of it."""

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.views import HOUSEHOLDS
from api.counter.chunks import read_lines
from api.counter.desk import Desk
from api.counter.disclosures import WholeNames
from api.counter.export import ListedRows
from api.counter.names import Names, names_of
from api.counter.paging import Page
from api.orders.order_people import HEADERS as PERSON_HEADERS
from api.orders.order_people import OrderPerson, person_of
from api.orders.order_rows import ORDER_LINES, OrderLineRow
from models.forms.account_numbers import CARD_TYPES
from models.forms.masking import masked
from models.forms.money import format_yuan
from models.store.orders.corrections import open_correction
from models.store.selection import Predicate
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.tables.flows import Order
from models.words.evidence import PHOTOS
from models.words.faults import UNREADABLE
from models.words.labelled import label_of
from models.words.stages import OrderKind, OrderState

HEADERS: Mapping[str, str] = {
    **PERSON_HEADERS,
    "changes": "更正内容",
    "done_label": "执行结果",
    "fault": "未执行原因",
}
_LABELS: Mapping[str, str] = {
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


class FieldChange(TypedDict):
    before: Annotated[object, Field(description="更正前；指令办结以后不再给出")]
    after: Annotated[object, Field(description="更正后")]


Changes = dict[str, FieldChange]


class OrderLineView(OrderPerson):
    """指令中的一笔：关于谁，改什么，结果如何。"""

    correction: Annotated[
        Changes | str, Field(description="更正的各项，按字段名；无法读取的为一句说明。给操作员和审核人看全，其余遮掩")
    ]
    changes: Annotated[list[str], Field(description="更正内容，每项一句")]
    done: Annotated[bool | None, Field(description="是否已执行；还没有执行的为空")]
    done_label: str | None
    fault_code: Annotated[str | None, Field(description="未执行原因代码")]
    fault: Annotated[str | None, Field(description="未执行原因")]


async def read_order_lines(
    desk: Desk, session: AsyncSession, page: Page, order: Order, whole: WholeNames
) -> ListedRows:
    chosen = Predicate("a.order_id = :order", {"order": order.id})
    views = OrderLineViews(desk.shown, await names_of(session, desk.county), whole.of)
    return await read_lines(session, page, chosen, views.view, HEADERS, ORDER_LINES, OrderLineRow)


class OrderLineViews:
    """Whoever confirms a correction must see it whole: masked is what others see; new photos are read as files."""

    def __init__(self, vault: Vault, names: Names, whole: Callable[[str], bool]) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole

    def view(self, row: OrderLineRow) -> OrderLineView:
        changes = self._changes(row)
        if changes and not self._whole(row.application_no):
            changes = {field: _masked(field, change) for field, change in changes.items()}
        return {
            **person_of(self._vault, self._names, row, whole=self._whole(row.application_no)),
            "correction": UNREADABLE if changes is None else changes,
            "changes": [self._told(field, change) for field, change in (changes or {}).items()],
            "done": row.done,
            "done_label": None if row.done is None else ("已执行" if row.done else "未执行"),
            "fault_code": row.fault_code,
            "fault": row.fault,
        }

    def _changes(self, row: OrderLineRow) -> Changes | None:
        """`before` is known only until the order has been carried out; None where they can't be read."""
        is_open = row.state == OrderState.ENTERED and row.done is None
        if row.kind == OrderKind.NAME_CORRECTION:
            if not is_open or row.correction_sealed is None:
                return {}
            after = self._open(Sealed.NAME, row.application_no, row.correction_sealed)
            return {"name": {"before": self._open(Sealed.NAME, row.application_no, row.name_sealed), "after": after}}
        if row.correction_sealed is None:
            return {}
        before = self._before(row) if is_open else {}
        if self._open(Sealed.CORRECTION, row.application_no, row.correction_sealed) == UNREADABLE:
            return None
        checked = open_correction(self._vault, row.application_no, row.correction_sealed)
        return {field: {"before": before.get(field), "after": after} for field, after in checked.items()}

    def _before(self, row: OrderLineRow) -> Mapping[str, str | int | None]:
        number = row.application_no
        return {
            "name": self._open(Sealed.NAME, number, row.name_sealed),
            "phone": self._open(Sealed.PHONE, number, row.phone_sealed),
            "account_no": self._open(Sealed.ACCOUNT, number, row.account_sealed),
            "town_code": row.town_code,
            "village_code": row.village_code,
            "group": row.group_name,
            "bank_code": row.bank_code,
            "household_registration": row.household_registration,
            "family_size": row.family_size,
            "amount_fen": row.line_fen,
        }

    def _open(self, field: Sealed, number: str, sealed: str | None) -> str | None:
        return self._vault.open(field, number, sealed) if sealed else None

    def _told(self, field: str, change: FieldChange) -> str:
        before = f"{self._word(field, change['before'])} → " if change["before"] is not None else ""
        return f"{_LABELS.get(field, field)}：{before}{self._word(field, change['after'])}"

    def _word(self, field: str, value: object) -> object:
        """Codes by their names, money in yuan: what is confirmed must be readable."""
        if value is None:
            return "（空）"
        if field == "amount_fen" and isinstance(value, int):
            return format_yuan(value)
        if field == "household_registration":
            return HOUSEHOLDS.get(str(value), value)
        if field == "photos" and isinstance(value, Mapping):
            return "、".join(label_of(PHOTOS, kind) for kind in value)
        if field in {"town_code", "village_code"}:
            return self._names.place(str(value))
        if field == "card_type":
            return CARD_TYPES.get(str(value), value)
        return self._names.bank(str(value)) if field == "bank_code" else value


def _masked(field: str, change: FieldChange) -> FieldChange:
    return {"before": masked(change["before"], field), "after": masked(change["after"], field)}

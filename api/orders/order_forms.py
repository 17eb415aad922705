"""What an operator may order: the forms, and what each kind of order must and must not name."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.server.problems import field_problem
from models.free_text import FREE_TEXT
from models.store.orders.corrections import Correction
from models.store.orders.rules import WHOLE, FlowLineFilter, Word
from models.store.selection import MOST_NUMBERS
from models.words.stages import OrderKind


class OrderFilter(FlowLineFilter):
    """For name corrections the batch, list, town, bank and item of applications; for the others a flow's lines."""

    batch_no: Word | None = None
    list_no: Word | None = None


class OrderSelection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    application_nos: list[Word] | None = Field(None, min_length=1, max_length=MOST_NUMBERS)
    filter: OrderFilter | None = None


class NewOrder(BaseModel):
    """`selection` absent means every fitting line, where the kind allows it; `corrections` go with modified only."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: OrderKind
    flow_no: Word | None = None
    selection: OrderSelection | None = None
    corrections: list[Correction] | None = Field(None, min_length=1, max_length=MOST_NUMBERS)
    reason: Annotated[str, Field(min_length=1, max_length=500), FREE_TEXT]


def check_shape(wanted: NewOrder) -> None:
    """What this kind of order must and must not name."""
    named, kind = wanted.selection, wanted.kind
    faults: dict[str, str] = {}
    if kind is OrderKind.NAME_CORRECTION:
        if wanted.flow_no is not None:
            faults["/flow_no"] = "更正姓名不属于任何流程，请去掉流程编号"
    elif wanted.flow_no is None:
        faults["/flow_no"] = "请填写流程编号"
    if wanted.corrections is not None and kind is not OrderKind.MODIFIED:
        faults["/corrections"] = "只有修改申请提交可以带更正内容"
    if kind is OrderKind.CANCELLATION and named is not None:
        faults["/selection"] = "撤销的是整个流程，不能选择申请；只撤回部分申请请用“撤回”"
    elif named is None and wanted.corrections is None and kind not in {*WHOLE, OrderKind.CANCELLATION}:
        faults["/selection"] = "请给出申请编号清单或筛选条件"
    elif named is not None and (named.application_nos is None) == (named.filter is None):
        faults["/selection"] = "请给出申请编号清单或筛选条件，二者取一"
    elif named is not None and named.filter is not None and (fault := _misplaced(kind, named.filter)):
        faults["/selection/filter"] = fault
    if faults:
        raise field_problem(faults)


def _misplaced(kind: OrderKind, criteria: OrderFilter) -> str | None:
    given = set(criteria.criteria)
    if kind is OrderKind.NAME_CORRECTION:
        foreign = given - {"batch_no", "list_no", "town_code", "bank_code", "item_code", "applicant_kind"}
    else:
        foreign = given & {"batch_no", "list_no"}
        if not given and kind is OrderKind.WITHDRAWAL:
            return "撤回须至少给出一个筛选条件；撤回全部请用“撤销流程”"
    return f"这种指令不能按 {'、'.join(sorted(foreign))} 筛选，请去掉" if foreign else None

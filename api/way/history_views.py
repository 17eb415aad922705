"""A flow's history as it is shown: one fact an entry, and how long each step took."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from models.words.flow_words import FlowEvent
from models.words.stages import FlowStage, OrderKind, OrderState

Mark = Literal["done", "now", "bad"]


class EntryPart(TypedDict):
    """一件事里的一项：某种结果、某个原因、几份政策。"""

    label: str
    reason: Annotated[str | None, Field(description="平台给出的原因")]
    count: Annotated[int, Field(description="笔数或份数")]
    fen: Annotated[int | None, Field(description="金额（分）；没有金额的为空")]


class EntryOrder(TypedDict):
    """依据的指令：谁录入、为何、谁复核。"""

    order_no: str
    kind: OrderKind
    kind_label: str
    state: OrderState
    state_label: str
    entered_by: Annotated[str, Field(description="录入人")]
    entered_at: datetime
    reason: Annotated[str | None, Field(description="录入理由；运维看不到")]
    confirmed_by: Annotated[str | None, Field(description="复核人")]
    confirmed_at: datetime | None
    remark: Annotated[str | None, Field(description="复核意见；运维看不到")]
    outcome: Annotated[str | None, Field(description="执行结果")]


class HistoryEntry(TypedDict):
    """流程经过中的一件事。"""

    event: FlowEvent
    label: Annotated[str, Field(description="这件事叫什么")]
    mark: Annotated[Mark, Field(description="done 已办，now 正在办，bad 没有办成或有问题")]
    at: datetime
    until: Annotated[datetime | None, Field(description="到何时；一时办完的和还没有办完的为空")]
    by: Annotated[str | None, Field(description="办理人；平台和系统办的为空")]
    number: Annotated[int | None, Field(description="第几轮提交、第几次汇总")]
    count: Annotated[int | None, Field(description="笔数")]
    fen: Annotated[int | None, Field(description="金额（分）")]
    said: Annotated[str | None, Field(description="意见；运维看不到")]
    parts: list[EntryPart]
    order: Annotated[EntryOrder | None, Field(description="依据的指令")]


class LaterStage(TypedDict):
    stage: FlowStage
    label: str


class StepTaken(TypedDict):
    """一个环节：从何时到何时。"""

    stage: FlowStage
    label: Annotated[str, Field(description="环节；提交的为提交方式")]
    number: Annotated[int | None, Field(description="第几轮提交、第几次汇总")]
    since: datetime
    until: Annotated[datetime | None, Field(description="还没有结束的为空")]
    days: Annotated[float, Field(description="用了几天")]
    working_days: Annotated[int, Field(description="用了几个工作日")]
    due: Annotated[date, Field(description="最迟哪一天")]
    overdue: Annotated[bool, Field(description="是否过了最迟的日子")]


class FlowHistory(TypedDict):
    """经过：按时间先后的每一件事、还要经过的阶段、每个环节用了多久。"""

    entries: list[HistoryEntry]
    later: Annotated[list[LaterStage], Field(description="还要经过的阶段；已结束的为空")]
    steps: list[StepTaken]

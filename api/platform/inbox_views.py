"""How an event of the platform is shown: that it came, and to a reviewer what it says."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from models.tables.records import Inbox
from models.words.code_words import EFFECTS, EVENTS, INBOX_SOURCES, called
from models.words.stages import InboxState

HEADERS = {
    "id": "序号",
    "event_label": "类别",
    "source_label": "来源",
    "received_at": "收到时间",
    "reference": "业务引用",
    "number": "编号",
    "state_label": "状态",
    "effect_label": "结果",
    "applied_at": "生效时间",
    "conflicts": "同号异文",
}


class InboxView(TypedDict):
    """平台来件：先存下、再应答，只生效一次；内容只给审核人看。"""

    id: Annotated[int, Field(description="序号")]
    event_type: Annotated[str, Field(description="事件类别代码，还没有读出来的为空")]
    event_label: str
    source: Annotated[str, Field(description="来源：callback 平台推送，asked 向平台查询所得")]
    source_label: str
    received_at: datetime
    reference: Annotated[str | None, Field(description="业务引用")]
    number: Annotated[str | None, Field(description="所属流程、名单、政策等的编号")]
    state: InboxState
    state_label: str
    effect: Annotated[str | None, Field(description="生效结果代码")]
    effect_label: str | None
    applied_at: Annotated[datetime | None, Field(description="生效时间")]
    conflicts: Annotated[int, Field(description="同一事件号、内容不同的来件数")]


class OtherContent(TypedDict):
    """同一事件号的另一份内容。"""

    received_at: datetime
    content: Annotated[object, Field(description="原文，JSON 或文字")]


class InboxContent(InboxView):
    """来件及其原文。"""

    content: Annotated[object, Field(description="原文，JSON 或文字")]
    others: list[OtherContent]


def inbox_view(row: Inbox, conflicts: int) -> InboxView:
    return {
        "id": row.id or 0,
        "event_type": row.event_type,
        "event_label": called(EVENTS, row.event_type),
        "source": row.source,
        "source_label": called(INBOX_SOURCES, row.source),
        "received_at": row.received_at,
        "reference": row.reference,
        "number": row.number,
        "state": row.state,
        "state_label": row.state.label,
        "effect": row.effect,
        "effect_label": called(EFFECTS, row.effect),
        "applied_at": row.applied_at,
        "conflicts": conflicts,
    }

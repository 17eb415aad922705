"""How an answer outside the contract is shown: that it came, and to a reviewer what it says."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from models.tables.records import OddAnswer
from models.words.code_words import OPERATIONS, called

HEADERS = {
    "id": "序号",
    "operation_label": "操作",
    "reference": "业务引用",
    "status": "应答码",
    "times": "次数",
    "came_at": "最近时间",
}


class OddAnswerView(TypedDict):
    """平台异常应答：不合约定的应答，从不当作成功，用同一引用重试。"""

    id: Annotated[int, Field(description="序号")]
    operation: Annotated[str, Field(description="操作代码")]
    operation_label: str
    reference: Annotated[str | None, Field(description="业务引用；没有引用的操作为空")]
    status: Annotated[int, Field(description="HTTP 应答码")]
    times: Annotated[int, Field(description="同样的应答来过几次")]
    came_at: Annotated[datetime, Field(description="最近一次的时间")]


class OddAnswerContent(OddAnswerView):
    """异常应答及其原文。"""

    content: Annotated[object, Field(description="原文，JSON 或文字；只存前 256 KiB")]


def odd_answer_view(row: OddAnswer) -> OddAnswerView:
    return {
        "id": row.id or 0,
        "operation": row.operation,
        "operation_label": called(OPERATIONS, row.operation),
        "reference": row.key or None,
        "status": row.status,
        "times": row.times,
        "came_at": row.came_at,
    }

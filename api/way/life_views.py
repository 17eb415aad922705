"""How a fact of an application's life is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import Field
from typing_extensions import TypedDict

from api.server.rendering import json_in
from api.way.life_rows import Fact
from models.store.texts import open_text
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.wire.words import Outcome
from models.words.code_words import ACTS, called
from models.words.flow_words import FAILURES, REJECTIONS, match_words
from models.words.stages import LineState, OrderKind, Verification

_LABELS: Mapping[str, str] = {
    "imported": "批量导入",
    "beneficiary_init": "数据初始化结果",
    "verification": "大数据校验结果",
    "application_submission": "平台审核结果",
    "flow": "进入补贴流程",
    "evidence": "材料已提交平台",
    "line.withdrawn": "从流程撤回",
    "line.deferred": "转入下批",
    "order": "录入指令",
    "order.confirmed": "复核通过",
    "order.refused": "复核不通过",
    "payment.paid": "发放成功",
    "payment.failed": "发放失败",
}
_BAD = frozenset({"applications.returned", "objection.upheld", "order.refused", "payment.failed", "line.withdrawn"})
_BAD_CODES = frozenset(
    {*(outcome.value for outcome in Outcome if outcome is not Outcome.MATCHED), *REJECTIONS, "failed"}
)
_ORDERS = frozenset({"order", "order.confirmed", "order.refused"})


class LifeEvent(TypedDict):
    """申请经过中的一件事。"""

    event: str
    label: Annotated[str, Field(description="这件事叫什么")]
    mark: Annotated[Literal["done", "now", "bad"], Field(description="done 已办，now 等待结果，bad 没有通过")]
    at: datetime
    by: Annotated[str | None, Field(description="办理人；平台和银行办的为空")]
    number: Annotated[str | None, Field(description="所属流程、名单、批次、导入或指令")]
    order_label: Annotated[str | None, Field(description="所录入、复核的指令的类别")]
    said: Annotated[str | None, Field(description="结果、原因或意见")]
    fen: Annotated[int | None, Field(description="金额（分）")]
    changed: Annotated[list[str], Field(description="编辑时改动的字段")]


class ApplicationHistory(TypedDict):
    """经过：按时间先后的每一件事。"""

    entries: list[LifeEvent]
    changed_since_return: Annotated[list[str], Field(description="最近一次审核退回以后改动的字段")]


def event_of(vault: Vault, county: str, fact: Fact) -> LifeEvent:
    detail = _detail(vault, county, fact)
    waiting = fact.code == "pending"
    bad = fact.event in _BAD or (fact.code in _BAD_CODES and fact.event not in _ORDERS)
    return {
        "event": fact.event,
        "label": _LABELS.get(fact.event) or called(ACTS, fact.event),
        "mark": "now" if waiting else "bad" if bad else "done",
        "at": fact.at,
        "by": fact.by,
        "number": fact.number,
        "order_label": OrderKind(fact.code).label if fact.event in _ORDERS and fact.code else None,
        "said": _said(vault, county, fact, detail),
        "fen": fact.fen,
        "changed": _changed(detail),
    }


def _detail(vault: Vault, county: str, fact: Fact) -> Mapping[str, object]:
    if fact.sequence is None or fact.sealed is None:
        return {}
    told = json_in(vault.open(Sealed.DETAIL, f"{county}/{fact.sequence}", fact.sealed))
    return cast(Mapping[str, object], told) if isinstance(told, dict) else {}


def _said(vault: Vault, county: str, fact: Fact, detail: Mapping[str, object]) -> str | None:
    if fact.sequence is not None:
        reason = detail.get("reason")
        return reason if isinstance(reason, str) else None
    if fact.event in _ORDERS:
        return open_text(vault, county, fact.sealed) or None
    return "等待平台结果" if fact.code == "pending" else _code_words(fact)


def _code_words(fact: Fact) -> str | None:
    code = fact.code
    if code is None:
        return None
    if fact.event == "beneficiary_init":
        return "身份证存在，但姓名不同" if code == Outcome.NAME_DIFFERS else match_words(code, None, None)
    known = {each.value: each.label for each in (*LineState, *Verification)}
    return FAILURES.get(code) or REJECTIONS.get(code) or known.get(code, code)


def _changed(detail: Mapping[str, object]) -> list[str]:
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    # a column and its field
    before = {"group" if name == "group_name" else name: value for name, value in before.items()}
    return [name for name, value in before.items() if name in after and after[name] != value]

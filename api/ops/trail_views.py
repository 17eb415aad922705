"""How an entry of the trail is shown, and what was found when the whole chain was walked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.server.rendering import json_in
from models.forms.masking import masked
from models.store.trail.check import Break, SignedHead
from models.store.trail.restorations import NotedRestoration
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.tables.records import TrailEntry
from models.words.code_words import ACTORS, ACTS, ROLES, SYSTEM, called
from models.words.stages import TrailBreak

HEADERS = {
    "sequence": "序号",
    "at": "时间",
    "actor_label": "经办人",
    "role_label": "身份",
    "act_label": "操作",
    "subject": "对象",
    "line_count": "笔数",
    "total_fen": "金额（元）",
}


class TrailView(TypedDict):
    """一条留痕：谁在何时办了什么。"""

    sequence: Annotated[int, Field(description="序号，本区县内连续")]
    at: datetime
    actor: Annotated[str, Field(description="经办人")]
    actor_label: str
    role: Annotated[str, Field(description="经办时的身份")]
    role_label: str
    act: str
    act_label: Annotated[str, Field(description="操作")]
    subject: Annotated[str, Field(description="对象的编号")]
    line_count: Annotated[int | None, Field(description="笔数")]
    total_fen: Annotated[int | None, Field(description="金额（分）")]
    detail: NotRequired[Annotated[object, Field(description="前后内容，已遮掩；只给县管理员和审核人")]]


class RestorationView(TypedDict):
    """一次数据库恢复：从何时到何时的记录没有了，由谁恢复。"""

    sequence: Annotated[int, Field(description="记在留痕第几条")]
    at: datetime
    by: Annotated[str, Field(description="恢复的人")]
    restored_to: Annotated[datetime, Field(description="恢复到何时")]
    lost_until: Annotated[datetime, Field(description="到何时为止的记录没有了")]
    heads_ahead: Annotated[int, Field(description="由此说明的、走在留痕前面的签存有几个")]


class TrailVerification(TypedDict):
    """全部留痕逐条校验的结果。"""

    intact: Annotated[bool, Field(description="是否完整")]
    first_bad_sequence: Annotated[int | None, Field(description="从第几条起不对")]
    kind: Annotated[TrailBreak | None, Field(description="怎样不对")]
    signed_sequence: Annotated[int | None, Field(description="最近一次签存到第几条；没有签存过的为空")]
    signed_at: datetime | None
    restorations: Annotated[list[RestorationView], Field(description="记入留痕的数据库恢复")]
    finding: Annotated[str, Field(description="一句话结论")]


def trail_view(row: TrailEntry, vault: Vault | None, *, whole: bool) -> TrailView:
    """Without a vault there are no details; only `whole` shows them unmasked."""
    role = SYSTEM if row.actor == SYSTEM else row.role
    view: TrailView = {
        "sequence": row.sequence,
        "at": row.at,
        "actor": row.actor,
        "actor_label": called(ACTORS, row.actor),
        "role": role,
        "role_label": called(ROLES, role),
        "act": row.act,
        "act_label": called(ACTS, row.act),
        "subject": row.subject,
        "line_count": row.line_count,
        "total_fen": row.total_fen,
    }
    if vault is not None:
        detail = json_in(vault.open(Sealed.DETAIL, f"{row.county_code}/{row.sequence}", row.detail))
        view["detail"] = detail if whole else masked(detail)
    return view


def verification_view(
    broken: Break | None, signed: SignedHead | None, restorations: Sequence[NotedRestoration]
) -> TrailVerification:
    return {
        "intact": broken is None,
        "first_bad_sequence": broken.sequence if broken else None,
        "kind": broken.kind if broken else None,
        "signed_sequence": signed.sequence if signed else None,
        "signed_at": signed.at if signed else None,
        "restorations": [_restoration_view(one) for one in restorations],
        "finding": f"第 {broken.sequence} 条起：{broken.kind.label}" if broken else _whole(restorations),
    }


def _whole(restorations: Sequence[NotedRestoration]) -> str:
    told = "、".join(f"第 {one.sequence} 条" for one in restorations)
    return f"完整；数据库曾经恢复到较早的时刻，见{told}" if told else "完整"


def _restoration_view(noted: NotedRestoration) -> RestorationView:
    return {
        "sequence": noted.sequence,
        "at": noted.at,
        "by": noted.by,
        "restored_to": noted.restored_to,
        "lost_until": noted.lost_until,
        "heads_ahead": len(noted.heads),
    }

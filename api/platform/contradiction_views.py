"""How a contradiction is shown: that there is one to everybody, both contents to who decides."""

from datetime import datetime
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.acts.preview import IsPreview, Seen
from api.server.rendering import json_in
from models.forms.masking import masked
from models.store.events.contradictions import seal_row
from models.store.texts import open_text
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.tables.flows import Contradiction
from models.words.code_words import CONTRADICTIONS, TAKEN, called
from models.words.stages import ContradictionState

HEADERS = {
    "id": "序号",
    "number": "编号",
    "kind_label": "类别",
    "line_key": "明细",
    "state_label": "状态",
    "taken_label": "采信",
    "reason": "理由",
    "decided_by": "裁定人",
    "decided_at": "裁定时间",
    "created_at": "发现时间",
}


class ContradictionView(TypedDict):
    """矛盾来件：平台先后两次说法不能同时成立，由审核人裁定采信哪一个。"""

    id: Annotated[int, Field(description="序号")]
    number: Annotated[str, Field(description="所涉流程、名单、账号变更或申报的编号")]
    kind: str
    kind_label: Annotated[str, Field(description="类别")]
    line_key: Annotated[str, Field(description="所涉的一笔（申请编号等），不涉及单笔的为空")]
    state: ContradictionState
    state_label: str
    taken: Annotated[str | None, Field(description="采信：applied 保留先前的结果，claimed 采信后来的来件")]
    taken_label: str | None
    hindrance: Annotated[str | None, Field(description="裁定未能执行的原因")]
    reason: Annotated[str | None, Field(description="裁定理由")]
    decided_by: Annotated[str | None, Field(description="裁定人")]
    decided_at: datetime | None
    asked_at: Annotated[datetime | None, Field(description="再次向平台查询的时间")]
    created_at: Annotated[datetime, Field(description="发现时间")]
    applied: NotRequired[Annotated[object, Field(description="先前的结果；只给审核人看")]]
    claimed: NotRequired[Annotated[object, Field(description="后来的来件；只给审核人看")]]
    asked: NotRequired[Annotated[object, Field(description="再次查询平台的答复，没有查询的为空；只给审核人看")]]


class ContradictionDetail(ContradictionView):
    """一件矛盾来件：两种说法，采信哪一种会怎样，现在能不能裁定。"""

    applied_follows: Annotated[str, Field(description="保留先前的结果会怎样")]
    claimed_follows: Annotated[str, Field(description="采信后来的来件会怎样")]
    why_no_decision: Annotated[str | None, Field(description="现在不能由本人裁定的原因；能裁定的为空")]
    why_no_claim: Annotated[str | None, Field(description="不能采信后来的来件的原因；能的为空")]


class LeftOutContradictions(TypedDict):
    """按筛选条件裁定时没有裁定的一类。"""

    code: str
    title: Annotated[str, Field(description="不能裁定的原因")]
    count: Annotated[int, Field(description="件数")]
    ids: Annotated[list[int], Field(description="其中前 20 件的序号")]


class ContradictionsDecided(TypedDict):
    """批量裁定的结果。"""

    act: str
    preview: NotRequired[IsPreview]
    seen: NotRequired[Seen]
    take: Annotated[str, Field(description="采信：applied 保留先前的结果，claimed 采信后来的来件")]
    count: Annotated[int, Field(description="已裁定件数")]
    left_out: list[LeftOutContradictions]


def contradiction_view(vault: Vault, row: Contradiction, *, whole: bool | None) -> ContradictionView:
    """`whole` shows what the platform said both times as it said it; False masks it, None leaves it out."""
    view: ContradictionView = {
        "id": row.id or 0,
        "number": row.number,
        "kind": row.kind,
        "kind_label": called(CONTRADICTIONS, row.kind),
        "line_key": row.line_key,
        "state": row.state,
        "state_label": row.state.label,
        "taken": row.taken,
        "taken_label": called(TAKEN, row.taken),
        "hindrance": row.hindrance,
        "reason": open_text(vault, row.county_code, row.reason_sealed),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "asked_at": row.asked_at,
        "created_at": row.created_at,
    }
    if whole is not None:
        view["applied"] = _content(vault, row, row.applied_sealed, whole=whole)
        view["claimed"] = _content(vault, row, row.claimed_sealed, whole=whole)
        view["asked"] = _content(vault, row, row.asked_sealed, whole=whole) if row.asked_sealed else None
    return view


def _content(vault: Vault, row: Contradiction, sealed: str, *, whole: bool) -> object:
    content = json_in(vault.open(Sealed.DETAIL, seal_row(row.number, row.kind, row.line_key), sealed))
    return content if whole else masked(content)

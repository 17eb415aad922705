"""提交材料 as it is shown: what each subsidy item asks for, and what a line lacks (S1 2.8)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from api.applications.person import name_of
from api.counter.names import Names
from models.store.flows.evidence import missing_of
from models.store.vault import Vault
from models.tables.applications import EvidenceRequirement
from models.words.evidence import OF_PERSON, ORGANIZATION_RULE, PHOTOS, missing_words
from models.words.flow_words import APPLICANTS
from models.words.labelled import label_of

REQUIREMENT_HEADERS: Mapping[str, str] = {
    "item_code": "补贴项目代码",
    "item": "补贴项目",
    "kinds_label": "个人须提交的材料",
    "organization_label": "组织须提交的材料",
    "set_by": "设置人",
    "set_at": "设置时间",
}
MISSING_HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "missing_label": "缺少的材料",
    "evidence_sent_at": "上次提交材料时间",
}
LACKING = f"""
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.item_code, a.amount_fen, a.evidence_sent_at,
  {missing_of("a")} AS missing
FROM flow_line a
"""


class RequirementView(TypedDict):
    """一个补贴项目提交材料时须有的照片。"""

    item_code: str
    item: Annotated[str, Field(description="补贴项目")]
    kinds: Annotated[list[str], Field(description="个人须提交的照片种类")]
    kinds_label: str
    organization_label: Annotated[str, Field(description="组织须提交的材料")]
    set_by: Annotated[str | None, Field(description="设置人；没有设置过的为空，按手册的要求")]
    set_at: datetime | None


class MissingRow(NamedTuple):
    """`missing`: the kinds of photos that the line lacks."""

    id: int
    application_no: str
    applicant_kind: str
    name_sealed: str
    item_code: str
    amount_fen: int
    evidence_sent_at: datetime | None
    missing: list[str]


class MissingEvidenceView(TypedDict):
    """缺少材料的一笔已发放申请，姓名已遮掩。"""

    application_no: str
    applicant_kind: Annotated[str, Field(description="personal 个人，organization 组织")]
    kind_label: str
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    item_code: str
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    missing: Annotated[list[str], Field(description="缺少的照片种类")]
    missing_label: str
    evidence_sent_at: Annotated[datetime | None, Field(description="上次提交材料的时间")]


def requirement_view(item_code: str, name: str, row: EvidenceRequirement | None) -> RequirementView:
    kinds = row.kinds if row else [kind.value for kind in OF_PERSON]
    return {
        "item_code": item_code,
        "item": name,
        "kinds": kinds,
        "kinds_label": "、".join(label_of(PHOTOS, kind) for kind in kinds),
        "organization_label": ORGANIZATION_RULE,
        "set_by": row.set_by if row else None,
        "set_at": row.set_at if row else None,
    }


def missing_evidence_view(vault: Vault, names: Names, row: MissingRow) -> MissingEvidenceView:
    return {
        "application_no": row.application_no,
        "applicant_kind": row.applicant_kind,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        "name": name_of(vault, row.application_no, row.name_sealed),
        "item_code": row.item_code,
        "item": names.item(row.item_code),
        "amount_fen": row.amount_fen,
        "missing": row.missing,
        "missing_label": missing_words(row.missing),
        "evidence_sent_at": row.evidence_sent_at,
    }

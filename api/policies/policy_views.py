"""How a policy is shown: as it was handed in, what the platform said of it, and its run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.counter.run_block import RunBlock
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.policies import Policy
from models.words.stages import ReviewStage

HEADERS: Mapping[str, str] = {
    "policy_no": "政策编号",
    "fund_year": "资金年度",
    "policy_unit_name": "政策单位",
    "title": "政策名称",
    "items": "补贴项目",
    "stage_label": "状态",
    "round": "第几次上传",
    "opinion": "平台意见",
    "reviewed_at": "审核时间",
    "entered_by": "上传人",
    "created_at": "上传时间",
}


class PolicyView(TypedDict):
    policy_no: Annotated[str, Field(description="政策编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    policy_unit_code: str
    policy_unit_name: Annotated[str, Field(description="报送的政策单位")]
    title: Annotated[str, Field(description="政策名称")]
    item_codes: Annotated[list[str], Field(description="补贴项目代码")]
    file_id: Annotated[int, Field(description="政策文件")]
    stage: Annotated[ReviewStage, Field(description="状态")]
    stage_label: str
    round: Annotated[int, Field(description="第几次上传")]
    opinion: Annotated[str | None, Field(description="平台意见")]
    reviewed_at: Annotated[datetime | None, Field(description="审核时间")]
    entered_by: Annotated[str, Field(description="上传人")]
    created_at: datetime
    updated_at: datetime


class PolicyWithRun(PolicyView):
    run: RunBlock | None


class ListedPolicy(PolicyView):
    items: Annotated[list[str], Field(description="补贴项目名称")]
    run: RunBlock | None


class UploadWarning(TypedDict):
    pointer: Annotated[str, Field(description="所填的位置（JSON pointer）")]
    code: str
    detail: Annotated[str, Field(description="请核对什么")]


class UploadedPolicy(PolicyView):
    warnings: Annotated[list[UploadWarning], Field(description="请核对的事项；没有因此拒绝")]


def policy_view(vault: Vault, policy: Policy) -> PolicyView:
    return {
        "policy_no": policy.policy_no,
        "fund_year": policy.fund_year,
        "policy_unit_code": policy.policy_unit_code,
        "policy_unit_name": policy.policy_unit_name,
        "title": open_text(vault, policy.county_code, policy.title_sealed),
        "item_codes": policy.item_codes,
        "file_id": policy.file_id,
        "stage": policy.stage,
        "stage_label": policy.stage.label,
        "round": policy.round,
        "opinion": open_text(vault, policy.county_code, policy.opinion_sealed),
        "reviewed_at": policy.reviewed_at,
        "entered_by": policy.entered_by,
        "created_at": policy.created_at,
        "updated_at": policy.updated_at,
    }

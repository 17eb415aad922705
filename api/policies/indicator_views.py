"""How an indicator is shown; reserved + paid + left = total, as its lines stand."""

from datetime import datetime
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.acts.preview import IsPreview, Seen
from api.counter.run_block import RunBlock
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.policies import Indicator
from models.words.stages import ReviewStage

HEADERS = {
    "indicator_no": "指标编号",
    "fund_year": "资金年度",
    "document_no": "指标文号",
    "budget_unit_name": "预算单位",
    "budget_project_name": "预算项目",
    "fund_nature": "资金性质",
    "total_fen": "总金额（元）",
    "central_fen": "中央（元）",
    "provincial_fen": "省级（元）",
    "municipal_fen": "市级（元）",
    "county_fen": "县级（元）",
    "reserved_fen": "已占用（元）",
    "paid_fen": "已支付（元）",
    "left_fen": "剩余（元）",
    "stage_label": "状态",
    "opinion": "平台意见",
    "entered_by": "登记人",
    "created_at": "登记时间",
}


class IndicatorView(TypedDict):
    """占用 + 已付 + 剩余 = 总额."""

    indicator_no: Annotated[str, Field(description="指标编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    budget_unit_code: str
    budget_unit_name: Annotated[str, Field(description="预算单位")]
    budget_project_code: str
    budget_project_name: Annotated[str, Field(description="预算项目")]
    document_no: Annotated[str, Field(description="指标文号")]
    fund_nature: Annotated[str | None, Field(description="资金性质")]
    total_fen: Annotated[int, Field(description="总金额（分）")]
    central_fen: Annotated[int, Field(description="中央（分）")]
    provincial_fen: Annotated[int, Field(description="省级（分）")]
    municipal_fen: Annotated[int, Field(description="市级（分）")]
    county_fen: Annotated[int, Field(description="县级（分）")]
    reserved_fen: Annotated[int, Field(description="已占用（分）")]
    paid_fen: Annotated[int, Field(description="已支付（分）")]
    left_fen: Annotated[int, Field(description="剩余（分）")]
    stage: Annotated[ReviewStage, Field(description="状态")]
    stage_label: str
    round: Annotated[int, Field(description="提交的次数")]
    opinion: Annotated[str | None, Field(description="平台意见")]
    reviewed_at: Annotated[datetime | None, Field(description="审核时间")]
    entered_by: Annotated[str, Field(description="登记人")]
    created_at: datetime
    updated_at: datetime


class IndicatorWithRun(IndicatorView):
    run: RunBlock | None


class LeftOutIndicator(TypedDict):
    indicator_no: str
    why: Annotated[str, Field(description="不能提交的原因")]


class IndicatorsSubmitted(TypedDict):
    act: str
    preview: NotRequired[IsPreview]
    seen: NotRequired[Seen]
    count: Annotated[int, Field(description="提交的指标个数")]
    total_fen: Annotated[int, Field(description="金额合计（分）")]
    left_out: Annotated[
        list[LeftOutIndicator], Field(description="预览所示不能提交的；没有预览的，全部提交，或一个也不提交")
    ]


def view(vault: Vault, indicator: Indicator) -> IndicatorView:
    return {
        "indicator_no": indicator.indicator_no,
        "fund_year": indicator.fund_year,
        "budget_unit_code": indicator.budget_unit_code,
        "budget_unit_name": indicator.budget_unit_name,
        "budget_project_code": indicator.budget_project_code,
        "budget_project_name": indicator.budget_project_name,
        "document_no": indicator.document_no,
        "fund_nature": indicator.fund_nature,
        "total_fen": indicator.total_fen,
        "central_fen": indicator.central_fen,
        "provincial_fen": indicator.provincial_fen,
        "municipal_fen": indicator.municipal_fen,
        "county_fen": indicator.county_fen,
        "reserved_fen": indicator.reserved_fen,
        "paid_fen": indicator.paid_fen,
        "left_fen": indicator.total_fen - indicator.reserved_fen - indicator.paid_fen,
        "stage": indicator.stage,
        "stage_label": indicator.stage.label,
        "round": indicator.round,
        "opinion": open_text(vault, indicator.county_code, indicator.opinion_sealed),
        "reviewed_at": indicator.reviewed_at,
        "entered_by": indicator.entered_by,
        "created_at": indicator.created_at,
        "updated_at": indicator.updated_at,
    }

"""How an indicator is shown; reserved + paid + left = total, as its lines stand."""

from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.policies import Indicator

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


def view(vault: Vault, indicator: Indicator) -> dict[str, object]:
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

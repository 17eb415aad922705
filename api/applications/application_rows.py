"""Applications as a list reads them: one statement, its row, and what the register has beside it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from typing_extensions import TypedDict

from models.store.register.account_locks import account_locked_sql
from models.store.registered import REGISTERED
from models.store.selection import HAS_CARD_PHOTO

LINE_COLUMNS = f"""
a.id, a.county_code, a.application_no, a.person_index, a.fund_year, a.applicant_kind, a.channel, a.stage, a.name_sealed,
  a.id_number_sealed, a.phone_sealed, a.town_code,
  a.village_code, a.group_name, a.bank_code, a.account_sealed, a.card_type, a.household_registration,
  a.family_size, a.item_code, a.amount_fen, b.batch_no, n.list_no, i.import_no, a.match_outcome,
  a.correct_name_sealed, a.match_bank_name, a.verification, a.verification_reason_sealed, a.settlement_material_at,
  a.payments, coalesce(a.returned_reason_sealed, a.withdrawn_reason_sealed, a.deferred_reason_sealed) AS told_sealed,
  a.entered_by, a.reviewed_by, a.version, a.created_at, a.updated_at,
  {account_locked_sql("a")} AS held, {HAS_CARD_PHOTO} AS bank_card_photo, {REGISTERED}
"""
LINE_TABLES = """
application a LEFT JOIN batch b ON b.id = a.batch_id LEFT JOIN beneficiary_list n ON n.id = a.list_id
  LEFT JOIN application_import i ON i.id = a.import_id
"""
LINES = f"SELECT {LINE_COLUMNS}, a.match_outcome AS outcome FROM {LINE_TABLES}"

# Of its Excel file.
HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "fund_year": "资金年度",
    "kind_label": "申请类型",
    "stage_label": "状态",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "phone": "手机号",
    "town": "乡镇",
    "village": "村",
    "group": "组",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "card_type_label": "卡类型",
    "registered_note": "登记账号与所填不同",
    "bank_card_photo_label": "银行卡照片",
    "household_label": "户口性质",
    "family_size": "家庭成员数",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "batch_no": "结算批次",
    "list_no": "初始化名单",
    "match_result": "初始化结果",
    "verification_label": "大数据校验",
    "verification_reason": "校验结果说明",
    "held": "账号变更中",
    "reason": "退回、撤回或转入下批原因",
    "channel_label": "录入渠道",
    "entered_by": "录入人",
    "reviewed_by": "审核人",
    "created_at": "录入时间",
    "updated_at": "更新时间",
}


class Registered(TypedDict):
    """The register's account of the person, as `REGISTERED` gives it; `other`: it would be paid in place of the own."""

    bank_code: str | None
    account_sealed: str
    card_type: str | None
    status: str
    source: str
    updated_at: str
    other: bool


class ApplicationRow(NamedTuple):
    """`outcome` is the match's, or what the list that is shown has said of it at the time."""

    id: int
    county_code: str
    application_no: str
    person_index: str
    fund_year: int
    applicant_kind: str
    channel: str
    stage: str
    name_sealed: str
    id_number_sealed: str
    phone_sealed: str | None
    town_code: str
    village_code: str
    group_name: str | None
    bank_code: str
    account_sealed: str
    card_type: str | None
    household_registration: str | None
    family_size: int | None
    item_code: str
    amount_fen: int
    batch_no: str | None
    list_no: str | None
    import_no: str | None
    match_outcome: str | None
    correct_name_sealed: str | None
    match_bank_name: str | None
    verification: str
    verification_reason_sealed: str | None
    settlement_material_at: datetime | None
    payments: int
    told_sealed: str | None
    entered_by: str
    reviewed_by: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    held: bool
    bank_card_photo: bool
    registered: Registered | None
    outcome: str | None

"""How an application is shown: masked in lists, whole when one is opened."""

from collections.abc import Callable, Mapping

from api.counter.names import Names
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES, account_note
from models.store.register.account_locks import locked
from models.store.register.register import register_row
from models.store.registered import REGISTERED, registered_words
from models.store.selection import HAS_CARD_PHOTO
from models.store.sql import Row
from models.store.texts import open_text
from models.store.vault import Field, Vault
from models.wire.words import Outcome
from models.words.flow_words import match_words
from models.words.stages import AccountStatus, ApplicationStage, Channel, Verification

CHANNELS: Mapping[str, str] = {Channel.PC: "电脑端", Channel.MOBILE: "移动端", Channel.IMPORT: "批量导入"}
KINDS: Mapping[str, str] = {"personal": "个人", "organization": "组织"}
HOUSEHOLDS: Mapping[str, str] = {"agricultural": "农业", "non_agricultural": "非农业"}

LINE_COLUMNS = f"""
a.id, a.county_code, a.application_no, a.person_index, a.fund_year, a.applicant_kind, a.channel, a.stage, a.name_sealed,
  a.id_number_sealed, a.phone_sealed, a.town_code,
  a.village_code, a.group_name, a.bank_code, a.account_sealed, a.card_type, a.household_registration,
  a.family_size, a.item_code, a.amount_fen, b.batch_no, n.list_no, i.import_no, a.match_outcome,
  a.correct_name_sealed, a.match_bank_name, a.verification, a.verification_reason_sealed, a.settlement_material_at,
  a.payments, coalesce(a.returned_reason_sealed, a.withdrawn_reason_sealed, a.deferred_reason_sealed) AS told_sealed,
  a.entered_by, a.reviewed_by, a.version, a.created_at, a.updated_at,
  {locked("a")} AS held, {HAS_CARD_PHOTO} AS bank_card_photo, {REGISTERED}
"""
LINE_TABLES = """
application a LEFT JOIN batch b ON b.id = a.batch_id LEFT JOIN beneficiary_list n ON n.id = a.list_id
  LEFT JOIN application_import i ON i.id = a.import_id
"""
LINES = f"SELECT {LINE_COLUMNS} FROM {LINE_TABLES}"

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

LineRow = Row


class LineView:
    """Opens and shows lines; `whole` shows personal data unmasked.

    `whole_names` is asked where the platform knows another name (S1 2.4.1): by their last characters alone two names
    can't be told apart.
    """

    def __init__(
        self,
        vault: Vault,
        names: Names,
        *,
        whole: bool = False,
        whole_names: Callable[[str], bool] = lambda _: False,
        may_know_lock: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole
        self._whole_names = whole_names
        self._may_know_lock = may_know_lock

    def view(self, row: LineRow) -> dict[str, object]:
        return {
            "application_no": row.application_no,
            "fund_year": row.fund_year,
            "applicant_kind": row.applicant_kind,
            "kind_label": KINDS[row.applicant_kind],
            "channel": row.channel,
            "channel_label": CHANNELS[row.channel],
            "stage": row.stage,
            "stage_label": ApplicationStage(row.stage).label,
            **self._personal(row),
            **self._form(row),
            **self._registered(row),
            **self._progress(row),
            "entered_by": row.entered_by,
            "reviewed_by": row.reviewed_by,
            "version": row.version,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }

    def registered(self, row: LineRow) -> dict[str, object] | None:
        """What the register has of the person in this county, other or not; None also for whom it is no business."""
        found = row.registered
        if found is None or not self._may_know_lock(row.person_index):
            return None
        return {
            "bank_code": found["bank_code"],
            "bank": self._names.bank(found["bank_code"]),
            "account_no": self._of_register(row),
            "card_type": found["card_type"],
            "card_type_label": CARD_TYPES.get(found["card_type"] or ""),
            "status": found["status"],
            "status_label": AccountStatus(found["status"]).label,
            "source": found["source"],
            "updated_at": found["updated_at"],
        }

    def account_note(self, row: LineRow) -> str | None:
        """Why its number is worth a second look."""
        plain = self._vault.open(Field.ACCOUNT, row.application_no, row.account_sealed)
        return account_note(plain, row.card_type)

    def _registered(self, row: LineRow) -> dict[str, object]:
        """Whether the usable account of the register is another one than the application's: that one is paid."""
        found = row.registered
        if found is None or not found["other"] or not self._may_know_lock(row.person_index):
            return {"other_account": False, "registered_note": None}
        masked = identity.mask_account_no(self._of_register(row))
        words = registered_words(self._names.bank(found["bank_code"]), masked, found["status"])
        return {"other_account": True, "registered_note": words}

    def _of_register(self, row: LineRow) -> str:
        place, sealed = register_row(row.county_code, row.person_index), row.registered["account_sealed"]
        plain = self._vault.open(Field.ACCOUNT, place, sealed)
        return plain if self._whole else identity.mask_account_no(plain)

    def name(self, row: LineRow, sealed: str) -> str:
        plain = self._vault.open(Field.NAME, row.application_no, sealed)
        return plain if self._whole or self._differs_for(row) else identity.mask_name(plain)

    def _differs_for(self, row: LineRow) -> bool:
        differs = row.match_outcome == Outcome.NAME_DIFFERS and row.correct_name_sealed is not None
        return differs and self._whole_names(row.application_no)

    def id_number(self, application_no: str, sealed: str) -> str:
        plain = self._vault.open(Field.ID_NUMBER, application_no, sealed)
        return plain if self._whole else identity.mask_id_number(plain)

    def account(self, application_no: str, sealed: str) -> str:
        plain = self._vault.open(Field.ACCOUNT, application_no, sealed)
        return plain if self._whole else identity.mask_account_no(plain)

    def reason(self, application_no: str, sealed: str | None) -> str | None:
        return self._vault.open(Field.REASON, application_no, sealed) if sealed else None

    def matched(self, row: LineRow, outcome: str | None) -> str | None:
        sealed = row.correct_name_sealed
        correct = self.name(row, sealed) if sealed else None
        return match_words(outcome, correct, row.match_bank_name or self._names.bank(row.bank_code))

    def _told(self, row: LineRow) -> str | None:
        """Why it came back, was taken back or put off."""
        told: str | None = open_text(self._vault, row.county_code, row.told_sealed)
        return told

    def _personal(self, row: LineRow) -> dict[str, object]:
        number = row.application_no
        phone = self._vault.open(Field.PHONE, number, row.phone_sealed) if row.phone_sealed else None
        return {
            "name": self.name(row, row.name_sealed),
            "id_number": self.id_number(number, row.id_number_sealed),
            "phone": phone if self._whole or phone is None else identity.mask_phone(phone),
            "account_no": self.account(number, row.account_sealed),
        }

    def _form(self, row: LineRow) -> dict[str, object]:
        return {
            "town_code": row.town_code,
            "town": self._names.place(row.town_code),
            "village_code": row.village_code,
            "village": self._names.place(row.village_code),
            "group": row.group_name,
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "card_type": row.card_type,
            "card_type_label": CARD_TYPES.get(row.card_type or ""),
            "bank_card_photo": row.bank_card_photo,
            "bank_card_photo_label": "有" if row.bank_card_photo else "缺银行卡照片",
            "household_registration": row.household_registration,
            "household_label": HOUSEHOLDS.get(row.household_registration or ""),
            "family_size": row.family_size,
            "item_code": row.item_code,
            "item": self._names.item(row.item_code),
            "amount_fen": row.amount_fen,
        }

    def _progress(self, row: LineRow) -> dict[str, object]:
        return {
            "batch_no": row.batch_no,
            "list_no": row.list_no,
            "import_no": row.import_no,
            "match_outcome": row.match_outcome,
            "match_result": self.matched(row, row.match_outcome),
            "verification": row.verification,
            "verification_label": Verification(row.verification).label,
            "verification_reason": self.reason(row.application_no, row.verification_reason_sealed),
            "settlement_material_at": row.settlement_material_at,
            "held": row.held and self._may_know_lock(row.person_index),
            "payments": row.payments,
            "reason": self._told(row),
        }

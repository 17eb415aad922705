"""How an application is shown: masked in lists, whole when one is opened."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.applications.application_rows import ApplicationRow, Registered
from api.applications.person import account_of, id_number_of, name_of, reason_of
from api.counter.names import Names
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES, account_note
from models.store.register.register import register_row
from models.store.registered import registered_words
from models.store.texts import open_text
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.wire.words import ApplicantKind, CardType, HouseholdRegistration, Outcome
from models.words.flow_words import APPLICANTS, match_words
from models.words.labelled import label_of
from models.words.stages import AccountStatus, ApplicationStage, Channel, Verification

HOUSEHOLDS: Mapping[str, str] = {"agricultural": "农业", "non_agricultural": "非农业"}


class _Heading(TypedDict):
    application_no: Annotated[str, Field(description="申请编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    applicant_kind: Annotated[ApplicantKind, Field(description="申请类型")]
    kind_label: str
    channel: Annotated[Channel, Field(description="录入渠道")]
    channel_label: str
    stage: Annotated[ApplicationStage, Field(description="状态")]
    stage_label: str


class _Personal(TypedDict):
    name: Annotated[str, Field(description="姓名/组织名称，列表中遮盖")]
    id_number: Annotated[str, Field(description="身份证号/统一社会信用代码，列表中遮盖")]
    phone: Annotated[str | None, Field(description="手机号，列表中遮盖")]
    account_no: Annotated[str, Field(description="所填的一卡通账号，列表中遮盖")]


class _Filled(TypedDict):
    town_code: str
    town: Annotated[str, Field(description="乡镇")]
    village_code: str
    village: Annotated[str, Field(description="村")]
    group: Annotated[str | None, Field(description="组")]
    bank_code: str
    bank: Annotated[str | None, Field(description="一卡通开户行")]
    card_type: Annotated[CardType | None, Field(description="卡类型")]
    card_type_label: str | None
    bank_card_photo: Annotated[bool, Field(description="是否有银行卡照片")]
    bank_card_photo_label: str
    household_registration: Annotated[HouseholdRegistration | None, Field(description="户口性质")]
    household_label: str | None
    family_size: Annotated[int | None, Field(description="家庭成员数")]
    item_code: str
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]


class _OtherAccount(TypedDict):
    other_account: Annotated[bool, Field(description="登记的可用账号是否与所填不同；发放以登记账号为准")]
    registered_note: Annotated[str | None, Field(description="登记账号与所填不同时的说明")]


class _Progress(TypedDict):
    batch_no: Annotated[str | None, Field(description="结算批次")]
    list_no: Annotated[str | None, Field(description="初始化名单")]
    import_no: Annotated[str | None, Field(description="导入编号")]
    match_outcome: Annotated[Outcome | None, Field(description="初始化结果")]
    match_result: Annotated[str | None, Field(description="初始化结果的说明")]
    verification: Annotated[Verification, Field(description="大数据校验")]
    verification_label: str
    verification_reason: Annotated[str | None, Field(description="校验结果说明")]
    settlement_material_at: Annotated[datetime | None, Field(description="结算资料提交时间")]
    held: Annotated[bool, Field(description="账号变更中，发放前暂缓")]
    payments: Annotated[int, Field(description="已发放或曾尝试发放的次数")]
    reason: Annotated[str | None, Field(description="退回、撤回或转入下批原因")]


class ApplicationView(_Heading, _Personal, _Filled, _OtherAccount, _Progress):
    entered_by: Annotated[str, Field(description="录入人")]
    reviewed_by: Annotated[str | None, Field(description="审核人")]
    version: Annotated[int, Field(description="版本，编辑时原样提交")]
    created_at: datetime
    updated_at: datetime


class RegisteredView(TypedDict):
    bank_code: str | None
    bank: Annotated[str | None, Field(description="登记的开户行")]
    account_no: Annotated[str, Field(description="登记的账号")]
    card_type: CardType | None
    card_type_label: str | None
    status: AccountStatus
    status_label: str
    source: Annotated[str, Field(description="登记来源")]
    updated_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class ApplicationViews:
    """Opens and shows applications; `whole` shows personal data unmasked.

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

    def view(self, row: ApplicationRow) -> ApplicationView:
        stage, channel = ApplicationStage(row.stage), Channel(row.channel)
        return {
            "application_no": row.application_no,
            "fund_year": row.fund_year,
            "applicant_kind": ApplicantKind(row.applicant_kind),
            "kind_label": label_of(APPLICANTS, row.applicant_kind),
            "channel": channel,
            "channel_label": channel.label,
            "stage": stage,
            "stage_label": _called(row, stage),
            **self._personal(row),
            **self._filled(row),
            **self._other_account(row),
            **self._progress(row),
            "entered_by": row.entered_by,
            "reviewed_by": row.reviewed_by,
            "version": row.version,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }

    def registered(self, row: ApplicationRow) -> RegisteredView | None:
        """What the register has of the person in this county, other or not; None also for whom it is no business."""
        found = row.registered
        if found is None or not self._may_know_lock(row.person_index):
            return None
        status = AccountStatus(found["status"])
        return {
            "bank_code": found["bank_code"],
            "bank": self._names.bank(found["bank_code"]),
            "account_no": self._of_register(row, found),
            "card_type": CardType(found["card_type"]) if found["card_type"] else None,
            "card_type_label": label_of(CARD_TYPES, found["card_type"]),
            "status": status,
            "status_label": status.label,
            "source": found["source"],
            "updated_at": found["updated_at"],
        }

    def account_note(self, row: ApplicationRow) -> str | None:
        """Why its number is worth a second look."""
        plain = self._vault.open(Sealed.ACCOUNT, row.application_no, row.account_sealed)
        return account_note(plain, row.card_type)

    def _other_account(self, row: ApplicationRow) -> _OtherAccount:
        """Whether the usable account of the register is another one than the application's: that one is paid."""
        found = row.registered
        if found is None or not found["other"] or not self._may_know_lock(row.person_index):
            return {"other_account": False, "registered_note": None}
        masked = identity.mask_account_no(self._of_register(row, found))
        words = registered_words(self._names.bank(found["bank_code"]), masked, found["status"])
        return {"other_account": True, "registered_note": words}

    def _of_register(self, row: ApplicationRow, found: Registered) -> str:
        place = register_row(row.county_code, row.person_index)
        plain = self._vault.open(Sealed.ACCOUNT, place, found["account_sealed"])
        return plain if self._whole else identity.mask_account_no(plain)

    def name(self, row: ApplicationRow, sealed: str) -> str:
        return name_of(self._vault, row.application_no, sealed, whole=self._whole or self._differs_for(row))

    def _differs_for(self, row: ApplicationRow) -> bool:
        differs = row.match_outcome == Outcome.NAME_DIFFERS and row.correct_name_sealed is not None
        return differs and self._whole_names(row.application_no)

    def matched(self, row: ApplicationRow, outcome: str | None) -> str | None:
        sealed = row.correct_name_sealed
        correct = self.name(row, sealed) if sealed else None
        return match_words(outcome, correct, row.match_bank_name or self._names.bank(row.bank_code))

    def _told(self, row: ApplicationRow) -> str | None:
        """Why it came back, was taken back or put off."""
        return open_text(self._vault, row.county_code, row.told_sealed)

    def _personal(self, row: ApplicationRow) -> _Personal:
        number = row.application_no
        phone = self._vault.open(Sealed.PHONE, number, row.phone_sealed) if row.phone_sealed else None
        return {
            "name": self.name(row, row.name_sealed),
            "id_number": id_number_of(self._vault, number, row.id_number_sealed, whole=self._whole),
            "phone": phone if self._whole or phone is None else identity.mask_phone(phone),
            "account_no": account_of(self._vault, number, row.account_sealed, whole=self._whole),
        }

    def _filled(self, row: ApplicationRow) -> _Filled:
        household = row.household_registration
        return {
            "town_code": row.town_code,
            "town": self._names.place(row.town_code),
            "village_code": row.village_code,
            "village": self._names.place(row.village_code),
            "group": row.group_name,
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "card_type": CardType(row.card_type) if row.card_type else None,
            "card_type_label": label_of(CARD_TYPES, row.card_type),
            "bank_card_photo": row.bank_card_photo,
            "bank_card_photo_label": "有" if row.bank_card_photo else "缺银行卡照片",
            "household_registration": HouseholdRegistration(household) if household else None,
            "household_label": label_of(HOUSEHOLDS, household),
            "family_size": row.family_size,
            "item_code": row.item_code,
            "item": self._names.item(row.item_code),
            "amount_fen": row.amount_fen,
        }

    def _progress(self, row: ApplicationRow) -> _Progress:
        verification = Verification(row.verification)
        return {
            "batch_no": row.batch_no,
            "list_no": row.list_no,
            "import_no": row.import_no,
            "match_outcome": Outcome(row.match_outcome) if row.match_outcome else None,
            "match_result": self.matched(row, row.match_outcome),
            "verification": verification,
            "verification_label": verification.label,
            "verification_reason": reason_of(self._vault, row.application_no, row.verification_reason_sealed),
            "settlement_material_at": row.settlement_material_at,
            "held": row.held and self._may_know_lock(row.person_index),
            "payments": row.payments,
            "reason": self._told(row),
        }


def _called(row: ApplicationRow, stage: ApplicationStage) -> str:
    """The stage's word; what was passed already says so, though it stays in that stage until it is publicised."""
    passed = stage is ApplicationStage.IN_REVIEW and row.reviewed_by is not None
    return "资料审核通过" if passed else stage.label

"""How a 村社申报 is shown, and the checks of its form."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from api.counter.names import Names
from api.counter.run_block import RunBlock
from api.server.problems import Problem
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES, account_note, account_warning, parse_account_no
from models.free_text import FREE_TEXT
from models.normal_form import changes
from models.store.register.entries import EntryForm
from models.store.selection import NO_NUL
from models.store.vault import Field as Column
from models.store.vault import Vault
from models.tables.cards import VillageEntry
from models.wire.words import CardType
from models.words.calendar import china_today
from models.words.card_stages import EntryStage
from models.words.faults import Fault, FaultCode
from models.words.labelled import label_of
from models.words.refusals import Refusal, RefusalCode
from models.words.stages import AccountStatus

Typed = Annotated[str, StringConstraints(max_length=200)]
HEADERS: Mapping[str, str] = {
    "entry_no": "申报编号",
    "stage_label": "状态",
    "name": "享受人姓名",
    "id_number": "身份证号码",
    "bank": "银行名称",
    "account_no": "银行账号",
    "card_type_label": "账号类型",
    "reason": "申报理由",
    "failure": "失败原因",
    "entered_by": "录入人",
    "created_at": "录入时间",
    "confirmed_by": "复核人",
    "confirmed_at": "复核时间",
    "remark": "复核意见",
    "ended_at": "完结时间",
}


class NewEntry(BaseModel):
    """What is on the person's form; the photo is that of the card or passbook."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Typed = Field(repr=False)
    id_number: Typed = Field(repr=False)
    card_type: CardType
    bank_code: Typed
    account_no: Typed = Field(repr=False)
    photo_file_id: Annotated[int, Field(strict=True)]
    reason: (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=NO_NUL), FREE_TEXT] | None
    ) = None


class EntryView(TypedDict):
    entry_no: Annotated[str, Field(description="申报编号")]
    stage: EntryStage
    card_type: CardType
    bank_code: str
    photo_file_id: int
    attempt: Annotated[int, Field(description="第几次上卡")]
    failure_code: str | None
    failure: Annotated[str | None, Field(description="失败原因")]
    entered_by: Annotated[str, Field(description="录入人")]
    confirmed_by: Annotated[str | None, Field(description="复核人")]
    confirmed_at: Annotated[datetime | None, Field(description="复核时间")]
    created_at: Annotated[datetime, Field(description="录入时间")]
    ended_at: Annotated[datetime | None, Field(description="完结时间")]
    stage_label: str
    name: Annotated[str, Field(description="享受人姓名")]
    id_number: Annotated[str, Field(description="身份证号码")]
    bank: Annotated[str, Field(description="银行名称")]
    account_no: Annotated[str, Field(description="银行账号")]
    account_note: Annotated[str | None, Field(description="账号与账号类型不符等提示")]
    card_type_label: str | None
    reason: Annotated[str | None, Field(description="申报理由")]
    remark: Annotated[str | None, Field(description="复核意见")]


class HeldAccount(TypedDict):
    """What the register holds for the person."""

    status: AccountStatus
    status_label: str
    bank: str | None
    account_no: Annotated[str | None, Field(description="登记的账号")]


class EntryDetail(EntryView):
    why_no_decision: Annotated[str | None, Field(description="现在不能由本人复核的原因；能复核的为空")]
    photo: Annotated[str, Field(description="银行卡或存折照片的地址")]
    register: Annotated[HeldAccount | None, Field(description="登记的账号")]
    used_by_another: Annotated[bool, Field(description="账号是否已有他人使用")]
    run: RunBlock | None


class EntryError(TypedDict):
    pointer: Annotated[str, Field(description="JSON Pointer")]
    code: str
    detail: str


class _Standing(TypedDict):
    entry_no: str
    stage: EntryStage
    stage_label: str


class EnteredAccount(_Standing):
    run: RunBlock | None
    warnings: list[EntryError]


class DecidedEntry(_Standing):
    confirmed_by: str | None
    confirmed_at: datetime | None
    remark: str | None


def checked(new: NewEntry, banks: Mapping[str, str]) -> EntryForm:
    """The form made regular, or every fault of it at once."""
    parsed: dict[str, str | Fault] = {
        "name": identity.parse_person_name(new.name),
        "id_number": identity.parse_citizen_id(new.id_number, china_today()),
        "account_no": parse_account_no(new.account_no, new.card_type),
    }
    errors = [_error(field, each.code, each.message) for field, each in parsed.items() if isinstance(each, Fault)]
    if new.bank_code not in banks:
        errors.append(_error("bank_code", FaultCode.BANK_UNKNOWN, "开户行不在开户行名单中，请重新选择开户行"))
    if errors:
        detail = "请按 errors 所列的位置更正后重新提交"
        raise Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", detail, errors)
    return EntryForm(
        card_type=new.card_type,
        bank_code=new.bank_code,
        photo_file_id=new.photo_file_id,
        name=str(parsed["name"]),
        id_number=str(parsed["id_number"]),
        account_no=str(parsed["account_no"]),
        reason=new.reason or None,
    )


def entry_warnings(new: NewEntry) -> list[EntryError]:
    """A name that is kept in another form than it was typed in, an account number worth a second look."""
    warnings = [_error("name", told.code, told.message) for told in changes(new.name)]
    fault = account_warning(new.account_no, new.card_type)
    return [*warnings, _error("account_no", fault.code, fault.message)] if fault else warnings


def _error(field: str, code: RefusalCode, words: str) -> EntryError:
    return {"pointer": f"/{field}", "code": code, "detail": words}


def entry_view(vault: Vault, names: Names, entry: VillageEntry, *, whole: bool = False) -> EntryView:
    number = entry.entry_no
    name = vault.open(Column.NAME, number, entry.name_sealed)
    id_number = vault.open(Column.ID_NUMBER, number, entry.id_number_sealed)
    account_no = vault.open(Column.ACCOUNT, number, entry.account_sealed)
    return {
        "entry_no": number,
        "card_type": entry.card_type,
        "bank_code": entry.bank_code,
        "photo_file_id": entry.photo_file_id,
        "stage": entry.stage,
        "attempt": entry.attempt,
        "failure_code": entry.failure_code,
        "failure": entry.failure,
        "entered_by": entry.entered_by,
        "confirmed_by": entry.confirmed_by,
        "confirmed_at": entry.confirmed_at,
        "created_at": entry.created_at,
        "ended_at": entry.ended_at,
        "stage_label": entry.stage.label,
        "name": name if whole else identity.mask_name(name),
        "id_number": id_number if whole else identity.mask_id_number(id_number),
        "bank": names.bank(entry.bank_code),
        "account_no": account_no if whole else identity.mask_account_no(account_no),
        "account_note": account_note(account_no, entry.card_type),
        "card_type_label": label_of(CARD_TYPES, entry.card_type),
        "reason": vault.open(Column.REASON, number, entry.reason_sealed) if entry.reason_sealed else None,
        "remark": vault.open(Column.REASON, number, entry.remark_sealed) if entry.remark_sealed else None,
    }


def is_waiting(entry: VillageEntry) -> bool:
    """Whether a reviewer may decide."""
    return entry.stage is EntryStage.ENTERED

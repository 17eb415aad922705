"""The forms that people hand in (S1 2.1): their fields, and the check of one entry that names everything by code."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, TypeAdapter

from models.forms import identity, money
from models.forms.account_numbers import parse_account_no
from models.forms.catalogs import Catalogs
from models.normal_form import changes
from models.wire.words import ApplicantKind, CardType, HouseholdRegistration
from models.words.calendar import china_today
from models.words.faults import Fault, FaultCode, FieldFault, FormError

Words = Annotated[StrictStr, Field(max_length=200)]
# Kept out of repr: a form must not tell who it is about when it ends up in a traceback.
PersonalWords = Annotated[StrictStr, Field(max_length=200, repr=False)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: PersonalWords
    id_number: PersonalWords
    phone: PersonalWords
    town_code: Words
    village_code: Words
    group: Words | None = None
    bank_code: Words
    account_no: PersonalWords
    card_type: CardType | None = None
    item_code: Words
    amount_fen: StrictInt
    application_no: Words | None = None


class PersonalForm(_Form):
    kind: Literal[ApplicantKind.PERSONAL] = ApplicantKind.PERSONAL
    # left empty it is refused beside all else that is wrong
    household_registration: HouseholdRegistration | None
    family_size: StrictInt


class OrganizationForm(_Form):
    kind: Literal[ApplicantKind.ORGANIZATION] = ApplicantKind.ORGANIZATION


ApplicationForm: TypeAlias = PersonalForm | OrganizationForm
Value: TypeAlias = str | int | None
TextParser: TypeAlias = Callable[[str], Value | Fault]

# Our name of each column of a file, with the header that the counties write; of a form's fields, the label.
PERSONAL_COLUMNS: Mapping[str, str] = {
    "name": "姓名",
    "id_number": "身份证号",
    "phone": "手机号",
    "town": "乡镇",
    "village": "村",
    "group": "组",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "card_type": "卡类型",
    "household_registration": "户口性质",
    "family_size": "家庭成员数",
    "item": "补贴项目",
    "amount": "补贴金额（元）",
    "application_no": "申请编号",
}
ORGANIZATION_COLUMNS: Mapping[str, str] = {
    name: {"name": "组织名称", "id_number": "统一社会信用代码"}.get(name, header)
    for name, header in PERSONAL_COLUMNS.items()
    if name not in {"household_registration", "family_size"}
}
OPTIONAL_COLUMNS = frozenset({"card_type", "application_no"})
MAY_BE_EMPTY = frozenset({"group", *OPTIONAL_COLUMNS})
HOUSEHOLD_WORDS: Mapping[str, HouseholdRegistration] = {
    "农业": HouseholdRegistration.AGRICULTURAL,
    "非农业": HouseholdRegistration.NON_AGRICULTURAL,
}
MAX_FAMILY_SIZE = 50
# Kept in one form whichever way they come in (models/normal_form.py); what that changes is told.
NAMING = ("name", "group")

_APPLICATION_NO = re.compile(r"[A-Za-z0-9-]{1,40}")
# Numbers stand in addresses, file names and Temporal; what looks like an id, a card or a phone must never be one.
_PERSONAL_NUMBER = re.compile(r"[0-9]{11,}|[0-9]{17}[0-9Xx]|[0-9A-Z]{18}")
_ENUMERATIONS: Mapping[str, type[StrEnum]] = {
    "card_type": CardType,
    "household_registration": HouseholdRegistration,
}
_ANY_FORM = TypeAdapter[ApplicationForm](Annotated[ApplicationForm, Field(discriminator="kind")])


def columns(kind: ApplicantKind) -> Mapping[str, str]:
    """The columns of a file of this kind: our name of each, and its Chinese header."""
    return PERSONAL_COLUMNS if kind is ApplicantKind.PERSONAL else ORGANIZATION_COLUMNS


def build_form(kind: ApplicantKind, values: Mapping[str, object]) -> ApplicationForm:
    """A form from values that were checked before."""
    return _ANY_FORM.validate_python({**values, "kind": kind})


def made_again(kind: ApplicantKind, values: Mapping[str, object]) -> ApplicationForm:
    """A form from values that a form was built from before, words of enumerations as texts: nothing is checked."""
    of_enumerations = {name: made(str(values[name])) for name, made in _ENUMERATIONS.items() if values.get(name)}
    form = PersonalForm if kind is ApplicantKind.PERSONAL else OrganizationForm
    return form.model_construct(**{**values, **of_enumerations})  # type: ignore[arg-type]


def text_parsers(kind: ApplicantKind, today: date) -> Mapping[str, TextParser]:
    """The check of each field that is plain text in an entry and in a file alike; an account asks for its kind too."""
    personal = kind is ApplicantKind.PERSONAL
    return {
        "name": identity.parse_person_name if personal else identity.parse_organization_name,
        "id_number": (lambda text: identity.parse_citizen_id(text, today)) if personal else identity.parse_credit_code,
        "phone": identity.parse_phone,
        "group": identity.parse_group,
        "application_no": parse_application_no,
    }


def check_form(form: ApplicationForm, catalogs: Catalogs, today: date | None = None) -> ApplicationForm:
    """The form with its values made regular, or FormError with every fault at once."""
    values: dict[str, object] = form.model_dump(exclude={"kind"})
    outcomes: dict[str, Value | Fault] = {"amount_fen": money.check_fen(form.amount_fen)}
    for name, parse in text_parsers(form.kind, today or china_today()).items():
        outcomes[name] = parse_or_empty(name, str(values[name] or ""), parse, columns(form.kind)[name])
    outcomes["account_no"] = parse_account_no(form.account_no, form.card_type)
    if outcomes["application_no"] == outcomes["account_no"]:
        outcomes["application_no"] = account_as_number()
    if isinstance(form, PersonalForm):
        outcomes["family_size"] = check_family_size(form.family_size)
        if form.household_registration is None:
            outcomes["household_registration"] = Fault(FaultCode.REQUIRED, "户口性质未填写，请补填")
    outcomes |= catalogs.unknown_codes(
        bank_code=form.bank_code, item_code=form.item_code, town_code=form.town_code, village_code=form.village_code
    )
    faults = [FieldFault(name, out.code, out.message) for name, out in outcomes.items() if isinstance(out, Fault)]
    if faults:
        raise FormError(faults)
    return build_form(form.kind, values | outcomes)


def made_regular(given: Mapping[str, str | None]) -> list[FieldFault]:
    """What the one form of names and groups has changed in the values as they were given."""
    return [FieldFault(name, told.code, told.message) for name in NAMING for told in changes(given.get(name) or "")]


def parse_or_empty(name: str, text: str, parse: TextParser, label: str) -> Value | Fault:
    """What is left empty is refused by its label, unless it may be empty."""
    if text.strip():
        return parse(text)
    return None if name in MAY_BE_EMPTY else Fault(FaultCode.REQUIRED, f"{label}未填写，请补填")


def account_as_number() -> Fault:
    """An account may be as short as other numbers: only beside it is it known for one."""
    words = "申请编号与本申请的账号相同，申请编号不能用银行账号，请另编号码或留空"
    return Fault(FaultCode.APPLICATION_NO_FORMAT, words)


def parse_application_no(text: str) -> str | Fault:
    """An application number that the county gave itself."""
    value = text.strip()
    if _PERSONAL_NUMBER.fullmatch(value):
        return Fault(
            FaultCode.APPLICATION_NO_FORMAT, "申请编号不能用身份证号、信用代码、银行账号或手机号，请另编号码或留空"
        )
    if _APPLICATION_NO.fullmatch(value):
        return value
    return Fault(FaultCode.APPLICATION_NO_FORMAT, "申请编号只能由 1 至 40 位半角字母、数字和 - 组成，请修改或留空")


def parse_household_registration(text: str) -> str | Fault:
    """户口性质 as the counties' files write it."""
    found = HOUSEHOLD_WORDS.get(text.strip())
    return found or Fault(FaultCode.HOUSEHOLD_UNKNOWN, "户口性质只能填“农业”或“非农业”")


def parse_family_size(text: str) -> int | Fault:
    value = text.strip()
    return check_family_size(int(value) if value.isascii() and value.isdigit() and len(value) < 4 else 0)


def check_family_size(size: int) -> int | Fault:
    if 1 <= size <= MAX_FAMILY_SIZE:
        return size
    return Fault(FaultCode.FAMILY_SIZE, f"家庭成员数应为 1 至 {MAX_FAMILY_SIZE} 的整数，请核对")

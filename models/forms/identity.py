"""What people and organizations are known by: checks of ids, phones and names, and masking."""

import re
import unicodedata
from datetime import date

from stdnum.cn import uscc

from models.normal_form import is_regular, out_of_place, regular, ungrouped, unreadable
from models.words.faults import UNREADABLE, Fault, FaultCode

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_CITIZEN_ID = re.compile(r"[1-9][0-9]{16}[0-9X]")
_OLD_CITIZEN_ID = re.compile(r"[1-9][0-9]{14}")
_PROVINCES = frozenset(
    str(code)
    for codes in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 84))
    for code in range(*codes)
)
# The first place may be a letter: N is the rural collectives' register, which stdnum's own format check refuses.
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
# Nearly every name, and every one of a hundred thousand rows is looked at.
_PLAIN_NAME = re.compile(r"[\u4e00-\u9fff]{1,50}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_COUNTRY_CODE = re.compile(r"(?:\+|00)86")
_FOREIGN = re.compile(r"\+[0-9]+")
_LANDLINE = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})-?[2-9][0-9]{6,7}")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+")
_INJECTION = ("=", "+", "-", "@")
_EARLIEST_BIRTH_YEAR = 1900


def parse_citizen_id(text: str, today: date) -> str | Fault:
    """An 18-character citizen id (GB 11643), its X made upper case, or what is wrong with it."""
    value = ungrouped(text)
    if value[-1:] == "x":
        value = value[:-1] + "X"
    if fault := not_plain(value, "身份证号"):
        return fault
    if _OLD_CITIZEN_ID.fullmatch(value):
        return Fault(FaultCode.ID_OLD, "身份证号是 15 位旧号，请填写 18 位身份证号")
    if not _CITIZEN_ID.fullmatch(value):
        return Fault(FaultCode.ID_FORMAT, "身份证号应为 18 位：17 位数字加末位数字或 X，请按身份证核对")
    born = _date_in(value)
    if born is None or born.year < _EARLIEST_BIRTH_YEAR:
        return Fault(FaultCode.ID_DATE, "身份证号中的出生日期不存在，请按身份证核对第 7 至 14 位")
    if born > today:
        return Fault(FaultCode.ID_FUTURE, "身份证号中的出生日期晚于今天，请按身份证核对第 7 至 14 位")
    if value[17] != citizen_id_check_digit(value):
        return Fault(FaultCode.ID_CHECK_DIGIT, "身份证号校验位不符，有数字写错，请按身份证逐位核对")
    return value


def citizen_id_check_digit(value: str) -> str:
    """The last place that the first 17 digits ask for (ISO 7064 MOD 11-2)."""
    return _CHECK_DIGITS[sum(int(digit) * weight for digit, weight in zip(value[:17], _WEIGHTS, strict=True)) % 11]


def citizen_id_warning(value: str) -> Fault | None:
    """An unknown region is no refusal: codes come and go, and people keep the number they were born with."""
    if value[:2] in _PROVINCES:
        return None
    return Fault(FaultCode.ID_REGION, "身份证号前两位不是已知的省级代码，请再核对一次；确认无误可以继续")


def birth_date(citizen_id: str) -> date:
    """The birth date in a checked citizen id."""
    return date(int(citizen_id[6:10]), int(citizen_id[10:12]), int(citizen_id[12:14]))


def sex(citizen_id: str) -> str:
    """男 or 女, from a checked citizen id."""
    if citizen_id == UNREADABLE:
        return citizen_id
    return "男" if int(citizen_id[16]) % 2 else "女"


def parse_credit_code(text: str) -> str | Fault:
    """A unified social credit code (GB 32100) in capitals, or what is wrong with it."""
    value = ungrouped(text)
    if value.isascii():
        value = value.upper()
    if fault := not_plain(value, "统一社会信用代码"):
        return fault
    if not _CREDIT_CODE.fullmatch(value):
        return Fault(
            FaultCode.CREDIT_CODE_FORMAT,
            "统一社会信用代码应为 18 位数字和大写字母（不含 I、O、S、V、Z），请按登记证书核对",
        )
    if value[17] != uscc.calc_check_digit(value[:17]):
        return Fault(FaultCode.CREDIT_CODE_CHECK_DIGIT, "统一社会信用代码校验位不符，请按登记证书逐位核对")
    return value


def parse_phone(text: str) -> str | Fault:
    """A mainland mobile number, or a landline with its area code; the country's own code goes without saying."""
    value = ungrouped(text)
    if _MOBILE.fullmatch(value):
        return value
    national = _COUNTRY_CODE.sub("", value)
    if not _FOREIGN.fullmatch(value) and (fault := not_plain(national, "手机号")):
        return fault
    if _MOBILE.fullmatch(national):
        return national
    # abroad the 0 of an area code is left out; a hyphen after it stays as it was written
    landline = f"0{national}" if national != value and national[:1] != "0" else national
    if _LANDLINE.fullmatch(landline):
        return text.strip() if _LANDLINE.fullmatch(text.strip()) else landline
    return Fault(FaultCode.PHONE_FORMAT, "手机号应为 11 位手机号，或带区号的固定电话（如 023-67654321），请核对")


def parse_person_name(text: str) -> str | Fault:
    """A person's name: letters of any script and plane, with · between its parts."""
    value = text.strip()
    if _PLAIN_NAME.fullmatch(value):
        return value
    if fault := _not_text(value, "姓名", 50):
        return fault
    value = regular(value)
    if all(_in_person_name(character) for character in value) and value[0] != "·" and value[-1] != "·":
        return value
    return Fault(FaultCode.CHARACTERS, "姓名只能是文字，间隔号请用“·”，不能有数字或其他符号，请按身份证填写")


def parse_organization_name(text: str) -> str | Fault:
    """An organization's name as registered; digits and brackets are usual in it."""
    return _not_text(text.strip(), "组织名称", 100) or regular(text)


# Whole, or grouped by blanks and hyphens as on a card.
_LONG_NUMBER = re.compile(r"\d(?:[\s-]*\d){7}")


def parse_group(text: str) -> str | Fault:
    """A village group as people write it, such as 6组; the one plain text of a form, so no number of a person in it."""
    value = regular(text)
    if 0 < len(value) < 8 and is_regular(value):  # too short for one
        return value
    if _LONG_NUMBER.search(unicodedata.normalize("NFKC", value)):
        return Fault(FaultCode.CHARACTERS, "组里有八位以上的数字，像是证件号、账号或手机号，请只填组名，如 6组")
    return _not_text(text.strip(), "组", 30) or value


def mask_name(name: str) -> str:
    """`**梅`: the last character only, whatever the length."""
    if name == UNREADABLE:
        return name
    last = len(name) - 1
    while last > 0 and unicodedata.category(name[last]) == "Mn":  # a variation selector belongs to its character
        last -= 1
    return "**" + (name[last:] if last > 0 else "")


def mask_birth_date(citizen_id: str) -> str:
    """`1980-**-**`, from a checked citizen id."""
    if citizen_id == UNREADABLE:
        return citizen_id
    return f"{birth_date(citizen_id).year:04d}-**-**"


def mask_id_number(id_number: str) -> str:
    """`*********1829`, as the citizen's page shows it."""
    if id_number == UNREADABLE:
        return id_number
    return "*********" + id_number[-4:]


def mask_account_no(account_no: str) -> str:
    """The last four digits, for lists."""
    if account_no == UNREADABLE:
        return account_no
    return "****" + account_no[-4:]


def mask_phone(phone: str) -> str:
    """`133****5835`."""
    if phone == UNREADABLE:
        return phone
    return f"{phone[:3]}****{phone[-4:]}"


def _date_in(citizen_id: str) -> date | None:
    try:
        return birth_date(citizen_id)
    except ValueError:
        return None


def not_plain(value: str, label: str) -> Fault | None:
    """What numbers suffer in spreadsheets and input methods, said before any rule of their own."""
    if not value:
        return Fault(FaultCode.REQUIRED, f"{label}未填写，请补填")
    if value.isascii():
        if value.isalnum():
            return None
        return _not_plain_ascii(value, label)
    if any(unicodedata.east_asian_width(character) == "F" for character in value):
        return Fault(FaultCode.FULL_WIDTH, f"{label}含全角字符，请切换为半角后重新填写")
    return Fault(FaultCode.CHARACTERS, f"{label}含数字和字母以外的字符或看不见的字符，请重新手工填写")


def _not_plain_ascii(value: str, label: str) -> Fault | None:
    if value[0] in _INJECTION:
        return Fault(FaultCode.FORMULA, f"{label}以 = + - @ 开头，像是公式，请直接填写号码")
    if _SCIENTIFIC.fullmatch(value):
        return scientific(label)
    if any(character < " " or character == "\x7f" for character in value):
        return Fault(FaultCode.CHARACTERS, f"{label}含看不见的控制字符，请重新手工填写")
    return None


def scientific(label: str) -> Fault:
    """Excel has turned a long number into a float; its last digits are lost for good."""
    return Fault(
        FaultCode.SCIENTIFIC,
        f"{label}已被 Excel 变成科学计数法，末尾数字已丢失，请把该列设为“文本”格式后按证件重新填写",
    )


def _not_text(value: str, label: str, longest: int) -> Fault | None:
    if not value:
        return Fault(FaultCode.REQUIRED, f"{label}未填写，请补填")
    if value[0] in _INJECTION or value[0] in "＝＋－＠":
        return Fault(FaultCode.FORMULA, f"{label}以 = + - @ 开头，像是公式，请填写真实内容")
    if len(value) > longest:
        return Fault(FaultCode.TOO_LONG, f"{label}超过 {longest} 个字，请核对")
    if is_regular(value):
        return None
    if fault := unreadable(value, label):
        return fault
    place = next((place for place, character in enumerate(value) if not _is_visible(character)), None)
    return None if place is None else out_of_place(value, label, place)


def _is_visible(character: str) -> bool:
    """No control, format or lone surrogate characters; blanks of any width, since their form is made regular."""
    if "\u4e00" <= character <= "\u9fff" or " " <= character <= "~":
        return True
    category = unicodedata.category(character)
    return category == "Zs" or category[0] in "LMNPS" or _may_be_han(character)


def _in_person_name(character: str) -> bool:
    if "\u4e00" <= character <= "\u9fff" or character in "· ":
        return True
    return _may_be_han(character) or unicodedata.category(character)[0] in "LM"


def _may_be_han(character: str) -> bool:
    """Rare characters of real names that this Python's tables may not know yet, or that only a private font shows."""
    return "\U00020000" <= character <= "\U0003fffd" or "\ue000" <= character <= "\uf8ff"

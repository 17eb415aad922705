"""Account numbers of passbooks and cards, and which of the two one is; the rest is for the bank to say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.forms.identity import not_plain
from models.normal_form import ungrouped
from models.wire.words import CardType
from models.words.faults import Fault, FaultCode

CARD_TYPES: Mapping[str, str] = {CardType.BANK_CARD: "银行卡", CardType.PASSBOOK: "存折"}
LABEL = "一卡通账号"
# What a passbook has that nobody need look at twice.
_USUAL_PASSBOOK = 12
_ACCOUNT = re.compile(r"[0-9]{8,30}")
# China UnionPay's: nothing else begins so and has a card's length.
_UNIONPAY = "62"
# Twice a digit, its own digits added.
_TWICE = bytes.maketrans(b"0123456789", b"0246813579")
_BY_WORD = {word: CardType(kind) for kind, word in CARD_TYPES.items()}


def parse_card_type(text: str) -> CardType | Fault:
    """卡类型 as a county's file writes it."""
    return _BY_WORD.get(text.strip()) or Fault(
        FaultCode.CARD_TYPE_UNKNOWN, "卡类型只能填“银行卡”或“存折”，不清楚的可以不填"
    )


@dataclass(frozen=True, slots=True)
class AccountNo:
    """A number as it is kept, what it is taken for, and what is worth a second look: no reason to refuse."""

    value: str = field(repr=False)
    kind: CardType
    warning: Fault | None = None


def read_account_no(text: str, told: CardType | None = None) -> AccountNo | Fault:
    """8 to 30 digits; `told` is the kind that whoever typed it chose, if any. Only a card has a check digit (Luhn)."""
    value = ungrouped(text)
    if fault := not_plain(value, LABEL):
        return fault
    if not _ACCOUNT.fullmatch(value):
        return Fault(FaultCode.ACCOUNT_FORMAT, f"{LABEL}应为 8 至 30 位数字，请按存折或银行卡核对")
    if _is_card(value):
        return AccountNo(value, told or CardType.BANK_CARD)
    if _has_card_length(value) and (told or _presumed(value)) is CardType.BANK_CARD:
        return _wrong_digit(told)
    return AccountNo(value, told or CardType.PASSBOOK, _warning(value, told))


def parse_account_no(text: str, told: CardType | None = None) -> str | Fault:
    """The number as it is kept."""
    read = read_account_no(text, told)
    return read if isinstance(read, Fault) else read.value


def account_warning(text: str, told: CardType | None = None) -> Fault | None:
    read = read_account_no(text, told)
    return None if isinstance(read, Fault) else read.warning


def account_note(account_no: str, told: str | None) -> str | None:
    """The warning about a number that is kept, in words, for whoever looks at it."""
    warning = account_warning(account_no, CardType(told) if told else None)
    return warning.message if warning else None


def card_type_of(account_no: str, told: CardType | None = None) -> CardType:
    """What a number that was read before is taken for."""
    return told or (CardType.BANK_CARD if _is_card(account_no) else CardType.PASSBOOK)


def _is_card(value: str) -> bool:
    return _has_card_length(value) and _has_luhn_digit(value)


def _has_luhn_digit(value: str) -> bool:
    """Of digits only; a county has a hundred thousand of them, so nothing is made for each digit."""
    digits = value.encode()[::-1]
    return (sum(digits[::2]) + sum(digits[1::2].translate(_TWICE)) - len(digits) * ord("0")) % 10 == 0


def _has_card_length(value: str) -> bool:
    return 16 <= len(value) <= 19


def _presumed(value: str) -> CardType:
    return CardType.BANK_CARD if value.startswith(_UNIONPAY) else CardType.PASSBOOK


def _wrong_digit(told: CardType | None) -> Fault:
    other = "卡类型请选“存折”" if told else "请注明卡类型“存折”"
    words = f"{LABEL}校验位不符，有数字写错，请按银行卡逐位核对；确是存折账号的，{other}"
    return Fault(FaultCode.ACCOUNT_CHECK_DIGIT, words)


def _warning(value: str, told: CardType | None) -> Fault | None:
    """Of a number that isn't a card's."""
    sure = "请再核对一次；确认无误可以继续，以银行核验为准"
    if told is CardType.BANK_CARD:
        words = f"银行卡号一般为 16 至 19 位，所填为 {len(value)} 位，{sure}"
        return Fault(FaultCode.ACCOUNT_LENGTH, words)
    if told is CardType.PASSBOOK or len(value) == _USUAL_PASSBOOK:
        return None
    why = "不符合银行卡的校验位" if _has_card_length(value) else f"为 {len(value)} 位"
    return Fault(FaultCode.ACCOUNT_AS_PASSBOOK, f"{LABEL}{why}，按存折账号处理，{sure}")

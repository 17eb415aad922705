"""Money is integer fen: strict types, parsing of yuan as people write it, and formatting."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StrictInt

from models.words.faults import Fault, FaultCode

# 14 digits stay exact in a spreadsheet's floats (15 significant digits) and far below a bigint.
MAX_FEN = 99_999_999_999_999

Fen = Annotated[StrictInt, Field(gt=0, le=MAX_FEN)]
FenOrZero = Annotated[StrictInt, Field(ge=0, le=MAX_FEN)]

_PLAIN = re.compile(r"(0|[1-9][0-9]{0,39})(?:\.([0-9]{1,40}))?")
_NEGATIVE = re.compile(r"[-－][0-9.]+")
_SEPARATED = re.compile(r"[0-9][0-9,，' ]*(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]+")

_NOT_POSITIVE = Fault(FaultCode.AMOUNT_NOT_POSITIVE, "金额必须大于 0，请填写实际补贴金额")
_TOO_LARGE = Fault(FaultCode.AMOUNT_TOO_LARGE, "金额超出系统可处理的范围，请核对是否多写了位数")


def parse_yuan(text: str) -> int | Fault:
    """Yuan as text ("495", "495.5", "495.00") to fen; anything else is a fault."""
    value = text.strip()
    plain = _PLAIN.fullmatch(value)
    if plain is None:
        return _why_not_plain(value)
    whole, decimals = plain.group(1), plain.group(2) or ""
    if len(decimals) > 2:
        return Fault(FaultCode.AMOUNT_DECIMALS, "金额最多两位小数（精确到分），请四舍五入后重新填写")
    return check_fen(int(whole) * 100 + int(decimals.ljust(2, "0")))


def check_fen(fen: int) -> int | Fault:
    """An amount that is paid: at least one fen, and in range."""
    if fen <= 0:
        return _NOT_POSITIVE
    return fen if fen <= MAX_FEN else _TOO_LARGE


def format_yuan(fen: int) -> str:
    """Fen to yuan with two decimals: 49500 is "495.00", -5 is "-0.05"."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def told_yuan(fen: int) -> str:
    """The same in a sentence that people read: 8627400 is "86,274.00"."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}.{rest:02d}"


def yuan(fen: int) -> Decimal:
    """Fen as an exact decimal of yuan, for a spreadsheet's number cell."""
    return Decimal(fen).scaleb(-2)


def _why_not_plain(value: str) -> Fault:
    if not value:
        return Fault(FaultCode.REQUIRED, "金额未填写，请填写补贴金额（元）")
    if value.startswith("="):
        return Fault(FaultCode.FORMULA, "金额是公式，请粘贴为数值后重新上传")
    if _NEGATIVE.fullmatch(value):
        return _NOT_POSITIVE
    if _SCIENTIFIC.fullmatch(value):
        return Fault(FaultCode.SCIENTIFIC, "金额是科学计数法，请写成普通数字，如 495.00")
    if _SEPARATED.fullmatch(value):
        return Fault(FaultCode.AMOUNT_SEPARATOR, "金额不要带千位分隔符或空格，请写成普通数字，如 1234.00")
    return Fault(FaultCode.AMOUNT_FORMAT, "金额只能是半角数字和小数点，不带货币符号和单位，请写成如 495.00")

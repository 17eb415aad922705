"""Faults of people's data and files: a stable code and a Chinese sentence, never the value itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# What stands where a stored value can't be read any more: for people, and as a code.
UNREADABLE = "〔无法读取〕"
UNREADABLE_CODE = "UNREADABLE"


class FaultCode(StrEnum):
    # one value
    REQUIRED = "REQUIRED"
    FULL_WIDTH = "FULL_WIDTH"
    SCIENTIFIC = "SCIENTIFIC"
    FORMULA = "FORMULA"
    CHARACTERS = "CHARACTERS"
    TOO_LONG = "TOO_LONG"
    ID_FORMAT = "ID_FORMAT"
    ID_OLD = "ID_OLD"
    ID_DATE = "ID_DATE"
    ID_FUTURE = "ID_FUTURE"
    ID_CHECK_DIGIT = "ID_CHECK_DIGIT"
    ID_REGION = "ID_REGION"
    CREDIT_CODE_FORMAT = "CREDIT_CODE_FORMAT"
    CREDIT_CODE_CHECK_DIGIT = "CREDIT_CODE_CHECK_DIGIT"
    ACCOUNT_FORMAT = "ACCOUNT_FORMAT"
    ACCOUNT_CHECK_DIGIT = "ACCOUNT_CHECK_DIGIT"
    CARD_TYPE_UNKNOWN = "CARD_TYPE_UNKNOWN"
    PHONE_FORMAT = "PHONE_FORMAT"
    AMOUNT_FORMAT = "AMOUNT_FORMAT"
    AMOUNT_SEPARATOR = "AMOUNT_SEPARATOR"
    AMOUNT_DECIMALS = "AMOUNT_DECIMALS"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    APPLICATION_NO_FORMAT = "APPLICATION_NO_FORMAT"
    HOUSEHOLD_UNKNOWN = "HOUSEHOLD_UNKNOWN"
    FAMILY_SIZE = "FAMILY_SIZE"
    BANK_UNKNOWN = "BANK_UNKNOWN"
    ITEM_UNKNOWN = "ITEM_UNKNOWN"
    TOWN_UNKNOWN = "TOWN_UNKNOWN"
    VILLAGE_UNKNOWN = "VILLAGE_UNKNOWN"
    WEAK = "WEAK"
    AMBIGUOUS = "AMBIGUOUS"
    # one value made regular: told, never refused
    BLANKS_DROPPED = "BLANKS_DROPPED"
    CHARACTERS_MAPPED = "CHARACTERS_MAPPED"
    # one value to look at again: told, never refused
    ACCOUNT_LENGTH = "ACCOUNT_LENGTH"
    ACCOUNT_AS_PASSBOOK = "ACCOUNT_AS_PASSBOOK"
    # one cell
    NUMBER_CELL = "NUMBER_CELL"
    CELL_KIND = "CELL_KIND"
    CELL_FIXED = "CELL_FIXED"
    MERGED_CELL = "MERGED_CELL"
    CELL_WITHOUT_COLUMN = "CELL_WITHOUT_COLUMN"
    # what a person is to confirm
    HIDDEN_ROW = "HIDDEN_ROW"
    HIDDEN_COLUMN = "HIDDEN_COLUMN"
    # rows held against each other
    LINE_TWICE = "LINE_TWICE"
    APPLICATION_NO_TWICE = "APPLICATION_NO_TWICE"
    ACCOUNT_LOCKED = "ACCOUNT_LOCKED"
    OTHER_ACCOUNT = "OTHER_ACCOUNT"
    SAME_ITEM = "SAME_ITEM"
    FILE_KNOWN = "FILE_KNOWN"
    SEVERAL_LINES = "SEVERAL_LINES"
    PERSON_TWICE = "PERSON_TWICE"
    ACCOUNT_SHARED = "ACCOUNT_SHARED"
    ACCOUNT_NEWER = "ACCOUNT_NEWER"
    # the file
    FILE_EMPTY = "FILE_EMPTY"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_KIND = "FILE_KIND"
    FILE_DAMAGED = "FILE_DAMAGED"
    FILE_ENCODING = "FILE_ENCODING"
    FILE_SHEETS = "FILE_SHEETS"
    FILE_TOO_MANY_ROWS = "FILE_TOO_MANY_ROWS"
    FILE_TOO_MANY_COLUMNS = "FILE_TOO_MANY_COLUMNS"
    HEADER_MISSING = "HEADER_MISSING"
    HEADER_OTHER_KIND = "HEADER_OTHER_KIND"
    COLUMN_MISSING = "COLUMN_MISSING"
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    COLUMN_TWICE = "COLUMN_TWICE"
    NO_ROWS = "NO_ROWS"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value and what to do about it."""

    code: FaultCode
    message: str


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A fault of one field of a form; `field` is the name in code."""

    field: str
    code: FaultCode
    message: str


@dataclass(frozen=True, slots=True)
class CellFault:
    """A fault in a file: row as the spreadsheet numbers it (0 is the file itself), column by its Chinese name."""

    row: int
    column: str
    code: FaultCode
    message: str


class FormError(Exception):
    """A form with faults, all of them; its text names fields and codes only, so it may be logged."""

    def __init__(self, faults: Iterable[FieldFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(", ".join(f"{fault.field}: {fault.code}" for fault in self.faults))


class FileError(Exception):
    """A file that can't be read at all."""

    def __init__(self, code: FaultCode, message: str) -> None:
        self.fault = Fault(code, message)
        super().__init__(code)

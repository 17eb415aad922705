"""The exported lines of 修改申请提交, come back edited: what each row says otherwise, each fault by cell (S1 2.7)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.forms.account_numbers import parse_card_type
from models.forms.application_form import (
    PERSONAL_COLUMNS,
    parse_family_size,
    parse_household_registration,
    parse_or_empty,
)
from models.forms.application_row import cell_text
from models.forms.catalogs import Catalogs
from models.forms.headers import HeaderError, as_header, cells_without_column, header_faults, hidden_cells
from models.forms.money import parse_yuan
from models.sheets.cells import Cell
from models.sheets.reader import read_sheet
from models.sheets.rows import Limits, Sheet
from models.sheets.writer import safe_text
from models.words.faults import CellFault, Fault, FaultCode, FileError

# One file has lines of people and of organizations. 卡类型 is empty for a line that no type was told of: who types
# another account fills it in.
_EITHER_KIND = {**PERSONAL_COLUMNS, "name": "姓名/组织名称", "id_number": "身份证号/信用代码"}
# Our name of each column of the export, in its order, and its header: those of the form it was entered with, and why.
COLUMNS: Mapping[str, str] = {
    "application_no": _EITHER_KIND["application_no"],
    "reason": "提交失败原因",
    **{name: header for name, header in _EITHER_KIND.items() if name != "application_no"},
    "why": "不能修改的原因",
}
# Where each field of a correction stands in the file.
COLUMN_OF: Mapping[str, str] = {
    "town_code": "town",
    "village_code": "village",
    "bank_code": "bank",
    "amount_fen": "amount",
}
READ_OVER = frozenset({"reason", "why"})
FIXED: Mapping[str, str] = {
    "id_number": "证件号码不能更正；请改回导出时的样子，证件号码有误的，请撤回此申请后重新申请",
    "item": "补贴项目不能更正；请改回导出时的样子，项目有误的，请撤回此申请后重新申请",
}
_MAY_BE_ABSENT = frozenset(COLUMNS) - {"application_no"}
_LONGEST = 200
_SIZE = Limits(max_bytes=5 * 1024 * 1024, max_unpacked_bytes=64 * 1024 * 1024, max_rows=20_000)

Value = str | int


class CorrectionRow(NamedTuple):
    """One row: the cells of columns that a correction is about, by our name of the column."""

    row: int
    application_no: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class CorrectionFile:
    """The rows of a file, or its faults: a file with a fault is taken as a whole or not at all."""

    rows: tuple[CorrectionRow, ...]
    faults: tuple[CellFault, ...]
    warnings: tuple[CellFault, ...] = ()
    row_count: int = 0


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A line as it was exported: the words of its columns; and by code where the file names things by word."""

    texts: Mapping[str, str]
    town_code: str
    village_code: str


def read_correction_file(data: bytes) -> CorrectionFile:
    """By the same reader as imports; a file that can't be read has one fault in row 0."""
    try:
        sheet = read_sheet(data, _SIZE)
        places = _places(sheet)
    except FileError as error:
        return CorrectionFile((), (CellFault(0, "", error.fault.code, error.fault.message),))
    except HeaderError as error:
        return CorrectionFile((), error.faults)
    rows: list[CorrectionRow] = []
    faults: list[CellFault] = []
    for number, cells in sheet.rows[1:]:
        faults += cells_without_column(number, cells, places)
        # an empty cell of a column that is there has been emptied
        named = {name: cells.get(place, "") for place, name in places.items() if name}
        application_no = _number(named.pop("application_no"))
        if isinstance(application_no, Fault):
            faults.append(CellFault(number, COLUMNS["application_no"], application_no.code, application_no.message))
        else:
            rows.append(CorrectionRow(number, application_no, named))
    warnings = tuple(hidden_cells(sheet, places, COLUMNS, "更正"))
    return CorrectionFile(tuple(rows), (*faults, *_twice(rows)), warnings, len(sheet.rows) - 1)


def _places(sheet: Sheet) -> Mapping[int, str]:
    if not sheet.rows:
        raise FileError(FaultCode.NO_ROWS, "文件里没有内容，请重新导出审核不通过的申请，改好后上传")
    number, cells = sheet.rows[0]
    names = {header: "" if name in READ_OVER else name for name, header in COLUMNS.items()}
    given = {place: as_header(cell) for place, cell in cells.items()}
    known = {place: names[header] for place, header in given.items() if header in names}
    if not any(known.values()):
        raise FileError(FaultCode.HEADER_MISSING, "第一行不是导出文件的列名，请重新导出，保留第一行列名，改好后上传")
    correctible = {name: header for name, header in COLUMNS.items() if name not in READ_OVER}
    if faults := list(header_faults(number, given, known, correctible, _MAY_BE_ABSENT)):
        raise HeaderError(faults)
    if len(sheet.rows) == 1:
        raise FileError(FaultCode.NO_ROWS, "文件只有列名，没有申请，请重新导出审核不通过的申请，改好后上传")
    return known


def _number(cell: Cell) -> str | Fault:
    header = COLUMNS["application_no"]
    text = cell_text("application_no", header, cell)
    if isinstance(text, Fault):
        return text
    return text if 0 < len(text) <= 80 else Fault(FaultCode.REQUIRED, f"{header}未填写或过长，请按导出的文件补填")


def _twice(rows: Sequence[CorrectionRow]) -> list[CellFault]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        found[row.application_no].append(row.row)
    return [
        CellFault(row, COLUMNS["application_no"], FaultCode.LINE_TWICE, f"与第 {others[0]} 行是同一份申请，请只留一行")
        for numbers in found.values()
        for row in numbers
        if (others := [other for other in numbers if other != row])
    ]


def changed_fields(
    row: CorrectionRow, line: StandingLine, catalogs: Catalogs
) -> tuple[dict[str, Value], list[CellFault]]:
    """The fields of a correction that this row makes, in their types, and what can't be put into them.

    What stands as it was exported is no correction, and isn't judged anew.
    """
    fields: dict[str, Value] = {}
    faults: dict[str, Fault] = {}
    changed: dict[str, str] = {}
    for name, cell in row.cells.items():
        text = cell_text(name, COLUMNS[name], cell)
        if isinstance(text, Fault):
            faults[name] = text
        elif not _stands(name, text, line.texts[name]):
            changed[name] = text
    places = {name: changed.pop(name) for name in ("town", "village") if name in changed}
    for name, text in changed.items():
        _take(fields, faults, name, _value_of(name, text, catalogs))
    if places and not faults.keys() & {"town", "village"}:
        town, village = catalogs.place(*(places.get(name, line.texts[name]) for name in ("town", "village")))
        _take(fields, faults, "town", town)
        _take(fields, faults, "village", village)
        for name, code in (("town_code", line.town_code), ("village_code", line.village_code)):
            if fields.get(name) == code:
                del fields[name]
    if "card_type" in fields:
        # the kind is told of an account, also of the one that stays
        fields.setdefault("account_no", line.texts["account_no"])
    return fields, [CellFault(row.row, COLUMNS[name], fault.code, fault.message) for name, fault in faults.items()]


def _stands(name: str, text: str, before: str) -> bool:
    """As exported, also where the export or the spreadsheet wrote it in another form."""
    if text in (before.strip(), safe_text(before).strip()):
        return True
    return name == "amount" and parse_yuan(text) == parse_yuan(before)


def _value_of(name: str, text: str, catalogs: Catalogs) -> Value | Fault | None:
    """Words of the file as a correction says it; whether a text is good is for the correction's own check."""
    label = COLUMNS[name]
    if name in FIXED:
        return Fault(FaultCode.CELL_FIXED, FIXED[name])
    if len(text) > _LONGEST:
        return Fault(FaultCode.TOO_LONG, f"{label}超过 {_LONGEST} 个字，请核对")
    if not text:
        return "" if name == "group" else parse_or_empty(name, text, _as_it_is, label)
    return _parsers(catalogs).get(name, _as_it_is)(text)


def _as_it_is(text: str) -> str:
    return text


def _parsers(catalogs: Catalogs) -> Mapping[str, Callable[[str], Value | Fault]]:
    return {
        "bank": catalogs.bank,
        "card_type": parse_card_type,
        "household_registration": parse_household_registration,
        "family_size": parse_family_size,
        "amount": parse_yuan,
    }


def _take(fields: dict[str, Value], faults: dict[str, Fault], name: str, value: Value | Fault | None) -> None:
    if isinstance(value, Fault):
        faults[name] = value
    elif value is not None:
        fields[_FIELD_OF.get(name, name)] = value


_FIELD_OF = {column: field for field, column in COLUMN_OF.items()}

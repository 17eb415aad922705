"""A county's file of applications: read, checked row by row, every fault with its place."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from models.forms import identity
from models.forms.application_form import OPTIONAL_COLUMNS, ApplicationForm, columns
from models.forms.application_row import CheckedRow, RowCheck
from models.forms.catalogs import Catalogs
from models.forms.headers import HeaderError, as_header, cells_without_column, header_faults, hidden_cells
from models.sheets.reader import read_sheet
from models.sheets.rows import Limits, SheetRow
from models.wire.words import ApplicantKind
from models.words.calendar import china_today
from models.words.faults import CellFault, FaultCode, FileError

# Columns of the file of refused rows: it comes back corrected, and they are read over.
ROW_COLUMN = "原行号"
REASON_COLUMN = "拒绝原因"

Progress = Callable[[int, int], None]

_PROGRESS_EVERY = 500


@dataclass(frozen=True, slots=True)
class FormRow:
    """A row without fault, as a form."""

    row: int
    form: ApplicationForm


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a file holds. Whether one row at fault refuses the others is the caller's rule; warnings refuse nothing.

    `to_confirm` stops a file without faults as 待确认: a person says that it is meant.
    """

    forms: tuple[FormRow, ...]
    faults: tuple[CellFault, ...]
    warnings: tuple[CellFault, ...] = ()
    row_count: int = 0
    to_confirm: tuple[CellFault, ...] = ()

    @property
    def total_fen(self) -> int:
        return sum(item.form.amount_fen for item in self.forms)


def check_file(
    data: bytes,
    kind: ApplicantKind,
    catalogs: Catalogs,
    limits: Limits | None = None,
    progress: Progress | None = None,
    *,
    today: date | None = None,
) -> CheckedFile:
    """Every row as a form or with its faults; a file that can't be read has one fault in row 0."""
    try:
        sheet = read_sheet(data, limits or Limits())
        rows = sheet.rows
        places = _header_places(rows, kind)
    except FileError as error:
        return CheckedFile((), (CellFault(0, "", error.fault.code, error.fault.message),))
    except HeaderError as error:
        return CheckedFile((), error.faults)
    check = RowCheck(kind, catalogs, today or china_today())
    hidden = tuple(hidden_cells(sheet, places, columns(kind), "导入"))
    del rows[0]
    checked = _check_rows(rows, places, check, kind, progress)
    return replace(checked, to_confirm=_by_row([*hidden, *checked.to_confirm]))


def _check_rows(
    rows: list[SheetRow],
    places: Mapping[int, str],
    check: RowCheck,
    kind: ApplicantKind,
    progress: Progress | None,
) -> CheckedFile:
    headers = columns(kind)
    checked: dict[int, CheckedRow] = {}
    faults: list[CellFault] = []
    count = len(rows)
    rows.reverse()
    while rows:
        if progress is not None and len(checked) % _PROGRESS_EVERY == 0:
            progress(len(checked), count)
        # Taken off its list, a row's cells are gone as soon as they are checked: files hold a hundred thousand rows.
        number, cells = rows.pop()
        row = check.check({name: cells[place] for place, name in places.items() if name and place in cells})
        checked[number] = row
        faults += [CellFault(number, headers[fault.field], fault.code, fault.message) for fault in row.faults]
        faults += cells_without_column(number, cells, places)
    faults += _numbers_twice(checked, headers)
    if progress is not None:
        progress(count, count)
    warnings, equal = _warnings(checked, kind), _equal(checked, headers)
    forms = _forms(checked, {fault.row for fault in faults})
    return CheckedFile(forms, _by_row(faults), warnings, count, to_confirm=equal)


def _by_row(faults: Iterable[CellFault]) -> tuple[CellFault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.row))


def _forms(checked: dict[int, CheckedRow], at_fault: set[int]) -> tuple[FormRow, ...]:
    """The forms of rows without a fault; what was read of a row goes with it."""
    forms = []
    for number in list(checked):
        row = checked.pop(number)
        if number not in at_fault and (form := row.form):
            forms.append(FormRow(number, form))
    return tuple(forms)


def _header_places(rows: list[SheetRow], kind: ApplicantKind) -> Mapping[int, str]:
    """Our name of the column at each place ("" for one that is read over), from the first filled row."""
    if not rows:
        raise FileError(FaultCode.NO_ROWS, "文件里没有内容，请下载模板，从第二行起填写后上传")
    number, cells = rows[0]
    names = {header: name for name, header in columns(kind).items()} | {ROW_COLUMN: "", REASON_COLUMN: ""}
    given = {place: as_header(cell) for place, cell in cells.items()}
    known = {place: names[header] for place, header in given.items() if header in names}
    if len(known) < len(names) // 3:
        raise FileError(FaultCode.HEADER_MISSING, "第一行不是模板的列名，请下载模板，保留第一行列名后填写")
    if _is_other_kind(given.values(), kind):
        other = "组织" if kind is ApplicantKind.PERSONAL else "个人"
        raise FileError(FaultCode.HEADER_OTHER_KIND, f"这是{other}申请的表格，请在{other}申请处上传")
    if faults := list(header_faults(number, given, known, columns(kind), OPTIONAL_COLUMNS)):
        raise HeaderError(faults)
    if len(rows) == 1:
        raise FileError(FaultCode.NO_ROWS, "文件只有列名，没有申请，请从第二行起填写后上传")
    return known


def _is_other_kind(given: Iterable[str], kind: ApplicantKind) -> bool:
    """The id column tells the kinds apart."""
    other = next(one for one in ApplicantKind if one is not kind)
    own = columns(kind)["id_number"]
    return own not in given and columns(other)["id_number"] in given


def _equal(checked: Mapping[int, CheckedRow], headers: Mapping[str, str]) -> tuple[CellFault, ...]:
    """Equal rows may be two machines of one owner, or one typed twice: a person says which."""
    lines: defaultdict[object, list[int]] = defaultdict(list)
    for number, row in checked.items():
        if key := row.line_key:
            lines[key].append(number)
    text = "与第 {} 行相同（同一对象、同一补贴项目、同一金额），请确认是几笔补贴，不是重复填写"
    return _by_row(
        CellFault(row, headers["id_number"], FaultCode.LINE_TWICE, text.format(others))
        for row, others in _others(lines)
    )


def _numbers_twice(checked: Mapping[int, CheckedRow], headers: Mapping[str, str]) -> Iterable[CellFault]:
    """The same application number in several rows: a fault of each of them."""
    numbers: defaultdict[object, list[int]] = defaultdict(list)
    for number, row in checked.items():
        if given := row.values.get("application_no"):
            numbers[given].append(number)
    for row_number, others in _others(numbers):
        text = f"申请编号与第 {others} 行相同，请改为不同的编号或留空"
        yield CellFault(row_number, headers["application_no"], FaultCode.APPLICATION_NO_TWICE, text)


def _others(groups: Mapping[object, list[int]]) -> Iterable[tuple[int, str]]:
    """Of every row in a group of several: the row, and up to three of its fellows."""
    for rows in groups.values():
        if len(rows) > 1:
            for row in rows:
                yield row, "、".join(str(other) for other in [other for other in rows[:4] if other != row][:3])


def _warnings(checked: Mapping[int, CheckedRow], kind: ApplicantKind) -> tuple[CellFault, ...]:
    """Odd ids, and several lines of one person and item with different amounts; equal ones are to be confirmed."""
    headers = columns(kind)
    header = headers["id_number"]
    warnings: list[CellFault] = []
    items: defaultdict[object, dict[object, list[int]]] = defaultdict(dict)
    for number, row in checked.items():
        warnings += [CellFault(number, headers[told.field], told.code, told.message) for told in row.notices]
        given = row.values.get("id_number")
        if not isinstance(given, str):
            continue
        if key := row.line_key:
            items[key[:2]].setdefault(key[2], []).append(number)
        if kind is ApplicantKind.PERSONAL and (fault := identity.citizen_id_warning(given)):
            warnings.append(CellFault(number, header, fault.code, fault.message))
    several = {item: sorted(chain(*amounts.values())) for item, amounts in items.items() if len(amounts) > 1}
    text = "同一对象的同一补贴项目在第 {} 行还有申请，金额不同，允许导入，请确认不是重复填报"
    warnings += [
        CellFault(row, header, FaultCode.SEVERAL_LINES, text.format(others)) for row, others in _others(several)
    ]
    return _by_row(warnings)

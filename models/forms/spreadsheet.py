"""A county's file of applications: read, checked row by row, every fault with its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import cast

from models.forms import identity
from models.forms.application_form import OPTIONAL_COLUMNS, ApplicationForm, build_form, columns, made_again
from models.forms.application_row import CheckedRow, RowCheck
from models.forms.catalogs import Catalogs
from models.forms.headers import HeaderError, as_header, cells_without_column, header_faults, hidden_cells
from models.forms.same_rows import Among, ReadRow, equal, numbers_twice, several
from models.sheets.reader import read_sheet
from models.sheets.rows import Limits, SheetRows
from models.sheets.spool import DiskRows, Marshalled
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


class Forms(Sequence[FormRow]):
    """The rows of a file that have no fault, as forms, in its order; made anew from the disk whenever they are read."""

    def __init__(
        self, kind: ApplicantKind, rows: DiskRows[ReadRow] | Sequence[ReadRow], at_fault: Set[int] = frozenset()
    ) -> None:
        self._kind = kind
        self._rows = rows
        self._at_fault = at_fault

    def __len__(self) -> int:
        return len(self._rows) - len(self._at_fault)

    def __iter__(self) -> Iterator[FormRow]:
        for number, values in self._read():
            yield FormRow(number, made_again(self._kind, values))

    def __getitem__(self, place: int) -> FormRow:  # type: ignore[override]
        return next(islice(self, range(len(self))[place], None))

    def numbers(self) -> Iterator[tuple[int, str]]:
        """Rows that bring an application number, with it."""
        for number, values in self._read():
            if given := values.get("application_no"):
                yield number, str(given)

    def amounts(self) -> Iterator[int]:
        """In fen."""
        return (cast("int", values["amount_fen"]) for _, values in self._read())

    def _read(self) -> Iterator[ReadRow]:
        return (row for row in self._rows if row[0] not in self._at_fault)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a file holds. Whether one row at fault refuses the others is the caller's rule; warnings refuse nothing.

    `to_confirm` stops a file without faults as 待确认: a person says that it is meant.
    """

    forms: Forms
    faults: tuple[CellFault, ...]
    warnings: tuple[CellFault, ...] = ()
    row_count: int = 0
    to_confirm: tuple[CellFault, ...] = ()
    total_fen: int = 0


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
        return nothing_in_it(CellFault(0, "", error.fault.code, error.fault.message))
    except HeaderError as error:
        return nothing_in_it(*error.faults)
    check = RowCheck(kind, catalogs, today or china_today())
    hidden = tuple(hidden_cells(sheet, places, columns(kind), "导入"))
    checked = _Checking(kind, places, check).all(rows, progress)
    return replace(checked, to_confirm=_by_row([*hidden, *checked.to_confirm]))


def nothing_in_it(*faults: CellFault) -> CheckedFile:
    """A file of which no row was looked at."""
    return CheckedFile(Forms(ApplicantKind.PERSONAL, ()), faults)


class _Checking:
    """One pass through a file; of each row a few numbers are kept, all else of it is on the disk."""

    def __init__(self, kind: ApplicantKind, places: Mapping[int, str], check: RowCheck) -> None:
        self._kind = kind
        self._headers = columns(kind)
        self._places = places
        self._check = check
        self._read: DiskRows[ReadRow] = DiskRows(_plain, tuple)
        self._faults: list[CellFault] = []
        self._warnings: list[CellFault] = []
        self._among = Among()

    def all(self, rows: SheetRows, progress: Progress | None) -> CheckedFile:
        """Every row but the first, which names the columns."""
        count = len(rows) - 1
        for place, (number, cells) in enumerate(islice(rows, 1, None)):
            if progress is not None and place % _PROGRESS_EVERY == 0:
                progress(place, count)
            row = self._check.check({name: cells[at] for at, name in self._places.items() if name and at in cells})
            self._note(number, row)
            self._faults += cells_without_column(number, cells, self._places)
        if progress is not None:
            progress(count, count)
        return self._checked(count)

    def _note(self, number: int, row: CheckedRow) -> None:
        headers = self._headers
        self._faults += [CellFault(number, headers[each.field], each.code, each.message) for each in row.faults]
        self._warnings += [CellFault(number, headers[each.field], each.code, each.message) for each in row.notices]
        given = row.values.get("id_number")
        personal = isinstance(given, str) and self._kind is ApplicantKind.PERSONAL
        if personal and (warning := identity.citizen_id_warning(str(given))):
            self._warnings.append(CellFault(number, headers["id_number"], warning.code, warning.message))
        if not row.faults:
            # whatever is made of it again has been a form
            build_form(self._kind, row.values)
        self._among.note(row.values)
        self._read.append((number, row.values))

    def _checked(self, count: int) -> CheckedFile:
        same = self._among.same(self._read)
        self._faults += numbers_twice(same.numbers, self._headers)
        warnings = [*self._warnings, *several(same.items, self._headers)]
        forms = Forms(self._kind, self._read, {fault.row for fault in self._faults})
        return CheckedFile(
            forms,
            _by_row(self._faults),
            _by_row(warnings),
            count,
            to_confirm=tuple(equal(same.lines, self._headers)),
            total_fen=sum(forms.amounts()),
        )


def _header_places(rows: SheetRows, kind: ApplicantKind) -> Mapping[int, str]:
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


def _by_row(faults: Iterable[CellFault]) -> tuple[CellFault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.row))


def _plain(row: ReadRow) -> Marshalled:
    """Words of an enumeration are texts on the disk."""
    number, values = row
    return number, {name: str(value) if isinstance(value, str) else value for name, value in values.items()}

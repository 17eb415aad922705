"""A county's file of applications: read, checked row by row, every fault with its place."""

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import islice
from typing import cast

from models.forms import identity
from models.forms.application_form import OPTIONAL_COLUMNS, ApplicationForm, build_form, columns, made_again
from models.forms.application_row import CheckedRow, RowCheck
from models.forms.catalogs import Catalogs
from models.forms.headers import FileTable, HeaderError, Progress, by_row, read_table, why_unreadable
from models.forms.same_rows import Among, ReadRow, equal, numbers_twice, plain_row, several
from models.sheets.rows import Limits
from models.sheets.spool import DiskRows
from models.wire.words import ApplicantKind
from models.words.calendar import china_today
from models.words.faults import CellFault, FaultCode, FileError


@dataclass(frozen=True, slots=True)
class FormRow:
    """A row without fault, as a form."""

    row: int
    form: ApplicationForm


class Forms(Sequence[FormRow]):
    """The rows of a file that have no fault, as forms, in its order; made anew from the disk whenever they are read.

    `numbered` are the rows that bring an application number, with it: mostly few, and asked for again and again.
    """

    def __init__(
        self,
        kind: ApplicantKind,
        rows: DiskRows[ReadRow] | Sequence[ReadRow],
        at_fault: Set[int],
        numbered: Iterable[tuple[int, str]],
    ) -> None:
        self._kind = kind
        self._rows = rows
        self._at_fault = at_fault
        self._numbered = numbered

    def __len__(self) -> int:
        return len(self._rows) - len(self._at_fault)

    def __iter__(self) -> Iterator[FormRow]:
        for number, values in self._read():
            yield FormRow(number, made_again(self._kind, values))

    def __getitem__(self, place: int) -> FormRow:  # type: ignore[override]
        return next(islice(self, range(len(self))[place], None))

    def numbers(self) -> Iterator[tuple[int, str]]:
        """Rows that bring an application number, with it."""
        return (row for row in self._numbered if row[0] not in self._at_fault)

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
    headers = columns(kind)
    try:
        table = read_table(data, headers, OPTIONAL_COLUMNS, "申请", limits, partial(_refuse_other_kind, kind))
    except (FileError, HeaderError) as error:
        return nothing_in_it(*why_unreadable(error))
    check = RowCheck(kind, catalogs, today or china_today())
    checked = _Checking(kind, check).all(table, progress)
    return replace(checked, to_confirm=by_row([*table.hidden(headers, "导入"), *checked.to_confirm]))


def nothing_in_it(*faults: CellFault) -> CheckedFile:
    """A file of which no row was looked at."""
    return CheckedFile(Forms(ApplicantKind.PERSONAL, (), frozenset(), ()), faults)


class _Checking:
    """One pass through a file; of each row a few numbers are kept, all else of it is on the disk."""

    def __init__(self, kind: ApplicantKind, check: RowCheck) -> None:
        self._kind = kind
        self._headers = columns(kind)
        self._check = check
        self._read: DiskRows[ReadRow] = DiskRows(plain_row, tuple)
        self._numbered: DiskRows[tuple[int, str]] = DiskRows(tuple, tuple)
        self._faults: list[CellFault] = []
        self._warnings: list[CellFault] = []
        self._among = Among()

    def all(self, table: FileTable, progress: Progress | None) -> CheckedFile:
        for row in table.rows(progress):
            self._note(row.number, self._check.check(row.cells))
            self._faults += row.faults
        return self._checked(len(table))

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
        if application_no := row.values.get("application_no"):
            self._numbered.append((number, str(application_no)))

    def _checked(self, count: int) -> CheckedFile:
        same = self._among.same(self._read)
        self._faults += numbers_twice(same.numbers, self._headers)
        warnings = [*self._warnings, *several(same.items, self._headers)]
        forms = Forms(self._kind, self._read, {fault.row for fault in self._faults}, self._numbered)
        return CheckedFile(
            forms,
            by_row(self._faults),
            by_row(warnings),
            count,
            to_confirm=tuple(equal(same.lines, self._headers)),
            total_fen=sum(forms.amounts()),
        )


def _refuse_other_kind(kind: ApplicantKind, given: Collection[str]) -> None:
    """The id column tells the kinds apart."""
    other = next(one for one in ApplicantKind if one is not kind)
    own = columns(kind)["id_number"]
    if own not in given and columns(other)["id_number"] in given:
        words = "组织" if kind is ApplicantKind.PERSONAL else "个人"
        raise FileError(FaultCode.HEADER_OTHER_KIND, f"这是{words}申请的表格，请在{words}申请处上传")

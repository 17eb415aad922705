"""The filled rows of a county's file under its headers, and what is wrong with the columns: whatever is in it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from models.sheets.cells import Cell
from models.sheets.reader import read_sheet
from models.sheets.rows import Limits, Sheet
from models.words.faults import CellFault, FaultCode, FileError

# Columns of the file of refused rows: it comes back corrected, and they are read over.
ROW_COLUMN = "原行号"
REASON_COLUMN = "拒绝原因"

Progress = Callable[[int, int], None]

_PROGRESS_EVERY = 500


class HeaderError(Exception):
    """Columns that a file can't be read by, all of them."""

    def __init__(self, faults: Iterable[CellFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("header")


def as_header(cell: Cell) -> str:
    """Brackets and blanks differ by input method."""
    if not isinstance(cell, str):
        return ""
    return "".join(cell.split()).replace("(", "（").replace(")", "）")


def header_faults(
    number: int,
    given: Mapping[int, str],
    known: Mapping[int, str],
    headers: Mapping[str, str],
    optional: Collection[str],
) -> Iterable[CellFault]:
    """`given`: the headers by place, `known`: our names of them ("" for one that is read over)."""
    found = [name for name in known.values() if name]
    for name, header in headers.items():
        if name not in found and name not in optional:
            yield CellFault(number, header, FaultCode.COLUMN_MISSING, f"缺少“{header}”列，请按模板补上该列")
        if found.count(name) > 1:
            yield CellFault(number, header, FaultCode.COLUMN_TWICE, f"“{header}”列出现了多次，请只保留一列")
    for place in given.keys() - known.keys():
        yield CellFault(
            number,
            column_label(place, given[place]),
            FaultCode.COLUMN_UNKNOWN,
            f"{column_label(place, given[place])}不是模板中的列，请删除该列或改为模板中的列名",
        )


def column_label(place: int, header: str) -> str:
    """The header where it can't be anybody's data, else the letters of the column."""
    letters, rest = "", place + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(65 + letter) + letters
    sayable = 0 < len(header) <= 12 and not any(character.isdigit() for character in header)
    return f"“{header}”列" if sayable else f"{letters} 列"


def cells_without_column(number: int, cells: Mapping[int, Cell], places: Mapping[int, str]) -> list[CellFault]:
    return [
        CellFault(
            number,
            column_label(place, ""),
            FaultCode.CELL_WITHOUT_COLUMN,
            "这个单元格所在的列没有列名，请删除多余内容，或检查本行是否错列",
        )
        for place in cells
        if place not in places
    ]


def hidden_cells(sheet: Sheet, places: Mapping[int, str], headers: Mapping[str, str], act: str) -> Iterable[CellFault]:
    """What the person who opens the file doesn't see, and would be taken all the same; `act` is what for."""
    header_row = sheet.rows[0][0]
    for place, name in places.items():
        if name and place in sheet.hidden_columns:
            words = f"“{headers[name]}”列在表格中是隐藏的，其中的内容也会{act}；请取消隐藏核对后重新上传，或确认{act}"
            yield CellFault(header_row, headers[name], FaultCode.HIDDEN_COLUMN, words)
    for number in sorted(sheet.hidden_rows - {header_row}):
        words = f"这一行在表格中是隐藏的（筛选、折叠、行高为零或内容不显示），也会{act}；请核对是否应当{act}"
        yield CellFault(number, "", FaultCode.HIDDEN_ROW, words)


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row's cells by our names of their columns; `faults` are cells that stand in no column."""

    number: int
    cells: Mapping[str, Cell]
    faults: list[CellFault]


@dataclass(frozen=True, slots=True)
class FileTable:
    """A sheet whose first filled row names its columns; `places` has our name of each ("": it is read over)."""

    sheet: Sheet
    places: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.sheet.rows) - 1

    def rows(self, progress: Progress | None = None) -> Iterator[NamedRow]:
        """Every row but the first."""
        count = len(self)
        for place, (number, cells) in enumerate(islice(self.sheet.rows, 1, None)):
            if progress is not None and place % _PROGRESS_EVERY == 0:
                progress(place, count)
            named = {name: cells[at] for at, name in self.places.items() if name and at in cells}
            yield NamedRow(number, named, cells_without_column(number, cells, self.places))
        if progress is not None:
            progress(count, count)

    def hidden(self, headers: Mapping[str, str], act: str) -> tuple[CellFault, ...]:
        """What the person who opens the file doesn't see, and would be taken all the same."""
        return tuple(hidden_cells(self.sheet, self.places, headers, act))


def read_table(
    data: bytes,
    headers: Mapping[str, str],
    optional: Collection[str],
    rows_of: str,
    limits: Limits | None = None,
    refuse_other: Callable[[Collection[str]], None] = lambda given: None,
) -> FileTable:
    """The file under these headers (our name of a column: its Chinese one); `rows_of` is what its rows are.

    Raises FileError for a file that can't be read at all, HeaderError for its columns; `refuse_other` may raise, too.
    """
    sheet = read_sheet(data, limits or Limits())
    if not sheet.rows:
        raise FileError(FaultCode.NO_ROWS, "文件里没有内容，请下载模板，从第二行起填写后上传")
    number, cells = sheet.rows[0]
    names = {header: name for name, header in headers.items()} | {ROW_COLUMN: "", REASON_COLUMN: ""}
    given = {place: as_header(cell) for place, cell in cells.items()}
    known = {place: names[header] for place, header in given.items() if header in names}
    if len(known) < len(names) // 3:
        raise FileError(FaultCode.HEADER_MISSING, "第一行不是模板的列名，请下载模板，保留第一行列名后填写")
    refuse_other(given.values())
    if faults := list(header_faults(number, given, known, headers, optional)):
        raise HeaderError(faults)
    if len(sheet.rows) == 1:
        raise FileError(FaultCode.NO_ROWS, f"文件只有列名，没有{rows_of}，请从第二行起填写后上传")
    return FileTable(sheet, known)


def why_unreadable(error: FileError | HeaderError) -> tuple[CellFault, ...]:
    """As faults of the file itself (row 0), or of its header's row."""
    if isinstance(error, HeaderError):
        return error.faults
    return (CellFault(0, "", error.fault.code, error.fault.message),)


def by_row(faults: Collection[CellFault]) -> tuple[CellFault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.row))

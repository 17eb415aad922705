"""The first row of a county's file: which column each cell stands in, and what is wrong with the columns."""

from collections.abc import Collection, Iterable, Mapping

from models.sheets.cells import Cell
from models.sheets.rows import Sheet
from models.words.faults import CellFault, FaultCode


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

"""A clerk's list of numbers, as xlsx or csv: which of them are ids, which are application numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.forms.application_row import cell_text
from models.forms.headers import as_header
from models.sheets.cells import Cell
from models.sheets.reader import read_rows
from models.sheets.rows import Limits, SheetRow
from models.words.faults import Fault

MOST_LISTED = 2_000
_SIZE = Limits(max_bytes=5 * 1024 * 1024, max_unpacked_bytes=64 * 1024 * 1024, max_rows=MOST_LISTED)
# Columns that have such a number, the best first; where a file has none of these headers, each row's first cell counts.
_HEADERS = ("申请编号", "编号", "身份证号/信用代码", "身份证号", "证件号", "统一社会信用代码")
_ID = re.compile(r"[0-9]{17}[0-9X]|[0-9A-Z]{18}")


class ListedNumber(NamedTuple):
    """`fault` says why a cell can't be taken for a number: a spreadsheet has lost its digits."""

    row: int
    number: str
    is_id: bool
    fault: Fault | None = None


def read_numbers(data: bytes) -> list[ListedNumber]:
    """One a row, by the same reader as imports; raises FileError."""
    rows = read_rows(data, _SIZE)
    if not rows:
        return []
    place = _place(rows[0][1])
    cells = _column(rows[1:], place) if place is not None else [(row, cells[min(cells)]) for row, cells in rows]
    return [_listed(row, cell) for row, cell in cells]


def _place(header: Mapping[int, Cell]) -> int | None:
    given = {as_header(cell): place for place, cell in header.items()}
    return next((given[name] for name in _HEADERS if name in given), None)


def _column(rows: Sequence[SheetRow], place: int) -> list[tuple[int, Cell]]:
    return [(row, cells[place]) for row, cells in rows if place in cells]


def _listed(row: int, cell: Cell) -> ListedNumber:
    # judged as an id would be: a number cell has lost its last digits, or the zeros before the first
    text = cell_text("id_number", "编号", cell)
    if isinstance(text, Fault):
        return ListedNumber(row, "", is_id=False, fault=text)
    # hyphens stay: an application number's letters and digits alone would look like a credit code
    bare = "".join(text.split()).upper()
    return ListedNumber(row, bare, is_id=True) if _ID.fullmatch(bare) else ListedNumber(row, text, is_id=False)

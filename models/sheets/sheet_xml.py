"""The cells of an xlsx from its XML: sparse, so a cell far away costs nothing, and shared, so a long text counts once.

Readers that build the whole rectangle first (calamine among them) end the process on a file of one kilobyte
with a value in XFD1048576.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NoReturn

from models.sheets.cells import Cell, SpoiledCell
from models.sheets.rows import Limits, Sheet, SheetRows, rows_on_disk, too_many_rows
from models.sheets.shared import Styles, Texts
from models.sheets.xml import Attributes, damaged, parse, unescaped
from models.words.faults import FaultCode, FileError

# A row of a third of a millimetre can't be read either.
_LOWEST_POINTS = 1.0
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_MAX_MERGED_CELLS = 100_000


class SheetXml:
    """One worksheet; `sheet` holds only rows and cells with content."""

    def __init__(self, xml: Iterable[bytes], texts: Texts, styles: Styles, limits: Limits) -> None:
        self._texts = texts
        self._dates = styles.dates
        self._invisible = styles.invisible
        self._limits = limits
        self._rows = rows_on_disk()
        # numbers of the rows so far; those of a row that is come back to, or comes too late, by its number
        self._numbers = array("L")
        self._late: dict[int, dict[int, Cell]] = {}
        self._filling = 0
        self._cells: dict[int, Cell] = {}
        self._merged: list[str] = []
        self._hidden: set[int] = set()
        self._hidden_columns: set[int] = set()
        self._row = 0
        self._row_is_hidden = False
        self._column = -1
        self._cell: Attributes | None = None
        self._formula = False
        self._collecting = False
        self._phonetic = False
        self._pieces: list[str] = []
        parse(xml, self._start, self._end, self._characters)
        self._put_row_away()
        self._put_in_order()
        rows = SheetRows(self._rows, self._spoiled())
        self.sheet = Sheet(rows, frozenset(self._hidden), frozenset(self._hidden_columns))

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._enter_cell(attributes)
        elif name in {"v", "t"}:
            self._collecting = self._cell is not None and not self._phonetic
        elif name == "f":
            self._formula = True
        elif name == "row":
            given = attributes.get("r")
            self._row = self._row + 1 if given is None else int(given)
            self._column = -1
            self._row_is_hidden = _is_hidden(attributes, "ht")
        elif name == "rPh":
            self._phonetic = True
        elif name == "col" and _is_hidden(attributes, "width"):
            first, last = int(attributes.get("min", "1")), int(attributes.get("max", "1"))
            self._hidden_columns.update(range(first - 1, min(last, self._limits.max_columns)))
        elif name == "mergeCell":
            self._merged.append(attributes.get("ref", ""))

    def _characters(self, text: str) -> None:
        if self._collecting:
            self._pieces.append(text)

    def _end(self, name: str) -> None:
        if name == "c":
            self._leave_cell()
        elif name in {"v", "t"}:
            self._collecting = False
        elif name == "rPh":
            self._phonetic = False

    def _enter_cell(self, attributes: Attributes) -> None:
        self._cell = attributes
        self._formula = False
        self._pieces.clear()
        given = attributes.get("r")
        if given is None:
            self._column += 1
        else:
            self._row, self._column = position(given)

    def _leave_cell(self) -> None:
        attributes, self._cell = self._cell or {}, None
        value = self._value(attributes)
        if value == "" or (isinstance(value, str) and not value.strip()):
            return
        if self._column >= self._limits.max_columns:
            raise FileError(
                FaultCode.FILE_TOO_MANY_COLUMNS,
                f"第 {self._row} 行在第 {self._limits.max_columns} 列之后还有内容，请删除模板以外的列",
            )
        if self._row != self._filling:
            self._put_row_away()
            self._filling = self._row
        self._cells[self._column] = value
        if self._row_is_hidden or (self._invisible and attributes.get("s") in self._invisible):
            self._hidden.add(self._row)

    def _put_row_away(self) -> None:
        """Writers put rows in order; whatever one does otherwise is kept until all are there."""
        number, cells, self._cells = self._filling, self._cells, {}
        if not cells:
            return
        if self._numbers and number <= self._numbers[-1]:
            self._late.setdefault(number, {}).update(cells)
        else:
            self._numbers.append(number)
            self._rows.append((number, cells))
        if len(self._numbers) + len(self._late) > self._limits.max_rows + 1:
            raise too_many_rows(self._limits)

    def _put_in_order(self) -> None:
        if not self._late:
            return
        every = dict(self._rows)
        for number, cells in self._late.items():
            every.setdefault(number, {}).update(cells)
        self._rows, self._numbers = rows_on_disk(), array("L", sorted(every))
        self._rows.extend(sorted(every.items()))

    def _value(self, attributes: Attributes) -> Cell:
        text = "".join(self._pieces)
        kind = attributes.get("t", "n")
        if self._formula or kind == "e":
            return SpoiledCell(FaultCode.FORMULA)
        if kind in {"inlineStr", "str"} or not text:
            return unescaped(text)
        if kind == "s":
            return self._texts[int(text)] if text.isdecimal() else _not_a_number()
        if kind == "n" and attributes.get("s") not in self._dates:
            return float(text)
        return SpoiledCell(FaultCode.CELL_KIND)

    def _spoiled(self) -> Mapping[int, Mapping[int, Cell]]:
        """The cells of merged ones, by row."""
        filled, left = self._numbers, _MAX_MERGED_CELLS
        found: defaultdict[int, dict[int, Cell]] = defaultdict(dict)
        for reference in self._merged:
            first, _, last = reference.partition(":")
            (top, begin), (bottom, finish) = position(first), position(last or first)
            spoiled: dict[int, Cell] = dict.fromkeys(
                range(begin, min(finish + 1, self._limits.max_columns)), SpoiledCell(FaultCode.MERGED_CELL)
            )
            merged_rows = filled[bisect_left(filled, top) : bisect_right(filled, bottom)]
            left -= 1 + len(merged_rows) * len(spoiled)
            if left < 0:
                raise FileError(FaultCode.MERGED_CELL, "合并单元格太多，请取消合并后逐行填写再上传")
            for number in merged_rows:
                found[number] |= spoiled
        return found


def _is_hidden(attributes: Attributes, size: str) -> bool:
    """By hand, by a filter or a closed outline (all three say `hidden`), or by a height or width of nothing."""
    return (
        attributes.get("hidden") in {"1", "true", "on"} or float(attributes.get(size, _LOWEST_POINTS)) < _LOWEST_POINTS
    )


def position(reference: str) -> tuple[int, int]:
    """Row from 1 and column from 0 of a reference such as AB12."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise damaged()
    column = 0
    for letter in match.group(1):
        column = column * 26 + ord(letter) - 64
    return int(match.group(2)), column - 1


def _not_a_number() -> NoReturn:
    raise damaged()

"""The cells of an xlsx from its XML: sparse, so a cell far away costs nothing, and shared, so a long text counts once.

Readers that build the whole rectangle first (calamine among them) end the process on a file of one kilobyte
with a value in XFD1048576.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from models.sheets.cells import Cell, SpoiledCell
from models.sheets.rows import Limits, Sheet
from models.words.faults import FaultCode, FileError

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# A row of a third of a millimetre can't be read either.
_LOWEST_POINTS = 1.0
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_DATE_FORMAT = re.compile(r"[ymdhs年月日]", re.IGNORECASE)
_NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_MAX_MERGED_CELLS = 100_000
# 100,000 rows of 13 text cells have 8 million; empty ones compress to nothing and cost their seconds all the same.
_MAX_TAGS = 10_000_000

Attributes = Mapping[str, str]


def damaged() -> FileError:
    return FileError(
        FaultCode.FILE_DAMAGED, "文件已损坏或内容不符合 xlsx 格式，请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"
    )


def parse(
    xml: bytes,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> None:
    """One pass over a part, names without prefix. A DOCTYPE is refused: only entity bombs have one."""
    if xml.count(b"<") > _MAX_TAGS:
        raise FileError(FaultCode.FILE_TOO_LARGE, "文件里的单元格太多，请删除多余的空白行和空白列后再上传")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise damaged() from error


def _refuse_doctype(*_: object) -> NoReturn:
    raise damaged()


def unescaped(text: str) -> str:
    """`_x000D_` and the like as the characters that they stand for (ECMA-376 22.9.2.19, ST_Xstring)."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
    # characters beyond the first plane are escaped in two halves; a half alone is no character
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def elements(xml: bytes, wanted: str) -> list[Attributes]:
    """The attributes of every element of that name."""
    found: list[Attributes] = []

    def start(name: str, attributes: Attributes) -> None:
        if name == wanted:
            found.append(attributes)

    parse(xml, start)
    return found


def shared_strings(xml: bytes) -> list[str]:
    """The texts that cells point to; phonetic hints are not part of a text."""
    texts: list[str] = []
    pieces: list[str] = []
    collecting = phonetic = False

    def start(name: str, _: Attributes) -> None:
        nonlocal collecting, phonetic
        phonetic = phonetic or name == "rPh"
        collecting = name == "t" and not phonetic

    def end(name: str) -> None:
        nonlocal collecting, phonetic
        collecting = False
        phonetic = phonetic and name != "rPh"
        if name == "si":
            texts.append(unescaped("".join(pieces)))
            pieces.clear()

    def characters(text: str) -> None:
        if collecting:
            pieces.append(text)

    parse(xml, start, end, characters)
    return texts


@dataclass(frozen=True, slots=True)
class Styles:
    """Numbers of cell styles."""

    dates: frozenset[str] = frozenset()
    invisible: frozenset[str] = frozenset()


def cell_styles(xml: bytes) -> Styles:
    """What the cell styles do to a number: Excel makes 6-1 a date, and `;;;` shows nothing at all."""
    dates = {str(number) for number in _BUILT_IN_DATES}
    invisible = set()
    for custom in elements(xml, "numFmt"):
        code = _NOT_A_FORMAT.sub("", custom.get("formatCode", ""))
        if _DATE_FORMAT.search(code):
            dates.add(custom.get("numFmtId", ""))
        elif custom.get("formatCode", "").strip() == ";;;":
            invisible.add(custom.get("numFmtId", ""))
    used = list(enumerate(_used_formats(xml)))
    return Styles(
        frozenset(str(place) for place, number_format in used if number_format in dates),
        frozenset(str(place) for place, number_format in used if number_format in invisible),
    )


def _used_formats(xml: bytes) -> list[str]:
    """The number format of each cell style."""
    styles: list[str] = []
    in_cells = False

    def start(name: str, attributes: Attributes) -> None:
        nonlocal in_cells
        if name == "cellXfs":
            in_cells = True
        elif name == "xf" and in_cells:
            styles.append(attributes.get("numFmtId", "0"))

    def end(name: str) -> None:
        nonlocal in_cells
        in_cells = in_cells and name != "cellXfs"

    parse(xml, start, end)
    return styles


class SheetXml:
    """One worksheet; `sheet` holds only rows and cells with content."""

    def __init__(self, xml: bytes, texts: Sequence[str], styles: Styles, limits: Limits) -> None:
        self._texts = texts
        self._dates = styles.dates
        self._invisible = styles.invisible
        self._limits = limits
        self._rows: dict[int, dict[int, Cell]] = {}
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
        self._spoil_merged()

    @property
    def sheet(self) -> Sheet:
        return Sheet(sorted(self._rows.items()), frozenset(self._hidden), frozenset(self._hidden_columns))

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
        self._rows.setdefault(self._row, {})[self._column] = value
        if self._row_is_hidden or (self._invisible and attributes.get("s") in self._invisible):
            self._hidden.add(self._row)
        if len(self._rows) > self._limits.max_rows + 1:
            raise too_many_rows(self._limits)

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

    def _spoil_merged(self) -> None:
        filled = sorted(self._rows)
        left = _MAX_MERGED_CELLS
        for reference in self._merged:
            first, _, last = reference.partition(":")
            (top, begin), (bottom, finish) = position(first), position(last or first)
            spoiled = dict.fromkeys(
                range(begin, min(finish + 1, self._limits.max_columns)), SpoiledCell(FaultCode.MERGED_CELL)
            )
            merged_rows = filled[bisect_left(filled, top) : bisect_right(filled, bottom)]
            left -= 1 + len(merged_rows) * len(spoiled)
            if left < 0:
                raise FileError(FaultCode.MERGED_CELL, "合并单元格太多，请取消合并后逐行填写再上传")
            for number in merged_rows:
                self._rows[number] |= spoiled


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


def too_many_rows(limits: Limits) -> FileError:
    return FileError(FaultCode.FILE_TOO_MANY_ROWS, f"文件超过 {limits.max_rows} 行，请拆成几个文件分别上传")


def _not_a_number() -> NoReturn:
    raise damaged()

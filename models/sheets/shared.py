"""What the cells of a workbook point to: texts that many share, and what a style makes of a number."""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from models.sheets.xml import Attributes, elements, parse, unescaped

_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_DATE_FORMAT = re.compile(r"[ymdhs年月日]", re.IGNORECASE)
_NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


class Texts:
    """Texts by their number, as bytes behind each other: a county's file has half a million."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def append(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        """Raises IndexError for a number from 0 that no text has."""
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()


def shared_strings(xml: Iterable[bytes]) -> Texts:
    """The texts that cells point to; phonetic hints are not part of a text."""
    texts = Texts()
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
    for custom in elements([xml], "numFmt"):
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

    parse([xml], start, end)
    return styles

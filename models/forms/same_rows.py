"""Rows of one file that say the same: the same number, the same line, the same person's item."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TypeAlias, TypeVar

from models.forms.application_form import Value
from models.forms.application_row import LineKey, line_key
from models.sheets.spool import Marshalled
from models.words.faults import CellFault, FaultCode

Key = TypeVar("Key")
# A row's number with what could be read of it.
ReadRow: TypeAlias = tuple[int, dict[str, Value]]


@dataclass
class Same:
    """Rows by what several of them may say: one application number, one line, one person's item by its amounts."""

    numbers: defaultdict[Value, list[int]] = field(default_factory=lambda: defaultdict(list))
    lines: defaultdict[LineKey, list[int]] = field(default_factory=lambda: defaultdict(list))
    items: defaultdict[tuple[Value, Value], dict[Value, list[int]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, number: int, values: Mapping[str, Value]) -> None:
        if given := values.get("application_no"):
            self.numbers[given].append(number)
        if key := line_key(values):
            self.lines[key].append(number)
            self.items[key[:2]].setdefault(key[2], []).append(number)


def plain_row(row: ReadRow) -> Marshalled:
    """As it may lie on the disk: words of an enumeration are texts there."""
    number, values = row
    return number, {name: str(value) if isinstance(value, str) else value for name, value in values.items()}


class Among:
    """Whether rows say the same: a number for each of what they say, which is the same where that is."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._items = array("q")

    def note(self, values: Mapping[str, Value]) -> None:
        if given := values.get("application_no"):
            self._numbers.append(hash(given))
        if key := line_key(values):
            self._items.append(hash(key[:2]))

    def same(self, rows: Iterable[ReadRow]) -> Same:
        """Looked at exactly are the rows that share such a number with another: nearly none."""
        numbers, items, found = repeated(self._numbers), repeated(self._items), Same()
        if numbers or items:
            for number, values in rows:
                key = line_key(values)
                if hash(values.get("application_no")) in numbers or (key and hash(key[:2]) in items):
                    found.add(number, values)
        return found


def repeated(given: Iterable[int]) -> set[int]:
    """Those that are there more than once."""
    return {one for one, next_one in pairwise(sorted(given)) if one == next_one}


def equal(lines: Mapping[LineKey, list[int]], headers: Mapping[str, str]) -> Iterable[CellFault]:
    """Equal rows may be two machines of one owner, or one typed twice: a person says which."""
    text = "与第 {} 行相同（同一对象、同一补贴项目、同一金额），请确认是几笔补贴，不是重复填写"
    found = [
        CellFault(row, headers["id_number"], FaultCode.LINE_TWICE, text.format(rows)) for row, rows in fellows(lines)
    ]
    return sorted(found, key=lambda fault: fault.row)


def numbers_twice(numbers: Mapping[Value, list[int]], headers: Mapping[str, str]) -> Iterable[CellFault]:
    """The same application number in several rows: a fault of each of them."""
    for row_number, others in fellows(numbers):
        text = f"申请编号与第 {others} 行相同，请改为不同的编号或留空"
        yield CellFault(row_number, headers["application_no"], FaultCode.APPLICATION_NO_TWICE, text)


def fellows(groups: Mapping[Key, list[int]]) -> Iterable[tuple[int, str]]:
    """Of every row in a group of several: the row, and up to three of its fellows."""
    for rows in groups.values():
        if len(rows) > 1:
            for row in rows:
                yield row, "、".join(str(other) for other in [other for other in rows[:4] if other != row][:3])


def several(
    items: Mapping[tuple[Value, Value], Mapping[Value, list[int]]], headers: Mapping[str, str]
) -> Iterable[CellFault]:
    """Several lines of one person and item with different amounts; equal ones are to be confirmed."""
    differing = {item: sorted(chain(*amounts.values())) for item, amounts in items.items() if len(amounts) > 1}
    text = "同一对象的同一补贴项目在第 {} 行还有申请，金额不同，允许导入，请确认不是重复填报"
    for row, others in fellows(differing):
        yield CellFault(row, headers["id_number"], FaultCode.SEVERAL_LINES, text.format(others))

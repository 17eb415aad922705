"""What reading a county's file gives, and how much a file may hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias, overload

from models.sheets.cells import Cell, SpoiledCell
from models.sheets.spool import DiskRows, Marshalled
from models.words.faults import FaultCode, FileError

# The filled cells of a filled row by their column from 0, with the row's number as a spreadsheet shows it.
SheetRow: TypeAlias = tuple[int, dict[int, Cell]]


def _plain(row: SheetRow) -> Marshalled:
    number, cells = row
    spoiled = {place: cell.code.value for place, cell in cells.items() if isinstance(cell, SpoiledCell)}
    return number, {**cells, **spoiled} if spoiled else cells, tuple(spoiled)


def _made(kept: Marshalled) -> SheetRow:
    number, cells, spoiled = kept
    for place in spoiled:
        cells[place] = SpoiledCell(FaultCode(cells[place]))
    return number, cells


class SheetRows(Sequence[SheetRow]):
    """The filled rows of a sheet, by their numbers; read one after the other, they are never all in memory."""

    def __init__(self, rows: DiskRows[SheetRow], over: Mapping[int, Mapping[int, Cell]] | None = None) -> None:
        self._rows = rows
        # cells put over those of their rows
        self._over = over or {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[SheetRow]:
        for number, cells in self._rows:
            yield number, {**cells, **self._over[number]} if number in self._over else cells

    @overload
    def __getitem__(self, place: int) -> SheetRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[SheetRow]: ...
    def __getitem__(self, place: int | slice) -> SheetRow | list[SheetRow]:
        if isinstance(place, slice):
            return list(islice(self, *place.indices(len(self))))
        return next(islice(self, range(len(self))[place], None))


def rows_on_disk() -> DiskRows[SheetRow]:
    return DiskRows(_plain, _made)


def no_rows() -> SheetRows:
    return SheetRows(rows_on_disk())


@dataclass(frozen=True, slots=True)
class Sheet:
    """The filled rows of the one sheet that counts, and which of them, and which columns, nobody sees who opens it."""

    rows: SheetRows = field(default_factory=no_rows)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 20 * 1024 * 1024
    max_unpacked_bytes: int = 128 * 1024 * 1024
    max_rows: int = 100_000
    max_columns: int = 64


def too_many_rows(limits: Limits) -> FileError:
    return FileError(FaultCode.FILE_TOO_MANY_ROWS, f"文件超过 {limits.max_rows} 行，请拆成几个文件分别上传")

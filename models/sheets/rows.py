"""What reading a county's file gives, and how much a file may hold."""

from dataclasses import dataclass
from typing import TypeAlias

from models.sheets.cells import Cell

# The filled cells of a filled row by their column from 0, with the row's number as a spreadsheet shows it.
SheetRow: TypeAlias = tuple[int, dict[int, Cell]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The filled rows of the one sheet that counts, and which of them, and which columns, nobody sees who opens it."""

    rows: list[SheetRow]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 20 * 1024 * 1024
    max_unpacked_bytes: int = 128 * 1024 * 1024
    max_rows: int = 100_000
    max_columns: int = 64

"""What a cell of a county's file can be; nothing here knows what the cells are about."""

from dataclasses import dataclass
from typing import TypeAlias

from models.words.faults import FaultCode


@dataclass(frozen=True, slots=True)
class SpoiledCell:
    """Stands for a cell whose value can't be taken: made by a formula, merged with others, or a date."""

    code: FaultCode


Cell: TypeAlias = str | float | SpoiledCell
# A float has 15 exact digits: an id or a card read from a number cell is already another one.
EXACT_FLOAT = 10**15


def number_text(value: float) -> str:
    """A number cell as a spreadsheet shows it: 8, 495.1, 4.31e+17; 73.6 × 3.5 is stored as 257.59999999999997."""
    if value.is_integer() and abs(value) < EXACT_FLOAT:
        return str(int(value))
    return format(value, ".15g") if abs(value) < EXACT_FLOAT else repr(value)

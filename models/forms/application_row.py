"""One row of a county's file: its cells, named by the counties' own words, become a form or a fault each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from models.forms import identity, money
from models.forms.account_numbers import parse_card_type, read_account_no
from models.forms.application_form import (
    NAMING,
    TextParser,
    Value,
    account_as_number,
    columns,
    made_regular,
    parse_family_size,
    parse_household_registration,
    parse_or_empty,
    text_parsers,
)
from models.forms.catalogs import Catalogs
from models.sheets.cells import EXACT_FLOAT, Cell, SpoiledCell, number_text
from models.wire.words import ApplicantKind, CardType
from models.words.faults import Fault, FaultCode, FieldFault

LineKey: TypeAlias = tuple[Value, Value, Value]

_SPOILED: Mapping[FaultCode, str] = {
    FaultCode.MERGED_CELL: "是合并单元格，请取消合并后逐行填写",
    FaultCode.FORMULA: "是公式或错误值，请选择性粘贴为数值（文本）后重新上传",
    FaultCode.CELL_KIND: "是日期或逻辑值格式，请把该列设为“文本”格式后重新填写",
}
_NEVER_NUMBERS = frozenset({"id_number", "account_no", "application_no"})


@dataclass(slots=True)
class CheckedRow:
    """A row as far as it can be understood: `values` holds the good ones even where others are at fault."""

    values: dict[str, Value] = field(default_factory=dict)
    faults: list[FieldFault] = field(default_factory=list)
    # Nothing to most rows, of which there may be a hundred thousand.
    notices: Sequence[FieldFault] = ()

    def take(self, column: str, value_name: str, outcome: Value | Fault) -> None:
        if isinstance(outcome, Fault):
            self.faults.append(FieldFault(column, outcome.code, outcome.message))
        else:
            self.values[value_name] = outcome


def line_key(values: Mapping[str, Value]) -> LineKey | None:
    """Person, item and amount, where all three could be read: what makes two lines the same."""
    id_number, item, amount = (values.get(name) for name in ("id_number", "item_code", "amount_fen"))
    return (id_number, item, amount) if id_number and item and amount else None


class RowCheck:
    """The check of every row of one file; built once, for its lookups."""

    def __init__(self, kind: ApplicantKind, catalogs: Catalogs, today: date) -> None:
        self._headers = columns(kind)
        self._catalogs = catalogs
        self._parsers = _row_parsers(kind, catalogs, today)

    def check(self, cells: Mapping[str, Cell]) -> CheckedRow:
        """All faults of a row at once, each with our name of its column; a column that isn't there counts as empty."""
        row = CheckedRow()
        # judged with other columns, once all are read
        texts: dict[str, str] = {}
        for column, header in self._headers.items():
            text = cell_text(column, header, cells.get(column, ""))
            if isinstance(text, Fault):
                row.take(column, column, text)
            elif column in self._parsers:
                value_name, parse = self._parsers[column]
                row.take(column, value_name, parse_or_empty(column, text, parse, header))
                if column in NAMING and row.values.get(column, text) != text:
                    row.notices = (*row.notices, *made_regular({column: text}))
            elif isinstance(given := parse_or_empty(column, text, str.strip, header), str):
                texts[column] = given
            else:
                row.take(column, column, given)
        self._take_account(row, texts)
        self._take_place(row, texts)
        return row

    def _take_account(self, row: CheckedRow, texts: Mapping[str, str]) -> None:
        if "account_no" not in texts:
            return
        kind = row.values.get("card_type")
        told = kind if isinstance(kind, CardType) else None
        read = read_account_no(texts["account_no"], told)
        row.take("account_no", "account_no", read if isinstance(read, Fault) else read.value)
        if isinstance(read, Fault):
            return
        if read.value == row.values.get("application_no"):
            row.take("application_no", "application_no", account_as_number())
        if read.warning:
            row.notices = (*row.notices, FieldFault("account_no", read.warning.code, read.warning.message))

    def _take_place(self, row: CheckedRow, texts: Mapping[str, str]) -> None:
        if "town" not in texts:
            return
        town, village = self._catalogs.place(texts["town"], texts.get("village", ""))
        row.take("town", "town_code", town)
        if village is not None and "village" in texts:
            row.take("village", "village_code", village)


def cell_text(column: str, header: str, value: Cell) -> str | Fault:
    """A cell as text, unless a spreadsheet has done something to it that can't be undone."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, SpoiledCell):
        return Fault(value.code, header + _SPOILED[value.code])
    if column in _NEVER_NUMBERS:
        if abs(value) >= EXACT_FLOAT:
            return identity.scientific(header)
        return Fault(FaultCode.NUMBER_CELL, f"{header}是数值格式，前导 0 和末尾数字会丢失，请设为“文本”格式后重新填写")
    return number_text(value)


def _row_parsers(kind: ApplicantKind, catalogs: Catalogs, today: date) -> Mapping[str, tuple[str, TextParser]]:
    named: dict[str, tuple[str, TextParser]] = {
        "bank": ("bank_code", catalogs.bank),
        "card_type": ("card_type", parse_card_type),
        "item": ("item_code", catalogs.item),
        "amount": ("amount_fen", money.parse_yuan),
    }
    if kind is ApplicantKind.PERSONAL:
        named["household_registration"] = ("household_registration", parse_household_registration)
        named["family_size"] = ("family_size", parse_family_size)
    return named | {name: (name, parse) for name, parse in text_parsers(kind, today).items()}

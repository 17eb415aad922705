"""Writing xlsx: exports, the file of refused rows, the template. Text stays text: no id becomes a number or formula."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import TypeAlias

from rustpy_xlsxwriter import Format, write_worksheet

from models.words.calendar import CHINA

OutputCell: TypeAlias = str | int | Decimal | date | None

# Of every form, list and export alike.
ACCOUNT_COLUMN = "一卡通账号"
_MAX_CELL = 32_767
_EXACT_NUMBER = 10**15
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Digits and blanks only: a spreadsheet has nothing in it to reckon with.
_PHONE_ABROAD = re.compile(r"\+86[0-9 ]+")
_INJECTION = frozenset("=+-@\t\r\n＝＋－＠")


def write_sheet(headers: Sequence[str], rows: Iterable[Sequence[OutputCell]], sheet_name: str = "导出") -> bytes:
    """A small sheet, whole in memory."""
    target = io.BytesIO()
    write_sheet_to(target, headers, rows, sheet_name)
    return target.getvalue()


def write_sheet_to(
    target: io.BytesIO | str, headers: Sequence[str], rows: Iterable[Sequence[OutputCell]], sheet_name: str = "导出"
) -> None:
    """Into a file by its path, row by row: nothing is held that has been written.

    Columns whose first value is text are text columns; Decimal is shown with two decimals.
    """
    rows = iter(rows)
    first = next(rows, None)
    text_columns = [
        header
        for header, cell in zip(headers, first or [None] * len(headers), strict=True)
        if not isinstance(cell, int | Decimal)
    ]
    records = (
        dict(zip(headers, map(_output, row), strict=True))
        for row in chain([first if first is not None else [None] * len(headers)], rows)
    )
    write_worksheet(
        records,
        target,
        sheet_name=sheet_name,
        column_formats=dict.fromkeys(text_columns, text_format()),
        ignore_errors=text_columns,
        float_format="0.00",
        freeze_row=1,
        bold_headers=True,
        column_width=18,
        column_widths=column_widths(headers),
    )


def column_widths(headers: Iterable[str]) -> dict[str, float]:
    """An account of 30 digits is shown and printed whole."""
    return {header: 34.0 for header in headers if header == ACCOUNT_COLUMN}


def text_format() -> Format:
    return Format().set_num_format("@")


def _output(cell: OutputCell) -> str | int | float | None:
    if type(cell) is str:  # nearly every one of three million
        return safe_text(cell)
    if cell is None or (isinstance(cell, int) and abs(cell) < _EXACT_NUMBER):
        return cell
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return safe_text(str(cell))


def safe_text(text: str) -> str:
    """An apostrophe before what would be a formula, also after somebody saves the file as csv."""
    if text.isprintable() and text[:1] not in _INJECTION and len(text) < _MAX_CELL:  # nearly all
        return text
    clean = _CONTROL.sub(" ", text)[: _MAX_CELL - 1]
    return f"'{clean}" if clean[:1] in _INJECTION and not _PHONE_ABROAD.fullmatch(clean) else clean

"""Files of accounts for 初始导入, as a county would hand them in."""

from collections.abc import Iterable, Sequence

from models.forms.register_file import ACCOUNT_COLUMNS
from models.sheets.writer import write_sheet

HEADERS = list(ACCOUNT_COLUMNS.values())
Row = Sequence[str | None]


def accounts_file(rows: Iterable[Row]) -> bytes:
    return write_sheet(HEADERS, rows)


def accounts_csv(rows: Iterable[Row], encoding: str = "utf-8") -> bytes:
    return "\r\n".join(",".join(cell or "" for cell in row) for row in [HEADERS, *rows]).encode(encoding)

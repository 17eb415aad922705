"""Reading a county's file as if it were hostile: its kind by content, never by name."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator

from models.normal_form import real
from models.sheets.archive import read_workbook
from models.sheets.cells import Cell
from models.sheets.rows import Limits, Sheet, SheetRow, SheetRows, rows_on_disk, too_many_rows
from models.words.faults import FaultCode, FileError

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_KINDS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"PK",
    b"{\\rtf",
)


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AT_ONCE = 256 * 1024


def read_rows(data: bytes, limits: Limits) -> SheetRows:
    """The filled rows of an xlsx or csv file, or FileError."""
    return read_sheet(data, limits).rows


def read_sheet(data: bytes, limits: Limits) -> Sheet:
    """The rows with what of them is hidden, or FileError."""
    if not data:
        raise FileError(FaultCode.FILE_EMPTY, "文件是空的（0 字节），请重新导出或保存后再上传")
    if len(data) > limits.max_bytes:
        size = limits.max_bytes // (1024 * 1024)
        raise FileError(FaultCode.FILE_TOO_LARGE, f"文件超过 {size} MiB，请拆成几个文件分别上传")
    if data.startswith(_ZIP):
        return read_workbook(data, limits)
    if data.startswith(_OLD_OFFICE):
        raise FileError(FaultCode.FILE_KIND, "文件是旧版 .xls 或加了密码，请取消密码并另存为 .xlsx 后再上传")
    if data.startswith(_OTHER_KINDS) or data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise FileError(FaultCode.FILE_KIND, "文件内容不是 Excel 或 CSV（与文件名无关），请下载模板填写后上传")
    rows = rows_on_disk()
    rows.extend(_csv_rows(_lines(data, _encoding(data)), limits))
    return Sheet(SheetRows(rows))


def _encoding(data: bytes) -> str:
    """UTF-8 with or without its mark, else GB18030 of 2022, which Chinese Excel saves; Python's is of 2000."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(
            FaultCode.FILE_ENCODING, "文件是 Unicode（UTF-16）文本，请另存为“CSV UTF-8（逗号分隔）”后再上传"
        )
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            # all of it is decoded, before any of it is blamed
            controls = sum(1 for piece in _decoded(data, encoding) if _CONTROL.search(piece))
        except UnicodeDecodeError:
            continue
        if controls:
            raise FileError(FaultCode.FILE_KIND, "文件含控制字符，不是 CSV 文本，请下载模板填写后上传 .xlsx 或 .csv")
        return encoding
    raise FileError(FaultCode.FILE_ENCODING, "文件编码无法识别，请另存为“CSV UTF-8（逗号分隔）”后再上传")


def _decoded(data: bytes, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data), _AT_ONCE):
        yield decoder.decode(data[start : start + _AT_ONCE])
    yield decoder.decode(b"", final=True)


def _lines(data: bytes, encoding: str) -> Iterable[str]:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    return map(real, lines) if encoding == "gb18030" else lines


def _csv_rows(lines: Iterable[str], limits: Limits) -> Iterator[SheetRow]:
    filled = 0
    try:
        for number, record in enumerate(csv.reader(lines, strict=True), start=1):
            row: dict[int, Cell] = {column: value for column, value in enumerate(record) if value.strip()}
            if not row:
                continue
            if max(row) >= limits.max_columns:
                raise FileError(
                    FaultCode.FILE_TOO_MANY_COLUMNS,
                    f"第 {number} 行在第 {limits.max_columns} 列之后还有内容，请删除模板以外的列",
                )
            filled += 1
            if filled > limits.max_rows + 1:
                raise too_many_rows(limits)
            yield number, row
    except csv.Error as error:
        raise FileError(
            FaultCode.FILE_DAMAGED, "CSV 的引号不成对或单元格过长，请用 Excel 打开核对后另存再上传"
        ) from error

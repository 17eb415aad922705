"""An xlsx as the archive it is: parts found by their relations, unpacked under a bound that counts real bytes.

The sizes that an archive claims are never believed, and what no relation leads to is never unpacked.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from models.sheets.rows import Limits, Sheet
from models.sheets.shared import Styles, cell_styles, shared_strings
from models.sheets.sheet_xml import SheetXml
from models.sheets.xml import Attributes, damaged, elements
from models.sheets.zip_entries import count_entries
from models.words.faults import FaultCode, FileError

# A sheet of this name explains the form; the template has it, and what is written on it is nobody's application.
HINT_SHEET = "填写说明"

_MAX_PARTS = 10_000
_AT_ONCE = 256 * 1024
# 100,000 rows of 13 text cells have 8 million; empty ones compress to nothing and cost their seconds all the same.
_MAX_TAGS = 10_000_000
_LARGEST_WORKBOOK_PART = 8 * 1024 * 1024
_USUAL_WORKBOOK = "xl/workbook.xml"
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)


@dataclass(frozen=True, slots=True)
class _SheetPart:
    name: str
    target: str
    hidden: bool


class _Package:
    """The parts of an archive by name; names differ in nothing but case only where a writer was careless."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._left = limits.max_unpacked_bytes
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._twice: set[str] = set()
        for entry in archive.filelist:
            name = _folded(entry.filename.replace("\\", "/"))
            if name in self._entries:
                self._twice.add(name)
            self._entries[name] = entry

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._entries

    def part(self, name: str) -> Iterable[bytes]:
        """Read piece by piece: unpacked, a whole county's sheet is as large as a worker's memory."""
        entry = self._entries.get(_folded(name))
        # Two parts of one name: nobody can say which of them a spreadsheet shows.
        if entry is None or _folded(name) in self._twice:
            raise damaged()
        # Other methods unpack a block at once, whatever the bound.
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise damaged()
        self._measure(entry)
        return self._pieces(entry)

    def _measure(self, entry: zipfile.ZipInfo) -> None:
        """Before anything is made of it: unpacking costs little, walking through what it holds doesn't."""
        tags = 0
        for piece in self._pieces(entry):
            self._left -= len(piece)
            if self._left < 0:
                raise FileError(FaultCode.FILE_TOO_LARGE, "文件解压后过大，请删除多余的工作表、图片和空白行后再上传")
            tags += piece.count(b"<")
        if tags > _MAX_TAGS:
            raise FileError(FaultCode.FILE_TOO_LARGE, "文件里的单元格太多，请删除多余的空白行和空白列后再上传")

    def _pieces(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        with self._archive.open(entry) as part:
            while piece := part.read(_AT_ONCE):
                yield piece

    def relations(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Of each relation of a part ("" is the package): what it is, and the part it leads to."""
        folder, file = posixpath.split(name)
        return {
            relation.get("Id", ""): (relation.get("Type", ""), _resolved(folder, relation.get("Target", "")))
            for relation in elements(self.part(posixpath.join(folder, "_rels", f"{file}.rels")), "Relationship")
        }


class _Workbook:
    def __init__(self, package: _Package, limits: Limits) -> None:
        self._package = package
        self._limits = limits
        main = _main_part(package)
        self._elements = _sheet_elements(package, main)
        self._relations = package.relations(main)
        self._texts = shared_strings(self._related("/sharedStrings") or [b"<sst/>"])
        self._styles: Styles = cell_styles(b"".join(self._related("/styles") or [b"<styleSheet/>"]))

    def read(self) -> Sheet:
        """The one visible sheet that holds anything."""
        sheets = self._sheets()
        filled = [
            sheet
            for part in sheets
            if not part.hidden and part.name != HINT_SHEET and (sheet := self._sheet(part)).rows
        ]
        if len(filled) > 1:
            raise FileError(FaultCode.FILE_SHEETS, "文件里有多个工作表有内容，请只保留一个要导入的工作表")
        found = filled[0] if filled else Sheet()
        if len(found.rows) < 2:
            self._say_where_rows_are(sheets)
        return found

    def _say_where_rows_are(self, sheets: list[_SheetPart]) -> None:
        for place, part in enumerate(sheets, start=1):
            if part.hidden and len(self._sheet(part).rows) > 1:
                raise FileError(
                    FaultCode.FILE_SHEETS,
                    f"可见的工作表里没有申请，内容都在隐藏的{_sayable(place, part.name)}里，请取消隐藏后重新上传",
                )

    def _sheet(self, part: _SheetPart) -> Sheet:
        return SheetXml(self._package.part(part.target), self._texts, self._styles, self._limits).sheet

    def _related(self, kind: str) -> Iterable[bytes] | None:
        found = (target for what, target in self._relations.values() if what.endswith(kind))
        return next((self._package.part(target) for target in found), None)

    def _sheets(self) -> list[_SheetPart]:
        sheets = []
        for sheet in self._elements:
            relation = next((value for name, value in sheet.items() if name.endswith(":id")), "")
            what, target = self._relations.get(relation, ("", ""))
            if what.endswith("/worksheet"):
                hidden = sheet.get("state", "visible") != "visible"
                sheets.append(_SheetPart(sheet.get("name", ""), target, hidden))
        return sheets


def read_workbook(data: bytes, limits: Limits) -> Sheet:
    """The rows of the one visible sheet that holds anything, or FileError."""
    with _opened(data) as archive:
        return _Workbook(_Package(archive, limits), limits).read()


def is_workbook(data: bytes) -> bool:
    """Whether the relations of an archive lead to a workbook, whatever its parts are called."""
    try:
        with _opened(data) as archive:
            package = _Package(archive, Limits(max_unpacked_bytes=_LARGEST_WORKBOOK_PART))
            return bool(elements(package.part(_main_part(package)), "workbook"))
    except FileError:
        return False


@contextmanager
def _opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    try:
        if count_entries(io.BytesIO(data), _MAX_PARTS) > _MAX_PARTS:
            raise damaged()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except _UNREADABLE as error:
        raise damaged() from error


def _main_part(package: _Package) -> str:
    root = package.relations("") if "_rels/.rels" in package else {}
    targets = [target for what, target in root.values() if what.endswith("/officeDocument")]
    main = targets[0] if targets else _USUAL_WORKBOOK
    if main.endswith(".bin"):
        raise FileError(FaultCode.FILE_KIND, "文件是 Excel 的二进制工作簿（.xlsb），请另存为 .xlsx 后再上传")
    if main not in package:
        raise _no_workbook()
    return main


def _sheet_elements(package: _Package, main: str) -> list[Attributes]:
    """A workbook has one sheet at least; what has none is another kind of document."""
    found = elements(package.part(main), "sheet")
    if not found:
        raise _no_workbook()
    return found


def _no_workbook() -> FileError:
    return FileError(FaultCode.FILE_KIND, "这不是 Excel 的 .xlsx 文件，请下载模板填写后上传 .xlsx 或 .csv")


def _resolved(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")


def _folded(name: str) -> str:
    return name.lstrip("/").casefold()


def _sayable(place: int, name: str) -> str:
    """By its name, unless somebody's number may be part of it."""
    digits = sum(character.isdigit() for character in name)
    return f"工作表“{name}”" if name and digits < 8 else f"第 {place} 个工作表"

"""An xlsx as the archive it is: unpacked under a bound that counts real bytes, never the sizes it claims."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping

from models.faults import FaultCode, FileError
from models.sheet_rows import Limits, SheetRow
from models.sheet_xml import SheetXml, damaged, date_styles, elements, shared_strings

# A sheet of this name explains the form; the template has it, and what is written on it is nobody's application.
HINT_SHEET = "填写说明"

_MAX_PARTS = 2_000


def workbook_rows(data: bytes, limits: Limits) -> list[SheetRow]:
    """The rows of the one visible sheet that holds anything."""
    parts = _unpack(data, limits)
    if "xl/workbook.xml" not in parts:
        raise FileError(FaultCode.FILE_KIND, "这不是 Excel 的 .xlsx 文件，请下载模板填写后上传 .xlsx 或 .csv")
    relations = _relations(parts)
    texts = shared_strings(_related(parts, relations, "/sharedStrings") or b"<sst/>")
    dates = date_styles(_related(parts, relations, "/styles") or b"<styleSheet/>")
    filled = [
        rows
        for sheet in _visible_sheets(parts, relations)
        if (rows := SheetXml(_part(parts, sheet), texts, dates, limits).rows)
    ]
    if len(filled) > 1:
        raise FileError(FaultCode.FILE_SHEETS, "文件里有多个工作表有内容，请只保留一个要导入的工作表")
    return filled[0] if filled else []


def _unpack(data: bytes, limits: Limits) -> Mapping[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpack_parts(archive, limits)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        raise damaged() from error


def _unpack_parts(archive: zipfile.ZipFile, limits: Limits) -> Mapping[str, bytes]:
    parts: dict[str, bytes] = {}
    left = limits.max_unpacked_bytes
    entries = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".xml", ".rels"))]
    if len(entries) > _MAX_PARTS:
        raise damaged()
    for entry in entries:
        # Other methods unpack a block at once, whatever the bound.
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise damaged()
        with archive.open(entry) as part:
            content = part.read(left + 1)
        left -= len(content)
        if left < 0:
            raise FileError(FaultCode.FILE_TOO_LARGE, "文件解压后过大，请删除多余的工作表、图片和空白行后再上传")
        parts[entry.filename.replace("\\", "/").lstrip("/")] = content
    return parts


def _relations(parts: Mapping[str, bytes]) -> Mapping[str, tuple[str, str]]:
    """Of each relation of the workbook: what it is, and the part it leads to."""
    found = elements(_part(parts, "xl/_rels/workbook.xml.rels"), "Relationship")
    return {
        relation.get("Id", ""): (
            relation.get("Type", ""),
            posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lstrip("/"),
        )
        for relation in found
    }


def _related(parts: Mapping[str, bytes], relations: Mapping[str, tuple[str, str]], kind: str) -> bytes | None:
    return next((_part(parts, target) for what, target in relations.values() if what.endswith(kind)), None)


def _visible_sheets(parts: Mapping[str, bytes], relations: Mapping[str, tuple[str, str]]) -> list[str]:
    sheets = []
    for sheet in elements(parts["xl/workbook.xml"], "sheet"):
        relation = next((value for name, value in sheet.items() if name.endswith(":id")), "")
        what, target = relations.get(relation, ("", ""))
        hidden = sheet.get("state", "visible") != "visible"
        if what.endswith("/worksheet") and not hidden and sheet.get("name") != HINT_SHEET:
            sheets.append(target)
    return sheets


def _part(parts: Mapping[str, bytes], name: str) -> bytes:
    if name not in parts:
        raise damaged()
    return parts[name]

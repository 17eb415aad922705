"""The files of a county's applications: the template to fill in, and the refused rows to correct."""

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import TypeAlias

from rustpy_xlsxwriter import write_worksheets

from models.forms.account_numbers import CARD_TYPES
from models.forms.application_form import HOUSEHOLD_WORDS, MAY_BE_EMPTY, columns
from models.forms.catalogs import Catalogs
from models.forms.headers import REASON_COLUMN, ROW_COLUMN
from models.forms.register_file import ACCOUNT_COLUMNS, OPTIONAL
from models.sheets.archive import HINT_SHEET
from models.sheets.cells import Cell, SpoiledCell, number_text
from models.sheets.reader import read_rows
from models.sheets.rows import Limits, no_rows
from models.sheets.writer import column_widths, safe_text, text_format, write_sheet
from models.wire.words import ApplicantKind
from models.words.faults import CellFault, FileError

Record: TypeAlias = dict[str, str | int | float | None]
# Whoever corrects these rows and hands only them in would leave the rest of the file out.
REFUSED_SHEET = "拒绝的行（其余的行也没有导入）"
NOTHING_ELSE = "。整份文件都没有导入，没有问题的行也没有；请在原文件中改正后把整份文件重新上传"
_TEMPLATE_ROWS = 2_000
_MAX_LIST = 255  # Excel's bound of a drop-down written into the sheet
_HINTS: Mapping[str, str] = {
    "name": "按证件填写，姓名的间隔号用“·”",
    "id_number": "18 位，文本格式；末位 X 用大写",
    "phone": "11 位手机号，或带区号的固定电话",
    "town": "按名单中的名称填写",
    "village": "按该乡镇名单中的名称填写；同名无法区分时填代码",
    "group": "如 6组；没有可以不填",
    "bank": "按名单中的全称填写",
    "account_no": "8 至 30 位数字的存折账号或银行卡号，文本格式",
    "card_type": "银行卡或存折；可以不填，填存折的不按银行卡校验",
    "household_registration": "农业或非农业",
    "family_size": "1 至 50 的整数",
    "item": "按名单中的名称填写",
    "amount": "元，大于 0，最多两位小数，如 495.00，不要千位分隔符",
    "application_no": "可以不填；填写时由半角字母、数字和 - 组成，不能与已有编号相同",
}


def refused_rows_file(data: bytes, faults: Sequence[CellFault], limits: Limits | None = None) -> bytes:
    """The refused rows as they came, all cells text, each with its row number and its reasons cell by cell."""
    reasons: defaultdict[int, list[str]] = defaultdict(list)
    for fault in faults:
        reasons[fault.row].append(f"{fault.column}：{fault.message}" if fault.column else fault.message)
    try:
        rows = read_rows(data, limits or Limits())
    except FileError:
        rows = no_rows()
    header = {place: _shown(cell) for place, cell in rows[0][1].items()} if rows else {}
    own = {place: name for place, name in header.items() if name not in {ROW_COLUMN, REASON_COLUMN}}
    places = sorted({place for number, cells in rows if number in reasons for place in cells} | own.keys())
    places = [place for place in places if place in own or place not in header]
    headers = [*_distinct([own.get(place, "") for place in places]), ROW_COLUMN, REASON_COLUMN]
    cells_of = {number: cells for number, cells in rows if number in reasons}
    refused = (
        [
            *(_shown(cells_of.get(number, {}).get(place, "")) for place in places),
            str(number),
            "；".join(texts) + NOTHING_ELSE,
        ]
        for number, texts in sorted(reasons.items())
    )
    return write_sheet(headers, refused, REFUSED_SHEET)


def template(kind: ApplicantKind, catalogs: Catalogs) -> bytes:
    """The file to fill in: text columns, drop-downs where Excel's bound allows, and a sheet that explains."""
    headers = columns(kind)
    sheet = "补贴申请" if kind is ApplicantKind.PERSONAL else "组织申请"
    notes = {header: _HINTS[name] for name, header in headers.items()}
    return template_file(sheet, notes, _choices(headers, catalogs), _hint_records(headers, catalogs))


def template_file(
    sheet: str,
    notes: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
    hints: Sequence[Record],
) -> bytes:
    """A file to fill in: `notes` are its headers with what each wants, `choices` what a column chooses from."""
    target = io.BytesIO()
    write_worksheets(
        [(sheet, [dict.fromkeys(notes)] * _TEMPLATE_ROWS), (HINT_SHEET, list(hints))],
        target,
        column_formats={sheet: dict.fromkeys(notes, text_format())},
        ignore_errors={sheet: list(notes)},
        data_validations={sheet: _drop_downs(choices)},
        notes={sheet: dict(notes)},
        freeze_panes={sheet: {"row": 1, "col": 0}},
        column_width={"general": 20},
        column_widths={sheet: column_widths(notes)},
        bold_headers=True,
    )
    return target.getvalue()


def _shown(cell: Cell) -> str:
    if isinstance(cell, SpoiledCell):
        return ""
    return cell if isinstance(cell, str) else number_text(cell)


def _distinct(names: Sequence[str]) -> list[str]:
    """Headers as given, made different where the file repeats one or has none."""
    seen: dict[str, int] = {ROW_COLUMN: 1, REASON_COLUMN: 1}
    distinct = []
    for name in (safe_text(name) or "（无列名）" for name in names):
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return distinct


def _choices(headers: Mapping[str, str], catalogs: Catalogs) -> dict[str, Sequence[str]]:
    choices = {
        "bank": [bank.name for bank in catalogs.banks],
        "card_type": list(CARD_TYPES.values()),
        "item": [item.name for item in catalogs.items],
        "town": [town.name for town in catalogs.towns],
        "village": [village.name for town in catalogs.towns for village in town.villages],
        "household_registration": list(HOUSEHOLD_WORDS),
    }
    return {headers[name]: values for name, values in choices.items() if name in headers}


def _drop_downs(choices: Mapping[str, Sequence[str]]) -> dict[str, dict[str, object]]:
    return {
        header: {
            "type": "list",
            "values": list(dict.fromkeys(values)),
            # A code is legal too, where a name is ambiguous.
            "error_style": "warning",
            "error_title": header,
            "error_message": "不在名单中，确定要这样填写吗？",
        }
        for header, values in choices.items()
        if values and _fits_drop_down(list(dict.fromkeys(values)))
    }


def _fits_drop_down(values: Sequence[str]) -> bool:
    """Excel counts UTF-16 units, and a comma inside a name would split it."""
    units = len(",".join(values).encode("utf-16-le")) // 2
    return units <= _MAX_LIST and not any("," in value for value in values)


def _hint_records(headers: Mapping[str, str], catalogs: Catalogs) -> list[Record]:
    about = [(header, "选填" if name in MAY_BE_EMPTY else "必填", _HINTS[name]) for name, header in headers.items()]
    villages = [
        (town.name, town.code, village.name, village.code) for town in catalogs.towns for village in town.villages
    ]
    banks = [(bank.name, bank.code) for bank in catalogs.banks]
    items = [(item.name, item.code) for item in catalogs.items]
    titles = (
        *("列名", "是否必填", "填写要求"),
        *("乡镇名单", "乡镇代码", "村名单", "村代码"),
        *("开户行名单", "开户行代码", "补贴项目名单", "补贴项目代码"),
    )
    records: list[Record] = []
    for row in zip_longest(about, villages, banks, items):
        widths = (3, 4, 2, 2)
        cells = chain.from_iterable(part or ("",) * width for part, width in zip(row, widths, strict=True))
        records.append({title: safe_text(cell) for title, cell in zip(titles, cells, strict=True)})
    return records


_ACCOUNT_SHEET = "一卡通账号"
_ACCOUNT_HINTS: Mapping[str, str] = {
    "name": "按证件或登记证书填写，姓名的间隔号用“·”",
    "id_number": "18 位，文本格式；一人（一个组织）只填一行",
    "bank": "按名单中的全称填写",
    "account_no": "8 至 30 位数字的存折账号或银行卡号，文本格式",
    "card_type": "银行卡或存折；可以不填，填存折的不按银行卡校验",
}
_ACCOUNT_TITLES = ("列名", "是否必填", "填写要求", "开户行名单", "开户行代码")


def register_template(banks: Catalogs) -> bytes:
    """The file to fill in for 初始导入."""
    notes = {header: _ACCOUNT_HINTS[name] for name, header in ACCOUNT_COLUMNS.items()}
    choices = {
        ACCOUNT_COLUMNS["bank"]: [bank.name for bank in banks.banks],
        ACCOUNT_COLUMNS["card_type"]: list(CARD_TYPES.values()),
    }
    return template_file(_ACCOUNT_SHEET, notes, choices, _account_hints(banks))


def _account_hints(banks: Catalogs) -> list[Record]:
    about = [
        (header, "选填" if name in OPTIONAL else "必填", _ACCOUNT_HINTS[name])
        for name, header in ACCOUNT_COLUMNS.items()
    ]
    names = [(bank.name, bank.code) for bank in banks.banks]
    rows = zip_longest(about, names, fillvalue=())
    cells = ((*(left or ("",) * 3), *(right or ("",) * 2)) for left, right in rows)
    return [{title: safe_text(cell) for title, cell in zip(_ACCOUNT_TITLES, row, strict=True)} for row in cells]

"""Counties' files, good and hostile: what is taken, what is refused, and where."""

import io
import resource
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forms.application_form import OPTIONAL_COLUMNS, columns
from models.forms.catalogs import CatalogEntry, Catalogs, Town
from models.forms.files import refused_rows_file, template
from models.forms.spreadsheet import CheckedFile, check_file
from models.sheets.reader import read_rows
from models.sheets.rows import Limits
from models.sheets.writer import write_sheet
from models.wire.words import ApplicantKind
from models.words.faults import FaultCode
from tests.application_lines import citizen_id

DATA = Path(__file__).parent.parent / "deploy/demo/data"
TODAY = date(2026, 11, 22)
PERSONAL, ORGANIZATION = ApplicantKind.PERSONAL, ApplicantKind.ORGANIZATION
HEADERS = [header for name, header in columns(PERSONAL).items() if name not in OPTIONAL_COLUMNS]


def catalogs_of_the_county() -> Catalogs:
    """Banks, items and places as they occur in the county's own file."""
    rows = [cells for _, cells in read_rows((DATA / "batch-500001-2000.csv").read_bytes(), Limits())[1:]]
    banks, items = (sorted({str(cells[place]) for cells in rows}) for place in (6, 10))
    places: dict[str, set[str]] = {}
    for cells in rows:
        places.setdefault(str(cells[3]), set()).add(str(cells[4]))
    return Catalogs(
        tuple(CatalogEntry(f"B{number}", name) for number, name in enumerate(banks)),
        tuple(CatalogEntry(f"I{number}", name) for number, name in enumerate(items)),
        tuple(
            Town(
                f"T{number}",
                town,
                tuple(CatalogEntry(f"T{number}V{place}", name) for place, name in enumerate(sorted(names))),
            )
            for number, (town, names) in enumerate(sorted(places.items()))
        ),
    )


CATALOGS = catalogs_of_the_county()
LINES = (DATA / "batch-500001-2000.csv").read_bytes().decode("gb18030").splitlines()[1:]


def check(data: bytes, kind: ApplicantKind = PERSONAL, **limits: int) -> CheckedFile:
    return check_file(data, kind, CATALOGS, Limits(**limits), today=TODAY)


def cells(number: int, **changes: Any) -> list[Any]:
    """A good line of the county's file, with some cells changed by our names of the columns."""
    names = [name for name in columns(PERSONAL) if name not in OPTIONAL_COLUMNS]
    values: list[Any] = list(LINES[number].split(","))
    for name, value in changes.items():
        values[names.index(name)] = value
    return values


def csv_of(*rows: list[Any], headers: list[str] | None = None) -> bytes:
    return "\r\n".join(",".join(map(str, row)) for row in [headers or HEADERS, *rows]).encode()


def xlsx_of(*rows: list[Any], headers: list[str] | None = None, change: Callable[[Any], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [headers or HEADERS, *rows]:
        sheet.append(row)
    if change:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def sheet_of(data: bytes) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].values)


def places_of(checked: CheckedFile) -> dict[tuple[int, str], FaultCode]:
    return {(fault.row, fault.column): fault.code for fault in checked.faults}


def file_fault(data: bytes, **limits: int) -> FaultCode:
    checked = check(data, PERSONAL, **limits)
    assert len(checked.forms) == 0
    [fault] = checked.faults
    assert (fault.row, fault.column) == (0, "")
    return fault.code


@pytest.mark.parametrize(
    ("name", "kind", "lines", "fen"),
    [
        ("batch-500001-2000.xlsx", PERSONAL, 2000, 218_324_100),
        ("batch-500001-2000.csv", PERSONAL, 2000, 218_324_100),
        ("batch-500001-org-24.xlsx", ORGANIZATION, 24, 114_522_400),
        ("batch-500003-60.csv", PERSONAL, 60, 8_627_400),
    ],
)
def test_the_counties_own_files(name: str, kind: ApplicantKind, lines: int, fen: int) -> None:
    told: list[tuple[int, int]] = []
    data = (DATA / name).read_bytes()
    checked = check_file(data, kind, CATALOGS, Limits(), lambda done, total: told.append((done, total)), today=TODAY)
    assert checked.faults == ()
    assert (len(checked.forms), checked.row_count, checked.total_fen) == (lines, lines, fen)
    assert [form.row for form in checked.forms] == list(range(2, lines + 2))
    assert told[-1] == (lines, lines)
    assert told == sorted(told)


def test_persons_with_several_lines_of_one_item_are_warned_about_not_stopped() -> None:
    """Forty people of the shipped file have two lines: fifteen of the same item, whose amounts differ."""
    checked = check((DATA / "batch-500001-2000.xlsx").read_bytes())
    assert Counter(warning.code for warning in checked.warnings) == {FaultCode.SEVERAL_LINES: 30}
    assert checked.to_confirm == ()


def test_xlsx_and_csv_in_each_encoding_say_the_same() -> None:
    rows = [cells(number) for number in range(30)]
    utf8 = csv_of(*rows)
    expected = [form.form for form in check(utf8).forms]
    assert len(expected) == 30
    for data in (b"\xef\xbb\xbf" + utf8, utf8.decode().encode("gb18030"), xlsx_of(*rows), write_sheet(HEADERS, rows)):
        assert [form.form for form in check(data).forms] == expected


def test_columns_in_any_order_and_the_optional_one() -> None:
    headers = ["申请编号", *reversed(HEADERS)]
    rows = [[f"A-{number}", *reversed(cells(number))] for number in range(3)]
    checked = check(xlsx_of(*rows, headers=headers))
    assert [form.form.application_no for form in checked.forms] == ["A-0", "A-1", "A-2"]
    assert check(csv_of(cells(0), headers=[header.replace("（元）", "(元)") for header in HEADERS])).faults == ()


def test_wrong_columns_are_refused_by_name() -> None:
    headers = [*HEADERS, "备注", "手机号"]
    headers[headers.index("户口性质")] = "户口"
    assert places_of(check(csv_of([*cells(0), "", ""], headers=headers))) == {
        (1, "户口性质"): FaultCode.COLUMN_MISSING,
        (1, "“户口”列"): FaultCode.COLUMN_UNKNOWN,
        (1, "“备注”列"): FaultCode.COLUMN_UNKNOWN,
        (1, "手机号"): FaultCode.COLUMN_TWICE,
    }


def test_a_line_in_place_of_the_header_is_not_quoted() -> None:
    data = csv_of(cells(1), headers=cells(0))
    assert file_fault(data) is FaultCode.HEADER_MISSING
    mixed = check(csv_of(cells(0), headers=[*HEADERS[:11], "500001195602159893"]))
    assert "500001195602159893" not in str(mixed.faults)


def test_a_file_of_the_other_kind_is_named_as_such() -> None:
    assert file_fault((DATA / "batch-500001-org-24.xlsx").read_bytes()) is FaultCode.HEADER_OTHER_KIND


def test_every_fault_of_a_row_has_its_cell_and_never_the_value() -> None:
    bad = cells(1, id_number=500001195407169834, account_no=6.2e18, amount="1,234.00", bank="无此银行", name="=1+1")
    checked = check(xlsx_of(cells(0), bad, cells(2, amount=-5, village="无此村", phone=True)))
    assert places_of(checked) == {
        (3, "姓名"): FaultCode.FORMULA,
        (3, "身份证号"): FaultCode.SCIENTIFIC,
        (3, "一卡通开户行"): FaultCode.BANK_UNKNOWN,
        (3, "一卡通账号"): FaultCode.SCIENTIFIC,
        (3, "补贴金额（元）"): FaultCode.AMOUNT_SEPARATOR,
        (4, "手机号"): FaultCode.CELL_KIND,
        (4, "村"): FaultCode.VILLAGE_UNKNOWN,
        (4, "补贴金额（元）"): FaultCode.AMOUNT_NOT_POSITIVE,
    }
    assert [form.row for form in checked.forms] == [2]
    for value in ("500001195407169834", "无此银行", "无此村", "1,234", "6.2e+18"):
        assert value not in str(checked.faults)


def test_excel_floats_in_a_csv_are_named() -> None:
    assert places_of(check(csv_of(cells(0, id_number="5.00001E+17")))) == {(2, "身份证号"): FaultCode.SCIENTIFIC}


def test_formulas_dates_and_errors_are_not_taken_for_values() -> None:
    row = cells(0, id_number='="500001195602159893"', group=date(2026, 6, 1), phone="=A1", family_size="#N/A")
    assert places_of(check(xlsx_of(row))) == {
        (2, "身份证号"): FaultCode.FORMULA,
        (2, "手机号"): FaultCode.FORMULA,
        (2, "组"): FaultCode.CELL_KIND,
        (2, "家庭成员数"): FaultCode.FORMULA,
    }


def test_merged_cells_are_refused_in_each_row() -> None:
    data = xlsx_of(cells(0), cells(1), cells(2), change=lambda book: book.active.merge_cells("D2:D3"))
    assert places_of(check(data)) == {(2, "乡镇"): FaultCode.MERGED_CELL, (3, "乡镇"): FaultCode.MERGED_CELL}


def test_blank_rows_are_passed_over_and_keep_the_numbers_right() -> None:
    blank = [""] * 12

    def with_formats_far_below(book: Any) -> None:
        for row in range(1, 4000):
            book.active.cell(row=row, column=1).number_format = "@"
        book.active.row_dimensions[3999].hidden = True

    for data in (
        csv_of(cells(0), blank, [" "], cells(1), blank, blank),
        xlsx_of(cells(0), blank, [" "], cells(1), blank, change=with_formats_far_below),
    ):
        checked = check(data, max_rows=10)
        assert checked.faults == ()
        assert ([form.row for form in checked.forms], checked.row_count) == ([2, 5], 2)


def test_equal_lines_are_to_be_confirmed_in_all_their_rows_and_are_forms_all_the_same() -> None:
    again = cells(0, phone="13900001111", amount="495.0")
    other_amount, other_item = cells(0, amount="495.01"), cells(0, item="农机购置与应用补贴")
    checked = check(csv_of(cells(0), again, other_amount, other_item, cells(0)))
    assert checked.faults == ()
    assert [(found.row, found.column, found.code) for found in checked.to_confirm] == [
        (row, "身份证号", FaultCode.LINE_TWICE) for row in (2, 3, 6)
    ]
    assert "第 3、6 行" in checked.to_confirm[0].message
    assert [form.row for form in checked.forms] == [2, 3, 4, 5, 6]


def test_the_same_application_number_twice_is_refused_in_both_rows() -> None:
    rows = [[*cells(number), given] for number, given in enumerate(["A-1", "", "A-1", ""])]
    assert places_of(check(csv_of(*rows, headers=[*HEADERS, "申请编号"]))) == {
        (2, "申请编号"): FaultCode.APPLICATION_NO_TWICE,
        (4, "申请编号"): FaultCode.APPLICATION_NO_TWICE,
    }


def test_content_without_a_column_is_refused() -> None:
    assert places_of(check(csv_of([*cells(0), "备注"]))) == {(2, "M 列"): FaultCode.CELL_WITHOUT_COLUMN}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", FaultCode.FILE_EMPTY),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", FaultCode.FILE_KIND),
        (b"\xef\xbb\xbf\r\n<html><table><tr><td>", FaultCode.FILE_KIND),
        (b"\x89PNG\r\n\x1a\n", FaultCode.FILE_KIND),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), FaultCode.FILE_KIND),
        (b"PK\x03\x04" + b"not a zip", FaultCode.FILE_DAMAGED),
        ("姓名,身份证号".encode("utf-16"), FaultCode.FILE_ENCODING),
        (b"\xff\xff\xff\xff", FaultCode.FILE_ENCODING),
        (b"\x00\x01\x02\x03", FaultCode.FILE_KIND),
        (b"\r\n \r\n", FaultCode.NO_ROWS),
        (",".join(HEADERS).encode(), FaultCode.NO_ROWS),
        (",".join(HEADERS).encode() + b'\r\n"unclosed', FaultCode.FILE_DAMAGED),
    ],
)
def test_other_files_behind_a_right_name(data: bytes, code: FaultCode) -> None:
    assert file_fault(data) is code


def test_files_beyond_the_limits() -> None:
    assert file_fault(b"," * (25 * 1024 * 1024)) is FaultCode.FILE_TOO_LARGE
    rows = [cells(number) for number in range(12)]
    for data in (csv_of(*rows), xlsx_of(*rows)):
        assert len(check(data, max_rows=12).forms) == 12
        assert file_fault(data, max_rows=11) is FaultCode.FILE_TOO_MANY_ROWS
        assert file_fault(data, max_columns=11) is FaultCode.FILE_TOO_MANY_COLUMNS


SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def with_parts(data: bytes, parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same archive with some parts replaced or added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", method) as changed:
        kept = {name: source.read(name) for name in source.namelist()}
        for name, content in (kept | dict(parts)).items():
            changed.writestr(name, content)
    return target.getvalue()


def sheet_xml(inner: str, before: str = "") -> dict[str, bytes]:
    text = f'<?xml version="1.0"?>{before}<worksheet xmlns="{SPREADSHEET}"><sheetData>{inner}</sheetData></worksheet>'
    return {"xl/worksheets/sheet1.xml": text.encode()}


def test_archives_that_unpack_to_too_much_are_refused_whatever_they_claim() -> None:
    bomb = with_parts(xlsx_of(cells(0)), {"xl/worksheets/sheet1.xml": bytes(3_000_000)})
    assert file_fault(bomb, max_unpacked_bytes=1_000_000) is FaultCode.FILE_TOO_LARGE
    lying = bomb.replace((3_000_000).to_bytes(4, "little"), (3_000).to_bytes(4, "little"))
    assert lying != bomb
    assert file_fault(lying, max_unpacked_bytes=1_000_000) is FaultCode.FILE_DAMAGED
    assert file_fault(with_parts(xlsx_of(cells(0)), {}, zipfile.ZIP_BZIP2)) is FaultCode.FILE_DAMAGED
    unread = with_parts(xlsx_of(cells(0)), {"xl/media/picture.xml": bytes(3_000_000)})
    assert check(unread, max_unpacked_bytes=1_000_000).faults == ()  # nothing leads to it, nobody unpacks it


def test_millions_of_empty_cells_are_refused_before_they_are_walked_through() -> None:
    data = with_parts(xlsx_of(cells(0)), sheet_xml("<row>" + "<c/>" * 10_000_000 + "</row>"))
    assert len(data) < 100_000
    began = time.process_time()
    assert file_fault(data) is FaultCode.FILE_TOO_LARGE
    assert time.process_time() - began < 2


def test_a_cell_far_away_costs_nothing() -> None:
    """A reader that builds the rectangle up to it asks for half a terabyte."""
    far = with_parts(
        xlsx_of(cells(0)), sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row><row><c r="XFD1048576"><v>1</v></c></row>')
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert file_fault(far) is FaultCode.FILE_TOO_MANY_COLUMNS
    low = with_parts(
        xlsx_of(cells(0)), sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row><row><c r="A1048576"><v>1</v></c></row>')
    )
    assert file_fault(low) is FaultCode.HEADER_MISSING
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize(
    "parts",
    [
        sheet_xml('<row r="1"><c r="A1"><v>1</c></row>'),
        sheet_xml('<row r="x"><c r="A1"><v>1</v></c></row>'),
        sheet_xml('<row r="1"><c r="11"><v>1</v></c></row>'),
        sheet_xml('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'),
        sheet_xml('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'),
        sheet_xml('<row r="1"><c r="A1"><v>abc</v></c></row>'),
        sheet_xml("", '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;&b;">]>'),
        {"xl/_rels/workbook.xml.rels": b"<Relationships>"},
        {"xl/styles.xml": b"\x00\x01"},
    ],
)
def test_damaged_parts_are_refused(parts: dict[str, bytes]) -> None:
    assert file_fault(with_parts(xlsx_of(cells(0)), parts)) is FaultCode.FILE_DAMAGED


def test_an_archive_that_is_no_workbook() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert file_fault(target.getvalue()) is FaultCode.FILE_KIND


def test_only_one_visible_sheet_may_hold_something() -> None:
    def add_sheet(book: Any, *, state: str, title: str, content: str) -> None:
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet["A1"] = content

    for state, title, content, refused in (
        ("visible", "Sheet2", "", False),
        ("hidden", "Sheet2", "x", False),
        ("visible", "填写说明", "x", False),
        ("visible", "Sheet2", "x", True),
    ):
        data = xlsx_of(cells(0), change=partial(add_sheet, state=state, title=title, content=content))
        assert [fault.code for fault in check(data).faults] == [FaultCode.FILE_SHEETS] * refused


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_is_a_fault_or_a_file_never_a_crash(data: st.DataObject) -> None:
    original = bytearray(SMALL_FILES[data.draw(st.integers(0, 1))])
    for place in data.draw(st.lists(st.integers(0, len(original) - 1), min_size=1, max_size=4)):
        original[place] = data.draw(st.integers(0, 255))
    checked = check(bytes(original[: data.draw(st.integers(1, len(original)))]))
    assert checked.forms or checked.faults


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<row>",
                "</row>",
                '<c r="B2">',
                "<c>",
                '<c t="s">',
                "</c>",
                "<v>",
                "</v>",
                "1",
                "<f/>",
                "<is><t>x</t></is>",
            ]
        ),
        max_size=14,
    )
)
def test_any_xml_is_a_fault_or_a_file(pieces: list[str]) -> None:
    assert check(with_parts(SMALL_FILES[0], sheet_xml("".join(pieces)))).faults


SMALL_FILES = (xlsx_of(cells(0), cells(1)), csv_of(cells(0), cells(1)))


def test_the_file_of_refused_rows_says_why_and_can_be_corrected_and_sent_again() -> None:
    data = csv_of(
        cells(0), cells(1, id_number="5.00001E+17", name="=cmd|' /C calc'!A0"), cells(2, amount="0"), cells(3)
    )
    checked = check(data)
    refused = refused_rows_file(data, checked.faults)
    header, first, second = sheet_of(refused)
    assert header == (*HEADERS, "原行号", "拒绝原因")
    assert (first[0], first[1], first[12]) == ("'=cmd|' /C calc'!A0", "5.00001E+17", "3")
    assert "姓名：" in first[13]
    assert "身份证号：" in first[13]
    assert (second[1], second[11], second[12]) == (cells(2)[1], "0", "4")
    again = check(refused)
    assert {(row, column) for row, column in places_of(again)} == {(2, "姓名"), (2, "身份证号"), (3, "补贴金额（元）")}

    def corrected(book: Any) -> None:
        book.active.append([*cells(1), "3", "已改"])

    assert check(xlsx_of(change=corrected, headers=list(header))).faults == ()


def test_a_float_comes_back_as_text_and_an_unreadable_file_with_its_reason() -> None:
    data = xlsx_of(cells(0, account_no=6.202270601910665e18, amount=495.1, family_size=8))
    [_, row] = sheet_of(refused_rows_file(data, check(data).faults))
    assert (row[7], row[9], row[11]) == ("6.202270601910665e+18", "8", "495.1")
    [_, reasons] = sheet_of(refused_rows_file(b"%PDF", check(b"%PDF").faults))
    assert "不是 Excel" in reasons[1]


@pytest.mark.parametrize("kind", [PERSONAL, ORGANIZATION])
def test_the_template_is_the_form_that_the_reader_wants(kind: ApplicantKind) -> None:
    book = openpyxl.load_workbook(io.BytesIO(template(kind, CATALOGS)))
    sheet = book.worksheets[0]
    headers = [cell.value for cell in sheet[1]]
    assert headers == list(columns(kind).values())
    assert book.sheetnames[1] == "填写说明"
    assert sheet.column_dimensions["A"].number_format == "@"
    lists = {str(rule.sqref)[0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert "重庆农村商业银行" in lists["G"]
    assert lists["I"] == '"银行卡,存折"'
    assert sheet.column_dimensions["H"].width > 30
    assert file_fault_of_kind(template(kind, CATALOGS), kind) is FaultCode.NO_ROWS
    if kind is PERSONAL:
        line = cells(0)
        sheet.append([*line[:8], "银行卡", *line[8:], ""])
        target = io.BytesIO()
        book.save(target)
        assert len(check(target.getvalue()).forms) == 1


def file_fault_of_kind(data: bytes, kind: ApplicantKind) -> FaultCode:
    [fault] = check(data, kind).faults
    return fault.code


def test_a_template_of_a_county_too_large_for_drop_downs_lists_them_in_words() -> None:
    villages = tuple(CatalogEntry(f"V{number}", f"第{number}村") for number in range(300))
    book = openpyxl.load_workbook(
        io.BytesIO(template(PERSONAL, Catalogs(CATALOGS.banks, CATALOGS.items, (Town("T", "金江镇", villages),))))
    )
    assert "E" not in {str(rule.sqref)[0] for rule in book.worksheets[0].data_validations.dataValidation}
    assert "第299村" in [cell.value for cell in book["填写说明"]["F"]]


def test_exports_keep_ids_as_text_and_defuse_formulas() -> None:
    data = write_sheet(
        ["身份证号", "备注", "金额", "行数", "大数"],
        [
            ["500001195602159893", "=HYPERLINK(1)", Decimal("495.10"), 3, 10**18],
            ["012345678901234567", "@x\x00\x1b\ud800", Decimal("0.01"), 0, 1],
            [None, "正常", None, -3, 1],
        ],
    )
    assert sheet_of(data)[1:] == [
        ("500001195602159893", "'=HYPERLINK(1)", 495.1, 3, str(10**18)),
        ("012345678901234567", "'@x   ", 0.01, 0, 1),
        (None, "正常", None, -3, 1),
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert (sheet["A2"].number_format, sheet["C2"].number_format, sheet["A2"].data_type) == ("@", "0.00", "s")
    assert sheet_of(write_sheet(["空"], [])) == [("空",)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), min_size=1, max_size=5))
def test_no_text_of_an_export_ever_becomes_a_formula(rows: list[list[str]]) -> None:
    for row in openpyxl.load_workbook(io.BytesIO(write_sheet(["甲", "乙"], rows))).worksheets[0].iter_rows(min_row=2):
        for cell in row:
            assert cell.data_type != "f"
            assert not str(cell.value or "").startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("is_csv", [True, False])
def test_a_countys_file_takes_no_memory_however_many_rows_it_has(is_csv: bool) -> None:
    """Rows are read, checked and come back one by one; of each a few bytes stay, of a workbook its texts."""
    rows = [cells(place % 2_000, id_number=citizen_id(place)) for place in range(4_000)]
    data = csv_of(*rows) if is_csv else write_sheet(HEADERS, ([str(cell) for cell in row] for row in rows), "申请")
    del rows
    tracemalloc.start()
    assert sum(1 for _ in check(data).forms) == 4_000
    # 9 and 10 MiB where a list of all is held, and twice as much for twice as many
    assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    tracemalloc.stop()

"""What spreadsheets do unseen: hidden rows and columns, escapes, parts by other names, numbers as they show."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from models.forms.application_form import columns
from models.forms.files import refused_rows_file
from models.forms.spreadsheet import CheckedFile
from models.normal_form import PRIVATE_TO_REAL
from models.words.faults import FaultCode
from tests.test_spreadsheet import (
    HEADERS,
    PERSONAL,
    cells,
    check,
    csv_of,
    file_fault,
    places_of,
    sheet_of,
    sheet_xml,
    with_parts,
    xlsx_of,
)

AMOUNT = len(HEADERS) - 1


def to_confirm(checked: CheckedFile) -> list[tuple[int, str, FaultCode]]:
    assert checked.faults == ()
    return [(fault.row, fault.column, fault.code) for fault in checked.to_confirm]


def three_rows(change: Any) -> CheckedFile:
    return check(xlsx_of(cells(0), cells(1), cells(2), change=change))


def by_hand(book: Any) -> None:
    book.active.row_dimensions[3].hidden = True


def by_filter(book: Any) -> None:
    book.active.auto_filter.ref = "A1:L4"
    book.active.auto_filter.add_filter_column(0, ["x"])
    book.active.row_dimensions[3].hidden = True


def by_outline(book: Any) -> None:
    book.active.row_dimensions.group(3, 3, outline_level=1, hidden=True)


def by_height(book: Any) -> None:
    book.active.row_dimensions[3].height = 0.25


def by_format(book: Any) -> None:
    book.active.cell(row=3, column=AMOUNT + 1).number_format = ";;;"


@pytest.mark.parametrize("hide", [by_hand, by_filter, by_outline, by_height, by_format])
def test_a_row_that_nobody_sees_waits_for_a_person(hide: Any) -> None:
    checked = three_rows(hide)
    assert to_confirm(checked) == [(3, "", FaultCode.HIDDEN_ROW)]
    assert [form.row for form in checked.forms] == [2, 3, 4]


def test_a_column_that_nobody_sees_waits_for_a_person() -> None:
    def hide(book: Any) -> None:
        book.active.column_dimensions["H"].hidden = True

    assert to_confirm(three_rows(hide)) == [(1, "一卡通账号", FaultCode.HIDDEN_COLUMN)]


def test_what_is_seen_or_empty_waits_for_nobody() -> None:
    def low_and_empty(book: Any) -> None:
        book.active.row_dimensions[2].height = 8
        book.active.row_dimensions[1].hidden = True  # the header, which is no application
        book.active.row_dimensions[9].hidden = True
        book.active.column_dimensions["Z"].hidden = True
        book.active.sheet_format.zeroHeight = True  # rows without content only

    assert to_confirm(three_rows(low_and_empty)) == []
    assert to_confirm(check(csv_of(cells(0)))) == []


def inline(row: int, values: list[str]) -> str:
    written = (f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
    return f'<row r="{row}">{"".join(written)}</row>'


def test_escapes_of_spreadsheets_are_the_characters_that_they_stand_for() -> None:
    row = cells(0, group="6_x7EC4__x000D_\n", name="_x674E__xD862__xDC4B__x6885_")
    data = with_parts(xlsx_of(), sheet_xml(inline(1, HEADERS) + inline(2, row)))
    [form] = check(data).forms
    assert (form.form.group, form.form.name) == ("6组", "李\U0002884b梅")


def test_an_escaped_escape_stays_text_and_half_a_character_is_refused() -> None:
    rows = [inline(2, cells(0, group="A_x005F_x000D_")), inline(3, cells(1, name="李_xD862_"))]
    checked = check(with_parts(xlsx_of(), sheet_xml(inline(1, HEADERS) + "".join(rows))))
    assert [form.form.group for form in checked.forms] == ["A_x000D_"]
    assert places_of(checked) == {(3, "姓名"): FaultCode.CHARACTERS}


def shared(rows: list[list[str]]) -> dict[str, bytes]:
    """The parts of a workbook whose cells point to shared texts, as Excel itself writes them."""
    texts = [value for row in rows for value in row]
    places = iter(range(len(texts)))
    cells_of = ("".join(f'<c t="s"><v>{next(places)}</v></c>' for _ in row) for row in rows)
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="http://x/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(
            {"worksheet": "worksheets/sheet1.xml", "sharedStrings": "sharedStrings.xml"}.items(), start=1
        )
    )
    return {
        **sheet_xml("".join(f"<row>{row}</row>" for row in cells_of)),
        "xl/sharedStrings.xml": f"<sst>{''.join(f'<si><t>{text}</t></si>' for text in texts)}</sst>".encode(),
        "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>".encode(),
    }


def test_escapes_in_shared_texts() -> None:
    rows = [HEADERS, cells(0, group="7组_x000D_"), cells(1, group="A_x005F_x000D_")]
    assert [form.form.group for form in check(with_parts(xlsx_of(), shared(rows))).forms] == ["7组", "A_x000D_"]


def test_a_height_of_nothing_hides_as_well() -> None:
    for size in ('ht="0"', 'ht="0.0" customHeight="1"', 'hidden="true"'):
        rows = inline(1, HEADERS) + inline(2, cells(0)).replace('r="2"', f'r="2" {size}', 1)
        assert to_confirm(check(with_parts(xlsx_of(), sheet_xml(rows)))) == [(2, "", FaultCode.HIDDEN_ROW)]


def renamed(data: bytes, names: Mapping[str, str], texts: Mapping[str, str]) -> bytes:
    """The same archive with parts called otherwise, and texts within its parts changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w") as changed:
        for name in source.namelist():
            content = source.read(name)
            for old, new in texts.items():
                content = content.replace(old.encode(), new.encode())
            changed.writestr(names.get(name, name), content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        ({"xl/sharedStrings.xml": "xl/SharedStrings.xml", "xl/workbook.xml": "XL/Workbook.XML"}, {}),
        ({"xl/worksheets/sheet1.xml": "xl/WorkSheets/Sheet1.xml", "_rels/.rels": "_RELS/.rels"}, {}),
        (
            {"xl/workbook.xml": "xl/book7.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/book7.xml.rels"},
            {"xl/workbook.xml": "xl/book7.xml"},
        ),
        ({"xl/worksheets/sheet1.xml": "data/eins.part"}, {"worksheets/sheet1.xml": "../data/eins.part"}),
        ({name: name.replace("/", "\\") for name in ("xl/workbook.xml", "xl/styles.xml")}, {}),
    ],
)
def test_parts_are_found_by_relations_and_without_case(names: dict[str, str], texts: dict[str, str]) -> None:
    for data in (xlsx_of(cells(0), cells(1)), with_parts(xlsx_of(), shared([HEADERS, cells(0), cells(1)]))):
        assert len(check(renamed(data, names, texts)).forms) == 2


def test_two_parts_of_one_name_are_nobodys_choice() -> None:
    data = xlsx_of(cells(0))
    assert file_fault(with_parts(data, {"xl/Worksheets/sheet1.xml": b"<worksheet/>"})) is FaultCode.FILE_DAMAGED


def test_other_documents_in_the_same_package_form_are_no_workbooks() -> None:
    relation = '<Relationship Id="a" Type="http://x/officeDocument" Target="{}"/>'
    for main, content in (("word/document.xml", b"<document/>"), ("xl/workbook.bin", b"\x83\x01")):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("_rels/.rels", f"<Relationships>{relation.format(main)}</Relationships>")
            archive.writestr(main, content)
        assert file_fault(target.getvalue()) is FaultCode.FILE_KIND


@pytest.mark.parametrize(
    ("number", "fen"),
    [(73.6 * 3.5, 25760), (0.1 + 0.2, 30), (1.1 * 1.1 * 100, 12100), (99999999999.99, 9999999999999), (495, 49500)],
)
def test_a_number_is_read_as_it_shows(number: float, fen: int) -> None:
    [form] = check(xlsx_of(cells(0, amount=number))).forms
    assert form.form.amount_fen == fen
    data = xlsx_of(cells(0, amount=number, phone="1"))
    [_, row] = sheet_of(refused_rows_file(data, check(data).faults))
    assert len(row[AMOUNT].replace(".", "")) <= 15


def test_more_decimals_than_fen_are_refused_as_before_and_so_are_numbers_longer_than_a_cell_holds() -> None:
    bad = cells(0, amount=257.625, account_no=6.22200000000000000e18, id_number=500001195602159893)
    assert places_of(check(xlsx_of(bad))) == {
        (2, "补贴金额（元）"): FaultCode.AMOUNT_DECIMALS,
        (2, "一卡通账号"): FaultCode.SCIENTIFIC,
        (2, "身份证号"): FaultCode.SCIENTIFIC,
    }


@pytest.mark.parametrize("headers", [True, False])
@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_rows_on_a_hidden_sheet_are_said_to_be_there(headers: bool, state: str) -> None:
    def hide(book: Any) -> None:
        book.active.title = "补贴名册"
        book.active.sheet_state = state
        seen = book.create_sheet("封面")
        book.active = 1
        if headers:
            seen.append(HEADERS)

    checked = check(xlsx_of(cells(0), change=hide))
    [fault] = checked.faults
    assert (fault.row, fault.code) == (0, FaultCode.FILE_SHEETS)
    assert "“补贴名册”" in fault.message


def test_a_hidden_sheet_that_may_say_somebodys_number_is_named_by_its_place() -> None:
    def hide(book: Any) -> None:
        book.active.title = "500001195602159893"
        book.active.sheet_state = "hidden"
        book.create_sheet("封面")
        book.active = 1

    [fault] = check(xlsx_of(cells(0), change=hide)).faults
    assert "第 1 个工作表" in fault.message
    assert "500001195602159893" not in fault.message


def gb18030_of_2022(text: str) -> bytes:
    """What a writer of 2022 makes of it: the moved characters have the two bytes that Python gives to private ones."""
    private = {chr(real): chr(code) for code, real in PRIVATE_TO_REAL.items()}
    return "".join(private.get(character, character) for character in text).encode("gb18030")


@pytest.mark.parametrize("letter", [chr(real) for real in PRIVATE_TO_REAL.values() if real > 0xFFFF or real < 0xFE00])
def test_gb18030_is_that_of_2022(letter: str) -> None:
    data = gb18030_of_2022(csv_of(cells(0, name=f"李{letter}")).decode())
    [form] = check(data).forms
    assert form.form.name == f"李{letter}"
    assert check(data).warnings == ()


def test_a_name_made_regular_is_told_in_its_row() -> None:
    rows = [cells(0, name="李 梅", group="6 组"), cells(1), cells(2, name="\uf90a明"), cells(3, name="张\ue854")]
    for data in (xlsx_of(*rows), csv_of(*rows)):
        checked = check(data)
        assert checked.faults == ()
        assert [(told.row, told.column, told.code) for told in checked.warnings] == [
            (2, "姓名", FaultCode.BLANKS_DROPPED),
            (2, "组", FaultCode.BLANKS_DROPPED),
            (4, "姓名", FaultCode.CHARACTERS_MAPPED),
            (5, "姓名", FaultCode.CHARACTERS_MAPPED),
        ]
        names = [form.form.name for form in checked.forms]
        assert (names[0], names[2], names[3], checked.forms[0].form.group) == ("李梅", "金明", "张\u9fba", "6组")


def test_a_phone_with_its_country_is_no_formula_and_comes_back_from_the_refused_rows() -> None:
    data = xlsx_of(cells(0, phone="+86 133 3956 5835"), cells(1, phone="+8613339565835", amount="0"))
    checked = check(data)
    assert places_of(checked) == {(3, "补贴金额（元）"): FaultCode.AMOUNT_NOT_POSITIVE}
    assert checked.forms[0].form.phone == "13339565835"
    refused = refused_rows_file(data, checked.faults)
    assert sheet_of(refused)[1][2] == "+8613339565835"
    assert places_of(check(refused)) == {(2, "补贴金额（元）"): FaultCode.AMOUNT_NOT_POSITIVE}
    hostile = xlsx_of(cells(0, phone="+86-1+cmd|' /C calc'!A0", amount="0"))
    assert str(sheet_of(refused_rows_file(hostile, check(hostile).faults))[1][2]).startswith("'+86")


def test_grouped_numbers_of_a_file_are_taken() -> None:
    plain = check(xlsx_of(cells(0))).forms[0].form
    spaced = " ".join(plain.account_no[place : place + 4] for place in range(0, len(plain.account_no), 4))
    row = cells(0, account_no=spaced, id_number=f"{plain.id_number[:6]} {plain.id_number[6:14]}-{plain.id_number[14:]}")
    assert [form.form for form in check(xlsx_of(row)).forms] == [plain]
    assert list(columns(PERSONAL)).index("account_no") == 7

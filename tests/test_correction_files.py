"""修改申请提交 by file: the export goes out, comes back edited, and is one order or nothing (S1 2.7)."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest

from models.forms.correction_file import COLUMNS
from tests.browser import Browser
from tests.rows import (
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    count_of,
    lock_account,
    open_office,
)
from tests.test_corrections import rejected
from tests.test_orders_api import BAD_CARD, GOOD_CARD, mixed_flow

NUMBER, NAME, AMOUNT, ACCOUNT = (COLUMNS[name] for name in ("application_no", "name", "amount", "account_no"))
Rows = list[dict[str, object]]


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def exported(office: Office, flow_no: str) -> bytes:
    answer = await office.get(f"/flows/{flow_no}/correctible-lines", format="xlsx")
    assert answer.status_code == 200, answer.text
    return answer.content


def edited(data: bytes, edit: Callable[[Rows], None]) -> bytes:
    """As somebody saves it who has changed cells: the whole sheet, rows by their headings."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.active
    headings, *rows = sheet.iter_rows(values_only=True)
    kept = [dict(zip(headings, row, strict=True)) for row in rows]
    edit(kept)
    sheet.delete_rows(2, sheet.max_row)
    for row in kept:
        sheet.append([row.get(heading) for heading in headings])
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def as_csv(data: bytes, encoding: str = "gb18030") -> bytes:
    """As a spreadsheet saves it: numbers as they are shown."""
    told = io.StringIO()
    writer = csv.writer(told)
    for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True):
        writer.writerow([f"{cell:g}" if isinstance(cell, float) else cell for cell in row])
    return told.getvalue().encode(encoding)


async def handed_in(office: Office, flow_no: str, data: bytes, who: str = OPERATOR) -> httpx.Response:
    path = f"/flows/{flow_no}/correction-files/preview"
    return await office.http.post(path, files={"file": ("x.xlsx", data)}, headers=office.headers(who, COUNTY, None))


def row_of(rows: Rows, number: str) -> dict[str, object]:
    return next(row for row in rows if row[NUMBER] == number)


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_what_was_edited_is_a_correction_and_what_stands_is_none(office: Office, form: str) -> None:
    flow_no, [first, second, third] = await rejected(office, [Line(), Line(), Line(applicant_kind="organization")])
    untouched = await exported(office, flow_no)

    def edit(rows: Rows) -> None:
        row_of(rows, first).update(
            {NAME: "王 晓梅", "一卡通开户行": "邮储银行", ACCOUNT: GOOD_CARD, "户口性质": "非农业", AMOUNT: 1}
        )
        row_of(rows, first).update({"组": None, "卡类型": "银行卡", "不能修改的原因": "已核实"})

    data = edited(untouched, edit)
    answer = await handed_in(office, flow_no, as_csv(data) if form == "csv" else data)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["faults"], told["row_count"]) == ([], 3)
    assert told["corrections"] == [
        {
            "application_no": first,
            "name": "王 晓梅",
            "group": "",
            "bank_code": "BANK-B",
            "account_no": GOOD_CARD,
            "card_type": "bank_card",
            "household_registration": "non_agricultural",
            "amount_fen": 100,
        }
    ]
    [left] = told["left_out"]
    assert (left["code"], left["application_nos"]) == ("UNCHANGED", [second, third])
    # exported and handed in as it is, nothing is a correction, whichever way it was saved
    for same in (untouched, as_csv(untouched), as_csv(untouched, "utf-8-sig")):
        told = (await handed_in(office, flow_no, same)).json()
        left = [(each["code"], each["count"]) for each in told["left_out"]]
        assert (told["faults"], told["corrections"], left) == ([], [], [("UNCHANGED", 3)])
    assert await count_of(office, "operator_order") == 0


async def test_every_fault_is_told_by_row_and_column_and_nothing_of_the_file_is_taken(office: Office) -> None:
    flow_no, [first, second] = await rejected(office, [Line(), Line(applicant_kind="organization")])

    def edit(rows: Rows) -> None:
        row_of(rows, first).update({NAME: "王4", "手机号": "12", ACCOUNT: BAD_CARD, "一卡通开户行": "某银行"})
        row_of(rows, first).update({"乡镇": "某镇", AMOUNT: 99999, "身份证号/信用代码": "500101195001010014"})
        row_of(rows, first).update({"补贴项目": "别的", "户口性质": "城镇"})
        row_of(rows, second).update({"家庭成员数": 4, ACCOUNT: 510722889900, "村": "x" * 300})
        rows.append({NUMBER: "A-0"})
        rows.append({NUMBER: "A-1", NAME: "=1+1"})
        rows.append({NUMBER: "A-1"})
        rows.append({NAME: "无编号"})

    data = edited(await exported(office, flow_no), edit)
    read = (await handed_in(office, flow_no, data)).json()
    columns = {(fault["row"], fault["column"], fault["code"]) for fault in read["faults"]}
    # what can't be told apart by its number is told before any row is held against its line
    assert columns == {
        (5, NUMBER, "LINE_TWICE"),
        (6, NUMBER, "LINE_TWICE"),
        (7, NUMBER, "REQUIRED"),
    }
    assert read["corrections"] == []

    def repaired(rows: Rows) -> None:
        del rows[4:]

    read = (await handed_in(office, flow_no, edited(data, repaired))).json()
    columns = {(fault["row"], fault["column"], fault["code"]) for fault in read["faults"]}
    assert columns == {
        (2, NAME, "CHARACTERS"),
        (2, "手机号", "PHONE_FORMAT"),
        (2, ACCOUNT, "ACCOUNT_CHECK_DIGIT"),
        (2, "一卡通开户行", "BANK_UNKNOWN"),
        (2, "乡镇", "TOWN_UNKNOWN"),
        (2, AMOUNT, "AMOUNT_RAISED"),
        (2, "身份证号/信用代码", "CELL_FIXED"),
        (2, "补贴项目", "CELL_FIXED"),
        (2, "户口性质", "HOUSEHOLD_UNKNOWN"),
        (3, "家庭成员数", "PERSONS_ONLY"),
        (3, ACCOUNT, "NUMBER_CELL"),
        (3, "村", "VILLAGE_UNKNOWN"),
        (4, NUMBER, "UNKNOWN_APPLICATION"),
        (5, NUMBER, "UNKNOWN_APPLICATION"),
    }
    assert read["corrections"] == []
    assert BAD_CARD not in json.dumps(read)
    assert await count_of(office, "operator_order") == 0


async def test_a_file_is_read_as_if_it_were_hostile(office: Office) -> None:
    flow_no, [number] = await rejected(office, [Line()])
    header = ",".join(COLUMNS.values())
    for data, code in (
        (b"", "FILE_EMPTY"),
        (b"PK\x03\x04 no archive", "FILE_DAMAGED"),
        (b"%PDF-1.7", "FILE_KIND"),
        (b"x" * (5 * 1024 * 1024 + 1), "FILE_TOO_LARGE"),
        (header.encode(), "NO_ROWS"),
        (b"a,b\n1,2", "HEADER_MISSING"),
        (f"{NAME},别的\n王,1".encode(), "COLUMN_MISSING"),
        (f"{header},别的\n{number}".encode(), "COLUMN_UNKNOWN"),
        (f"{NUMBER},{NUMBER}\n{number},{number}".encode(), "COLUMN_TWICE"),
        (f"{NUMBER}\n{number},王".encode(), "CELL_WITHOUT_COLUMN"),
        (f"{NUMBER}\n".encode() + b"A\n" * 20_001, "FILE_TOO_MANY_ROWS"),
    ):
        told = (await handed_in(office, flow_no, data)).json()
        assert code in {fault["code"] for fault in told["faults"]}, (data[:40], told)
        assert told["corrections"] == []
    for who in (REVIEWER, OPS):
        assert (await handed_in(office, flow_no, header.encode(), who)).status_code == 403
    stranger = office.headers(OPERATOR, OTHER_COUNTY, None)
    path = f"/flows/{flow_no}/correction-files/preview"
    assert (await office.http.post(path, files={"file": ("x", b"x")}, headers=stranger)).status_code == 404


async def test_lines_that_cannot_be_corrected_now_are_left_out_with_why(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    data = await exported(office, flow_no)
    await lock_account(office, named["duplicate"])

    def edit(rows: Rows) -> None:
        for row in rows:
            row[AMOUNT] = 5
        rows.append({NUMBER: named["accepted"], AMOUNT: 5})

    told = (await handed_in(office, flow_no, edited(data, edit))).json()
    assert told["corrections"] == [{"application_no": named["rejected"], "amount_fen": 500}]
    left = {each["code"]: each["application_nos"] for each in told["left_out"]}
    assert left == {"ACCOUNT_LOCKED": [named["duplicate"]], "NOT_REJECTED": [named["accepted"]]}


async def test_the_file_is_shown_before_it_is_ordered_and_is_one_order(office: Office) -> None:
    """On the page: every fault and nothing done; then before and after, what is left out, and the order by a reason."""
    flow_no, [first, second] = await rejected(office, [Line(), Line()])
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/flows/{flow_no}/corrections")
    data = (await browser.get(page.link("导出 Excel"))).content
    nothing = await browser.submit(page, "看预览")
    assert (nothing.status, "请选择改好的" in nothing.main) == (422, True)

    def broken(rows: Rows) -> None:
        row_of(rows, first).update({NAME: "王晓梅", AMOUNT: 99999})

    refused = await browser.submit(nothing, "看预览", file=("x.xlsx", edited(data, broken)))
    assert refused.status == 422
    assert "补贴金额（元） · 流程中的金额只能调低" in refused.main
    assert "第 2 行 · 补贴金额（元）" in refused.main
    assert "录入指令" not in refused.main

    def mended(rows: Rows) -> None:
        row_of(rows, first).update({NAME: "王 晓梅", AMOUNT: 5})

    page = await browser.open(f"/console/flows/{flow_no}/corrections")
    shown = await browser.submit(page, "看预览", file=("x.csv", as_csv(edited(data, mended))))
    assert shown.status == 200
    for words in ("姓名：王小梅 → 王晓梅", "金额（元）：495.00 → 5.00", "与导出时相同，没有更正", second, "空格"):
        assert words in shown.main, words
    assert await count_of(office, "operator_order") == 0
    unreasoned = await browser.submit(shown, "录入指令")
    assert (unreasoned.status, "王晓梅" in unreasoned.main) == (422, True)
    entered = await browser.submit(unreasoned, "录入指令", reason="按平台原因更正")
    assert "已录入，须由另一人复核" in entered.done
    assert "姓名：王小梅 → 王晓梅" in entered.main
    kept = "SELECT kind, state, line_count, total_fen FROM operator_order"
    assert await office.rows(kept) == [("modified", "entered", 1, 500)]


async def test_photos_of_every_kind_come_with_a_line(office: Office) -> None:
    flow_no, [number] = await rejected(office, [Line()])
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/flows/{flow_no}/corrections")
    field = f"corrections.{number}.photos."
    kinds = {"bank_card", "id_card_front", "id_card_back", "portrait", "invoice", "other"}
    fields = {each.get("name") for each in page.document.cssselect("input[type=file]")}
    assert fields == {"file"} | {f"{field}{kind}" for kind in kinds}
    wrong = await browser.submit(
        page, "录入指令", row=[number], reason="补照片", **{f"{field}invoice": ("x.jpg", b"no picture")}
    )
    assert wrong.status == 422
    assert wrong.document.get_element_by_id(f"error-{field}invoice").text_content()
    assert await count_of(office, "operator_order") == 0

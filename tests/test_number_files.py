"""A clerk's list of numbers: the county's applications of them, what isn't found, and how much may be asked."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from models.sheets.writer import write_sheet
from models.words.staff import Role
from tests.browser import Browser
from tests.rows import (
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_applications,
    add_catalogs,
    citizen_id,
    open_office,
)

APPLICANT = "app.licant"
DRAFT = Line(stage="draft", match_outcome=None)
PATH = "/applications/number-files/search"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, searches_per_person_hour=3) as opened:
        yield opened


async def added(office: Office, *lines: Line, county: str = COUNTY) -> list[str]:
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, None, county)


async def handed_in(
    office: Office, data: bytes, who: str = OPERATOR, county: str = COUNTY, role: Role | None = None, **fields: str
) -> httpx.Response:
    headers = office.headers(who, county, None, role)
    return await office.http.post(PATH, files={"file": ("x.csv", data)}, data=fields, headers=headers)


def rows_of(*cells: object) -> bytes:
    return "\r\n".join(str(cell) for cell in cells).encode()


async def test_numbers_and_ids_are_found_and_the_others_told_by_row(office: Office) -> None:
    first, second, third = await added(office, DRAFT, *[replace(DRAFT, person=7)] * 2)
    [foreign] = await added(office, DRAFT, county=OTHER_COUNTY)
    listed: Sequence[object] = (first, citizen_id(7), foreign, citizen_id(8), "王小梅", "", first)
    answer = await handed_in(office, rows_of(*listed))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["number_count"], told["application_nos"]) == (6, [first, second, third])
    lost = [(each["row"], each["number"]) for each in told["not_found"]]
    assert lost == [(3, foreign), (4, "*********" + citizen_id(8)[-4:]), (5, "")]
    assert "王小梅" not in answer.text
    assert citizen_id(8) not in answer.text
    # found they are listed, masked, as any search is
    body: dict[str, object] = {"application_nos": told["application_nos"]}
    found = (await office.post("/applications/search", body)).json()["items"]
    assert [each["application_no"] for each in found] == [first, second, third]
    # in a sheet the column with such a header counts; a number cell has lost its digits
    sheet = write_sheet(["序号", "身份证号", "备注"], [[1, citizen_id(7), first], [2, citizen_id(8), "x"]])
    told = (await handed_in(office, sheet, REVIEWER)).json()
    assert (told["application_nos"], [each["row"] for each in told["not_found"]]) == ([second, third], [3])
    told = (await handed_in(office, write_sheet(["证件号"], [[500101195001010000]]), REVIEWER)).json()
    assert told["application_nos"] == []
    assert (await handed_in(office, rows_of(first), fund_year="2001")).json()["application_nos"] == []


async def test_a_list_is_bounded_counted_and_noted(office: Office) -> None:
    await added(office, replace(DRAFT, person=7))
    for data, code in ((b"", "FILE_EMPTY"), (b"%PDF-1.7", "FILE_KIND"), (b"1\n" * 2_002, "FILE_TOO_MANY_ROWS")):
        answer = await handed_in(office, data)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await handed_in(office, rows_of(*range(2_000)))).json()["not_found"][-1]["row"] == 2_000
    ids = rows_of(*(citizen_id(number) for number in range(7, 27)))
    # ten ids count as one search, of which this person may make three an hour
    assert (await handed_in(office, ids)).status_code == 200
    refused = await handed_in(office, ids)
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_SEARCHES")
    acts = await office.rows("SELECT act, line_count FROM trail_entry WHERE act LIKE 'search%' ORDER BY sequence")
    assert acts == [("search.by_list", 1), ("search.too_many", None)]
    assert (await handed_in(office, rows_of("A-1"))).status_code == 200, "application numbers tell of nobody"
    for who, role in ((OPS, None), (APPLICANT, Role.APPLICANT)):
        assert (await handed_in(office, ids, who, role=role)).status_code == 403


async def test_the_page_lists_what_was_found_and_acts_on_all_of_it(office: Office) -> None:
    lines = [DRAFT] * 52
    numbers = await added(office, *lines)
    async with office.database.transaction() as session:
        await add_catalogs(session)
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/applications")
    page = await browser.open(page.link("按编号清单查找"))
    nothing = await browser.submit(page, "查找")
    assert (nothing.status, "请选择编号清单" in nothing.main) == (422, True)
    found = await browser.submit(nothing, "查找", file=("list.csv", rows_of(*numbers, "A-404")))
    assert "找到的申请 52，没有找到的编号 1" in found.main
    assert "53 · A-404 · 没有这个申请编号" in found.main
    assert len(found.rows()) == 50
    assert len((await browser.submit(found, "下一页")).rows()) == 2
    shown = await browser.submit(found, "撤回", action="/acts", everything=True)
    assert shown.document.get_element_by_id("preview-count").text_content() == "52"
    done = await browser.submit(shown, "确认办理", reason="申请人放弃")
    assert "52" in done.done
    assert await office.rows("SELECT DISTINCT stage FROM application") == [("withdrawn",)]

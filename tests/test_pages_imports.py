"""批量导入 and 材料照片包 in a browser without scripts: the wizard from the choice to what came of the file."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from temporalio.testing import ActivityEnvironment

from activities.imports import ApplicationImports
from deploy.demo.drawings import photo_archive
from deploy.stack.objects import Access
from models.contracts import RunKind, Subject
from tests.browser import IN_CHROMIUM, Browser, Page
from tests.import_office import row, sheet
from tests.page_ground import at, office_with_files
from tests.rows import COUNTY, OPERATOR, REVIEWER, YEAR, Office, count_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# where real people would wait, as many as real people bring
ROWS = 2_000 if IN_CHROMIUM else 60


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings) as opened:
        yield opened


def good(place: int, **changes: object) -> list[Any]:
    county = {"town": "城关镇", "village": "东街村", "bank": "中国工商银行", "item": "耕地地力保护补贴"}
    return row(place, **(county | changes))


async def checked(office: Office, page: Page) -> str:
    """What the import's run does, as the worker would; gives the number."""
    number = page.path.split("/")[3].partition("?")[0]
    imports = ApplicationImports(office.database, office.vault, office.parts.objects)
    subject = Subject(kind=RunKind.APPLICATION_IMPORT, number=number, county_code=COUNTY, fund_year=YEAR)
    await ActivityEnvironment().run(imports.import_applications, subject)
    return number


@pytest.mark.journey(10)
async def test_a_file_with_faults_is_refused_whole_mended_and_taken_in(office: Office) -> None:
    """Journey 10; over HTTP on fewer rows."""
    browser = await at(office, OPERATOR)
    page = await browser.open((await browser.open("/console/imports")).link("新的导入"))
    page = await browser.submit(page, "下一步", applicant_kind="personal", fund_year=str(YEAR))
    template = await browser.get(page.link("下载模板"))
    assert template.headers["content-type"] == XLSX
    missing = await browser.submit(page, "上传并校对")
    assert (missing.status, "请选择要导入的" in missing.problem) == (422, True)
    bad = [good(place, phone="12" if place <= 12 else "13800001234") for place in range(1, ROWS + 1)]
    page = await browser.submit(missing, "上传并校对", file=("申请.xlsx", sheet(bad), XLSX))
    assert "文件已上传" in page.done
    await office.run("UPDATE application_import SET rows_total = 2000, rows_checked = 1200")
    [live] = page.document.cssselect("#live")
    seen = await browser.get(live.get("hx-get"))
    assert ("1,200 / 2,000" in " ".join(seen.text.split()), live.get("hx-trigger")) == (True, "every 1s")
    number = await checked(office, page)
    refused = await browser.open(f"/console/imports/{number}")
    assert "没有导入任何一行" in refused.main
    [group] = refused.document.cssselect("details.left-out")
    assert group.cssselect("summary")[0].text_content().endswith("（12 行）")
    assert "第 13 行" in group.text_content()
    assert await count_of(office, "application") == 0
    book = openpyxl.load_workbook(io.BytesIO((await browser.get(refused.link("下载被拒行"))).content))
    assert book.active.max_row == 13
    again = await browser.open(refused.link("改好重新上传"))
    assert again.path == f"/console/imports/file?applicant_kind=personal&fund_year={YEAR}&batch_no=&corrects={number}"
    assert await to_correct(browser) == ["1"]
    mended = sheet([good(place) for place in range(1, ROWS + 1)])
    page = await browser.submit(again, "上传并校对", file=("申请.xlsx", mended, XLSX))
    assert await to_correct(browser) == [], "its correction is being checked, and counts from now on"
    taken = await browser.open(f"/console/imports/{await checked(office, page)}")
    assert f"已导入 {ROWS:,} 行" in taken.main
    former = await browser.open(taken.link(number))
    assert f"已改正：{taken.path.split('/')[3]}" in former.main
    listed = await browser.open(taken.link("查看这批申请"))
    assert len(listed.rows()) == 50
    archive = await browser.open("/console/photo-archives")
    numbers = [str(one) for (one,) in await office.rows("SELECT application_no FROM application ORDER BY id LIMIT 2")]
    pictures = ("照片.zip", photo_archive("bank_card", numbers), "application/zip")
    stored = await browser.submit(archive, "上传", kind="bank_card", file=pictures)
    assert "已保存照片 2" in stored.done


async def to_correct(browser: Browser) -> list[str]:
    """What the to-dos say of refused imports: how many, if any; the list behind has as many."""
    home = await browser.open("/console")
    found = [row for row in home.document.cssselect("tbody tr") if "未导入的批量导入" in row.text_content()]
    for row_of in found:
        listed = await browser.open(row_of.cssselect("a")[0].get("href"))
        assert [str(len(listed.rows()))] == [row_of.cssselect("td.right")[0].text_content().strip()]
    return [row_of.cssselect("td.right")[0].text_content().strip() for row_of in found]


async def test_a_refused_file_waits_until_it_is_corrected_or_noted(office: Office) -> None:
    """Another import is no correction unless somebody says so; what corrects one may itself be refused."""
    browser = await at(office, OPERATOR)
    wizard = f"/console/imports/file?applicant_kind=personal&fund_year={YEAR}"

    async def handed_in(at_page: Page, *rows: list[Any]) -> str:
        page = await browser.submit(at_page, "上传并校对", file=("一.xlsx", sheet(list(rows)), XLSX))
        return await checked(office, page)

    faulty = good(1, phone="12")
    first = await handed_in(await browser.open(wizard), faulty)
    await handed_in(await browser.open(wizard), good(2))
    assert await to_correct(browser) == ["1"], "another file says nothing of this one"
    chosen = await browser.open("/console/imports/new")
    upload = await browser.submit(chosen, "下一步", applicant_kind="personal", fund_year=str(YEAR), corrects=first)
    second = await handed_in(upload, faulty)
    assert await to_correct(browser) == ["1"]
    refused = await browser.open(f"/console/imports/{second}")
    noted = await browser.submit(refused, "知道了，不再改正")
    assert ("已知悉" in noted.done, "知道了" in noted.main) == (True, False)
    assert await to_correct(browser) == []
    for number, status in ((second, 200), ("I500001-2026-9999", 404)):
        answer = await office.post(f"/application-imports/{number}/acknowledgement")
        assert answer.status_code == status
    taken = await handed_in(await browser.open(wizard), good(3))
    answer = await office.post(f"/application-imports/{taken}/acknowledgement")
    assert (answer.status_code, answer.json()["code"]) == (409, "IMPORT_NOT_REFUSED")


async def test_what_is_there_already_stops_the_file_until_somebody_says_that_it_is_meant(office: Office) -> None:
    browser = await at(office, OPERATOR)
    first = await browser.open(f"/console/imports/file?applicant_kind=personal&fund_year={YEAR}")
    page = await browser.submit(first, "上传并校对", file=("一.xlsx", sheet([good(1), good(2)]), XLSX))
    await checked(office, page)
    second = await browser.open(f"/console/imports/file?applicant_kind=personal&fund_year={YEAR}")
    page = await browser.submit(second, "上传并校对", file=("二.xlsx", sheet([good(1), good(3)]), XLSX))
    number = await checked(office, page)
    stopped = await browser.open(f"/console/imports/{number}")
    assert "还没有导入任何一行" in stopped.main
    [(there,)] = await office.rows("SELECT application_no FROM application ORDER BY id LIMIT 1")
    assert str(there) in stopped.main
    none = await browser.submit(stopped, "仍要导入", reason="")
    assert none.status == 422
    confirmed = await browser.submit(none, "仍要导入", reason="两块地，确实各报一份")
    assert "已确认导入" in confirmed.done
    await checked(office, confirmed)
    assert await count_of(office, "application") == 4
    reader = await (await at(office, REVIEWER)).open(f"/console/imports/{number}")
    assert "已导入 2 行" in reader.main
    # a third one is dropped: nothing comes of it
    third = await browser.open(f"/console/imports/file?applicant_kind=personal&fund_year={YEAR}")
    page = await browser.submit(third, "上传并校对", file=("三.xlsx", sheet([good(2), good(3)]), XLSX))
    stopped = await browser.open(f"/console/imports/{await checked(office, page)}")
    dropped = await browser.submit(stopped, "放弃", reason="传错了文件")
    assert "已放弃导入" in dropped.done
    assert await count_of(office, "application") == 4

"""补贴对象管理 in a browser without scripts: the queue for the province's place, the four results, names taken over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.vault import Field, name_index
from tests.browser import Browser, Page
from tests.page_ground import at
from tests.rows import (
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_applications,
    add_catalogs,
    lock_account,
    open_office,
)

OUTCOMES = ("matched", "name_differs", "not_found", "no_account")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            await add_catalogs(session)
        yield opened


@pytest.mark.journey(14)
async def test_the_list_waits_for_the_place_and_names_are_taken_over(office: Office) -> None:
    """Journey 14."""
    lines = [Line(1_000, stage="publicised", verification="none", match_outcome=None, person=21 + n) for n in range(5)]
    async with office.database.transaction() as session:
        numbers = await add_applications(session, office.vault, lines, None)
    await lock_account(office, numbers[4])
    browser = await at(office, OPERATOR)
    list_no = await handed_in(browser, held=numbers[4])
    await waits_for_the_place(office, browser, list_no)
    await answered(office, list_no, numbers[:4])
    results = await four_results(browser, list_no)
    wrong = await browser.send(results, results.form("按平台更正姓名"), "按平台更正姓名", {"chosen": []})
    assert (wrong.status, wrong.code) == (422, "NOTHING_CHOSEN")
    await takes_over_names(office, browser, await browser.submit(results, "查询", outcome="name_differs"), numbers[1])


async def handed_in(browser: Browser, held: str) -> str:
    """All that may go are handed in, without the one whose account is being changed; the list's number."""
    page = await browser.open((await browser.open("/console/beneficiaries")).link("数据初始化"))
    assert len(page.rows()) == 5
    preview = await browser.send(page, page.form("数据初始化"), "数据初始化", {"everything": True})
    assert preview.document.get_element_by_id("preview-count").text == "4"
    [left_out] = preview.document.cssselect("details.left-out")
    assert (left_out.get("data-code"), held in left_out.text_content()) == ("ACCOUNT_LOCKED", True)
    listed = await browser.submit(preview, "确认办理")
    assert "已提交数据初始化 4 份" in listed.done
    [row] = listed.rows()
    assert listed.has_link(row["名单"])
    return row["名单"]


async def waits_for_the_place(office: Office, browser: Browser, list_no: str) -> None:
    """Behind another county: who that is, and which turn this one has."""
    page = await browser.open(f"/console/beneficiaries/{list_no}")
    [asked] = [part.get("hx-get") for part in page.document.cssselect("#live")]
    await queue(office, list_no)
    waiting = await browser.get(asked)
    assert f"占用的区县：{await county_of(browser)}" in "".join(waiting.text.split())
    assert "本区县排在第 1 位" in waiting.text


async def four_results(browser: Browser, list_no: str) -> Page:
    page = await browser.open(f"/console/beneficiaries/{list_no}")
    for sentence in (
        "匹配成功",
        "身份证存在，但姓名不同，正确姓名：XXX",
        "无此对象",
        "该对象无XXX银行的惠民惠农账号",
    ):
        assert sentence in page.main
    results = await browser.open(page.link("逐份查看结果"))
    assert [each["初始化结果"] for each in results.rows()] == [
        "匹配成功",
        "身份证存在，但姓名不同，正确姓名：王晓梅",
        "无此对象",
        "该对象无农商银行的惠民惠农账号",
    ]
    return results


async def takes_over_names(office: Office, browser: Browser, differing: Page, number: str) -> None:
    """The platform's name of the one line that differs, by an order that somebody else confirms."""
    assert [each["编号"] for each in differing.rows()] == [number]
    preview = await browser.send(differing, differing.form("按平台更正姓名"), "按平台更正姓名", {"everything": True})
    assert preview.document.get_element_by_id("preview-count").text == "1"
    assert "王小梅" in preview.main
    assert "王晓梅" in preview.main
    order = await browser.submit(preview, "确认办理", reason="按平台反馈更正")
    assert "已录入，须由另一人复核" in order.done
    own = await office.post(f"/orders/{order.path.split('/')[3].partition('?')[0]}/confirmation", {}, OPERATOR)
    assert own.status_code == 403
    decided = await browser_of_reviewer(office, order.path.partition("?")[0])
    assert "复核通过" in decided.done, decided.main
    [(name, stage)] = await office.rows(
        "SELECT name_sealed, stage FROM application WHERE application_no = :no", no=number
    )
    assert (office.vault.open(Field.NAME, number, str(name)), stage) == ("王晓梅", "publicised")


async def browser_of_reviewer(office: Office, path: str) -> Page:
    browser = await at(office, REVIEWER)
    return await browser.submit(await browser.open(path), "复核通过")


async def county_of(browser: Browser) -> str:
    slot = (await browser.office.get("/province-slot")).json()
    return str(slot["holder"]["county_name"])


async def queue(office: Office, list_no: str) -> None:
    """Another county has the place, this one waits behind it."""
    for county, granted in ((OTHER_COUNTY, "now()"), (COUNTY, "NULL")):
        await office.run(
            "INSERT INTO province_slot (province_code, county_code, list_no, asked_at, granted_at)"
            f" VALUES ('500000', :county, :list, now(), {granted})",
            county=county,
            list=list_no if county == COUNTY else "500003-P1",
        )
    await dataset(office, list_no, "waiting_slot", [])


async def dataset(office: Office, list_no: str, stage: str, numbers: list[str]) -> None:
    await office.run("DELETE FROM dataset WHERE reference = :list", list=list_no)
    await office.run(
        "INSERT INTO dataset (reference, kind, county_code, stage, generation, record_count, total_fen, created_at)"
        " VALUES (:list, 'beneficiary_init', :county, :stage, 1, :count, 4000, now())",
        list=list_no,
        county=COUNTY,
        stage=stage,
        count=len(numbers),
    )


async def answered(office: Office, list_no: str, numbers: list[str]) -> None:
    """The rows as the platform's four results leave them."""
    await dataset(office, list_no, "reviewed", numbers)
    for place, (number, outcome) in enumerate(zip(numbers, OUTCOMES, strict=True)):
        await office.run(
            "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)"
            " SELECT d.id, :place, a.id, a.application_no, a.amount_fen, :outcome FROM application a, dataset d"
            " WHERE a.application_no = :number AND d.reference = :list",
            place=place,
            number=number,
            list=list_no,
            outcome=outcome,
        )
        correct = office.vault.seal(Field.NAME, number, "王晓梅") if outcome == "name_differs" else None
        await office.run(
            "UPDATE application SET match_outcome = :outcome, stage = :stage, correct_name_sealed = :correct,"
            " correct_name_index = :index WHERE application_no = :number",
            index=name_index(office.vault, "王晓梅") if correct else None,
            outcome=outcome,
            stage="matched" if outcome == "matched" else "unmatched",
            correct=correct,
            number=number,
        )

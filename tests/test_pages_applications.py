"""申请录入与审核 in a browser without scripts: lists, acts by selection with their preview, entry, review, detail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.rows import OPERATOR, REVIEWER, SECOND, Line, Office, add_applications, add_catalogs, citizen_id, open_office

LIST = "/console/applications"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            await add_catalogs(session)
        yield opened


async def put(office: Office, *lines: Line) -> list[str]:
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, None)


async def desk(office: Office, who: str = OPERATOR) -> Browser:
    return await Browser.at(office).sign_in(who)


def shown(rows: list[dict[str, str]]) -> list[str]:
    return [row["编号"] for row in rows]


async def test_a_list_opens_with_what_waits_and_finds_by_conditions_and_by_person(office: Office) -> None:
    draft, paid = await put(office, Line(12_345_67, stage="draft", person=901), Line(stage="paid", person=902))
    browser = await desk(office)
    page = await browser.open(LIST)
    assert shown(page.rows()) == [draft]
    assert page.rows()[0]["金额（元）"] == "12,345.67"
    everything = await browser.open(page.link("全部"))
    assert shown(everything.rows()) == [paid, draft]
    found = await browser.submit(page, "查询", stage="paid", to_do="")
    assert found.path.count("stage=paid")
    # who is sought never stands in an address
    sought = await browser.submit(everything, "查找", id_number=citizen_id(902))
    assert shown(sought.rows()) == [paid]
    assert citizen_id(902) not in "".join(browser.seen)
    sums = await browser.get(f"{LIST}/sums?open=true")
    assert "12,345.67" in sums.text
    book = await browser.get(f"{LIST}/export?stage=paid")
    assert book.headers["content-type"].startswith("application/vnd.openxmlformats")
    towns = await browser.submit(page, "查询", to_do="", town_code="500001100")
    assert [option.text for option in towns.document.cssselect("#q-village_code option")] == ["全部", "前进村"]


async def test_what_is_chosen_is_previewed_and_then_done(office: Office) -> None:
    """Journey 11, on fewer lines: the preview names what is left out, and the figures agree."""
    matched = await put(office, *[Line(1_000, stage="matched")] * 3)
    (draft,) = await put(office, Line(stage="draft"))
    browser = await desk(office)
    page = await browser.open(LIST)
    form = page.form("提交结算资料")
    shown_first = await browser.send(page, form, "提交结算资料", {"everything": True})
    assert shown_first.document.get_element_by_id("preview-count").text == "3"
    assert shown_first.document.get_element_by_id("preview-sum").text == "30.00"
    [group] = shown_first.document.cssselect("details.left-out")
    assert group.get("data-code") == "NOT_MATCHED"
    assert draft in group.text_content()
    assert (await office.rows("SELECT count(*) FROM application WHERE stage = 'pending_settlement'"))[0] == (0,)
    # meanwhile somebody else changes one: it is shown anew, and nothing was done
    await office.run("UPDATE application SET stage = 'withdrawn' WHERE application_no = :no", no=matched[0])
    again = await browser.submit(shown_first, "确认办理")
    assert (again.status, again.code) == (409, "SELECTION_CHANGED")
    assert again.document.get_element_by_id("preview-count").text == "2"
    done = await browser.submit(again, "确认办理")
    assert "已提交结算资料 2 份" in done.done
    assert (await office.rows("SELECT count(*) FROM application WHERE stage = 'pending_settlement'"))[0] == (2,)
    # pressed twice is done once: the stored answer comes again
    twice = await browser.submit(again, "确认办理")
    assert "已提交结算资料 2 份" in twice.done


async def test_rows_that_are_ticked(office: Office) -> None:
    first, second = await put(office, Line(stage="draft"), Line(stage="draft"))
    browser = await desk(office)
    page = await browser.open(LIST)
    none = await browser.submit(page, "撤回")
    assert (none.status, none.code) == (422, "NOTHING_CHOSEN")
    preview = await browser.send(page, page.form("撤回"), "撤回", {"chosen": [first]})
    missing = await browser.submit(preview, "确认办理")
    assert (missing.status, "须说明原因" in missing.problem or "请填写原因" in missing.problem) == (422, True)
    done = await browser.submit(missing, "确认办理", usual="申请人放弃", reason="电话确认")
    assert "已撤回 1 份" in done.done
    assert (await office.rows("SELECT stage FROM application WHERE application_no = :no", no=second))[0] == ("draft",)


async def test_a_role_has_its_own_acts(office: Office) -> None:
    mine, other = await put(office, Line(stage="in_review"), Line(stage="in_review"))
    await office.run("UPDATE application SET edited_by = ARRAY['rev.zhao'] WHERE application_no = :no", no=mine)
    browser = await desk(office, SECOND)
    page = await browser.open(LIST)
    assert shown(page.rows()) == [other]
    assert [button.text for button in page.form("通过").cssselect("button")] == ["通过", "审核退回"]
    all_of_them = await browser.open(f"{LIST}?stage=in_review")
    preview = await browser.send(all_of_them, all_of_them.form("通过"), "通过", {"chosen": [mine, other]})
    assert "由本人录入，须由另一人审核" in preview.main
    done = await browser.submit(preview, "确认办理")
    assert "已通过 1 份" in done.done
    # a button that isn't there can't be pressed either
    stolen = await browser.post(all_of_them, all_of_them.form("通过"), "通过", {"chosen": [other]})
    assert stolen.status_code == 200
    key = all_of_them.form("通过").cssselect("[name=form_key]")[0].get("value")
    headers = {"Sec-Fetch-Site": "same-origin"}
    asked = await browser.http.post(f"{LIST}/acts", data={"form_key": key, "act": "publicise"}, headers=headers)
    assert asked.status_code == 404
    assert REVIEWER != SECOND

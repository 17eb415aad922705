"""公示异议 on the pages: entered with a paper, decided by another person, told on the lines; no scripts needed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.stack.objects import Access
from models.words.staff import Role
from tests.browser import Browser
from tests.rows import ADMIN, AUDITOR, OPERATOR, REVIEWER, SECOND, Line, Office, add_ground, open_office, s3_knobs
from tests.test_entries import photo


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, **s3_knobs(s3_settings)) as opened:
        yield opened


@pytest.mark.journey(33)
async def test_an_objection_is_entered_from_the_application_and_decided_by_another(office: Office) -> None:
    ground = await add_ground(office, [Line(10_000), Line(20_000)])
    number = ground.numbers[0]
    operator = await Browser.at(office).sign_in(OPERATOR)
    page = await operator.open(f"/console/applications/{number}")
    page = await operator.open(page.link("录入公示异议"))
    page = await operator.submit(page, "录入", reason="")
    assert (page.status, page.code) == (422, "VALIDATION_FAILED")
    page = await operator.submit(
        page, "录入", application_no=number, reason="该地已流转", file_id=("异议.png", photo(), "image/png")
    )
    assert page.done == "已录入，须由另一人裁定"
    objection = page.path.split("?")[0].rsplit("/", 1)[1]
    assert "该地已流转" in page.main
    assert page.has_link("附件")
    assert page.button("裁定") is None
    page = await operator.open("/console/objections")
    assert [(row["异议编号"], row["结论"], row["姓名"]) for row in page.rows()] == [(objection, "待裁定", "**梅")]
    started = await office.post("/flows", ground.start)
    flow_no = started.json()["flow_no"]
    page = await operator.open(f"/console/flows/{flow_no}/lines?state=held")
    assert [(row["提交状态"], row["暂缓原因"]) for row in page.rows()] == [("暂缓", "公示异议待裁定")]
    reviewer = await Browser.at(office).sign_in(REVIEWER)
    page = await reviewer.open(f"/console/objections/{objection}")
    page = await reviewer.submit(page, "裁定", opinion="经查属实")
    assert (page.status, page.code) == (422, "VALIDATION_FAILED")
    page = await reviewer.submit(page, "裁定", upheld="true", opinion="经查属实")
    assert page.done == "已裁定"
    assert "成立" in page.main
    assert "已撤回" in page.main
    assert page.button("裁定") is None


@pytest.mark.journey(33)
async def test_a_doubled_click_decides_once_and_the_second_reviewer_is_told(office: Office) -> None:
    ground = await add_ground(office, [Line(10_000)])
    entered = await office.post("/objections", {"application_no": ground.numbers[0], "reason": "该地已流转"})
    place = f"/console/objections/{entered.json()['objection_no']}"
    first, second = [await Browser.at(office).sign_in(who) for who in (REVIEWER, SECOND)]
    page, late = await first.open(place), await second.open(place)
    page = await first.press_twice(page, "裁定", upheld="false", opinion="仍在耕种")
    assert page.done == "已裁定"
    page = await second.submit(late, "裁定", upheld="true", opinion="属实")
    assert (page.status, page.code) == (409, "OBJECTION_DECIDED")
    assert "已由" in page.problem


async def test_who_may_what(office: Office) -> None:
    ground = await add_ground(office, [Line(10_000)])
    body = {"application_no": ground.numbers[0], "reason": "该地已流转"}
    entered = await office.post("/objections", body, REVIEWER, role=Role.OPERATOR)
    place = f"/console/objections/{entered.json()['objection_no']}"
    for who in (ADMIN, AUDITOR):
        browser = await Browser.at(office).sign_in(who)
        page = await browser.open(place)
        assert (page.status, page.button("裁定")) == (200, None)
        assert (await browser.open("/console/objections/new")).status == 403
    browser = await Browser.at(office).sign_in(REVIEWER)
    page = await browser.open(place)
    # who entered it sees the decision, and why it isn't hers
    assert "录入人不能裁定" in page.main
    page = await browser.submit(page, "裁定", upheld="false", opinion="仍在耕种")
    assert (page.status, page.code) == (403, "SAME_PERSON")

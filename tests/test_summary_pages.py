"""发放汇总审核 and 确认发放 through their pages: journeys 19 and 20 (S1 second 2.7)."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pypdf
import pytest

from deploy.stack.objects import Access
from models.words.stages import FlowStage
from models.words.waiting import FLOW
from tests.browser import Browser, Page
from tests.decision_pages import SCAN
from tests.rows import (
    ADMIN,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_flow,
    add_ground,
    add_summary,
    count_of,
    open_office,
    s3_knobs,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, **s3_knobs(s3_settings)) as opened:
        yield opened


async def settled(office: Office) -> tuple[str, list[str]]:
    lines = [Line(amount_fen=123_456), Line(amount_fen=200), Line(400, town_code="500001101", bank_code="BANK-B")]
    ground = await add_ground(office, lines, money=[123_456, 1_000])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    await add_summary(office, flow_no)
    words = FLOW[FlowStage.COUNTY_REVIEW]
    await office.run("UPDATE run SET stage = 'county_review', waiting_for = :words", words=words)
    return flow_no, ground.numbers


async def signed_in(office: Office, who: str) -> Browser:
    return await Browser.at(office).sign_in(who)


@pytest.mark.journey(19)
async def test_journey_19_form_review_refusal_withdrawal_review_submission(office: Office) -> None:
    flow_no, numbers = await settled(office)
    reviewer, operator = await signed_in(office, REVIEWER), await signed_in(office, OPERATOR)
    listed = await reviewer.open("/console/summaries")
    [row] = listed.rows()
    assert row["流程汇总金额（元）"] == "1,240.56"
    assert (row["流程总户数"], row["审核状态"], row["提交状态"]) == ("3", "待审核", "未提交")
    await says_its_paper(office, reviewer, await reviewer.open(listed.link(flow_no)), flow_no)
    assert "由审核人办理" in (await operator.open(f"/console/summaries/{flow_no}")).main
    page = await reviewer.open(f"/console/summaries/{flow_no}/review")
    await lacks_something(reviewer, page)
    # 不通过, a line is withdrawn, a new summary with other figures and another code
    told = await reviewer.submit(page, "确认办理", passed="false", opinion="有一笔重复，先撤回")
    assert (told.path, told.done) == (f"/console/summaries/{flow_no}?done=summary_reviewed", "汇总已审核")
    assert "有一笔重复，先撤回" in told.main
    # until there is a new summary it is nobody's turn in the county
    assert ("在等：汇总审核不通过，正在生成下一次汇总" in told.main, "下一步等本系统" in told.main) == (True, True)
    assert "summary_to_review" not in (await office.get("/to-dos", REVIEWER)).text
    await set_lines(office, numbers[:1], "withdrawn", payment=None, money="released")
    await add_summary(office, flow_no)
    await passes_with_form(reviewer, flow_no)
    submitted = await operator.submit(await operator.open(f"/console/summaries/{flow_no}/submission"), "提交平台审核")
    assert (submitted.done, "已提交" in submitted.main) == ("汇总已提交平台审核", True)
    # and refused by the platform: the county's review is open again, said with why
    await office.run("UPDATE summary SET stage = 'rejected', platform_reviewed_at = now() WHERE number = 2")
    await add_summary(office, flow_no)
    again = await reviewer.open(f"/console/summaries/{flow_no}")
    for words in ("第 3 次汇总", "第 2 次汇总", "审核不通过"):
        assert words in again.main
    assert leads(again, "/review")


async def says_its_paper(office: Office, reviewer: Browser, detail: Page, flow_no: str) -> None:
    # the paper says the figures of the page, and is the same file each time
    printed = [await reviewer.get(detail.link("下载汇总审批表")) for _ in range(2)]
    assert printed[0].content == printed[1].content
    assert f"{flow_no}-1.pdf" in printed[0].headers["content-disposition"]
    paper = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed[0].content)).pages)
    code = (await office.get(f"/flows/{flow_no}/summary")).json()["check_code"]
    assert code in detail.main.replace(" ", "")
    assert code in paper.replace(" ", "")
    # whose turn it isn't is told why
    assert "流程现在是“待汇总审核”" in detail.main


async def lacks_something(reviewer: Browser, page: Page) -> None:
    """Without the form, without a tick, without a decision, without an opinion."""
    for fields, said in (
        ({"passed": "true", "opinion": "同意"}, "请核对审批表上的核对码"),
        ({"passed": "true", "compared": True, "opinion": "同意"}, "审核通过须上传汇总审批表"),
        ({"opinion": "同意"}, "请选择通过或不通过"),
        ({"passed": "false", "opinion": " "}, ""),
    ):
        refused = await reviewer.submit(page, "确认办理", **fields)
        assert refused.status == 422, fields
        assert said in refused.problem
    assert "请选择签字盖章后扫描的汇总审批表" in (await reviewer.submit(page, "上传")).problem


async def passes_with_form(reviewer: Browser, flow_no: str) -> None:
    """The second summary, of which a line is gone."""
    page = await reviewer.open(f"/console/summaries/{flow_no}/review")
    assert "6.00" in page.main
    shown = await reviewer.submit(page, "上传", form_file_id=("审批表.pdf", SCAN, "application/pdf"))
    assert "审批表已上传" in shown.done
    assert (await reviewer.get(shown.link("打开上传的审批表"))).content[:8] == SCAN[:8]
    passed = await reviewer.submit(shown, "确认办理", passed="true", compared=True, opinion="同意发放")
    assert "审核通过" in passed.main
    # what was waited for before isn't any more, though the flow's run hasn't looked yet
    assert (FLOW[FlowStage.COUNTY_PASSED] in passed.main, FLOW[FlowStage.COUNTY_REVIEW] in passed.main) == (True, False)
    taken_back = await reviewer.open(passed.link("改为审核不通过"))
    assert (taken_back.button("改为不通过") is not None, taken_back.button("上传")) == (True, None)
    assert "第 1 次汇总" in passed.main
    own = await reviewer.open(f"/console/summaries/{flow_no}")
    assert "由县操作员办理" in own.main


@pytest.mark.journey(20)
async def test_journey_20_a_second_reviewer_types_count_and_sum(office: Office) -> None:
    flow_no, _ = await settled(office)
    await approve(office, flow_no)
    first, second = await signed_in(office, REVIEWER), await signed_in(office, SECOND)
    mine = await first.open(f"/console/summaries/{flow_no}")
    assert "您审核了本次汇总，确认发放须由另一个人办理" in mine.main
    place = f"/console/summaries/{flow_no}/payment-confirmation"
    typed = {"application_count": "3", "total_fen": "1240.56"}
    refused = await first.submit(await first.open(place), "确认发放", **typed)
    assert (refused.status, refused.code) == (403, "SAME_PERSON")
    page = await second.open(place)
    assert "此操作将发放资金" in page.main
    assert "核对码由汇总的全部数字算出" in page.main, "a word that stands here first"
    assert "渝财预〔2026〕15号" in page.main
    # nothing is filled in beforehand
    assert {field.get("value") for field in page.form("确认发放").cssselect("input[type=text]")} == {""}
    for wrong, code in (
        ({"application_count": "3", "total_fen": "1240.55"}, "FIGURES_DIFFER"),
        ({"application_count": "2", "total_fen": "1240.56"}, "FIGURES_DIFFER"),
        ({"application_count": "三", "total_fen": "1240.56"}, "VALIDATION_FAILED"),
        ({"application_count": "3", "total_fen": "1240.567"}, "VALIDATION_FAILED"),
    ):
        shown = await second.submit(page, "确认发放", **wrong)
        assert shown.code == code, shown.problem
        # what was typed is still there
        assert {f.get("name"): f.get("value") for f in shown.form("确认发放").cssselect("input[type=text]")} == wrong
    assert await count_of(office, "summary WHERE confirmed_at IS NOT NULL") == 0
    paid = await second.press_twice(page, "确认发放", **typed)
    assert paid.done == "已确认发放"
    # the platform may not have it yet: it is nobody's turn here any more, and no reason says that it is
    for page in (paid, await second.open(f"/console/flows/{flow_no}")):
        assert page.title.startswith("发放中 · ")
        assert (FLOW[FlowStage.PAYING] in page.main, "现在是“待确认发放”" in page.main) == (True, False)
    assert await count_of(office, "summary WHERE confirmed_by = 'rev.zhao'") == 1
    # while workers of two versions run side by side, one of the earlier may put the stage back
    await office.run("UPDATE flow SET stage = 'summary_approved'")
    again = await second.open(f"/console/summaries/{flow_no}")
    assert ("已经确认发放" in again.main, leads(again, "/payment-confirmation")) == (True, False)


def leads(page: Page, end: str) -> bool:
    return any((a.get("href") or "").endswith(end) for a in page.document.cssselect("a"))


async def approve(office: Office, flow_no: str) -> None:
    """Passed by the first reviewer, handed in, approved by the platform."""
    reviewer, operator = await signed_in(office, REVIEWER), await signed_in(office, OPERATOR)
    page = await reviewer.open(f"/console/summaries/{flow_no}/review")
    page = await reviewer.submit(page, "上传", form_file_id=("f.pdf", SCAN, "application/pdf"))
    await reviewer.submit(page, "确认办理", passed="true", compared=True, opinion="同意")
    await operator.submit(await operator.open(f"/console/summaries/{flow_no}/submission"), "提交平台审核")
    await office.run("UPDATE summary SET stage = 'approved', platform_reviewed_at = now()")
    # the answer is there, the flow's run hasn't looked yet
    assert (await reviewer.open(f"/console/summaries/{flow_no}")).title.startswith("待确认发放 · ")
    await office.run("UPDATE flow SET stage = 'summary_approved'")


async def test_who_sees_what_of_a_summary_and_when_its_page_has_news(office: Office) -> None:
    flow_no, numbers = await settled(office)
    ops = await signed_in(office, OPS)
    page = await ops.open(f"/console/summaries/{flow_no}")
    assert (page.status, page.has_link("下载汇总审批表"), leads(page, "/review")) == (200, False, False)
    admin = await (await signed_in(office, ADMIN)).open(f"/console/summaries/{flow_no}")
    assert (admin.has_link("下载汇总审批表"), leads(admin, "/review")) == (True, False)
    stranger = await Browser.at(office).sign_in(REVIEWER, OTHER_COUNTY)
    for path in ("", "/review", "/payment-confirmation", "/file"):
        assert (await stranger.open(f"/console/summaries/{flow_no}{path}")).status == 404, path
    reviewer = await signed_in(office, REVIEWER)
    known = (await reviewer.open(f"/console/summaries/{flow_no}")).document.get_element_by_id("live").get("hx-get")
    assert (await reviewer.get(known)).status_code == 204
    await set_lines(office, numbers[:1], "withdrawn", payment=None, money="released")
    news = await reviewer.get(known)
    assert (news.status_code, "6.00" in news.text) == (200, True)
    # over: why nothing can be done is said once, and the list that opens with what is open leads to the rest
    await office.run("UPDATE flow SET stage = 'ended'")
    for path in ("flows", "summaries"):
        over = await (await signed_in(office, OPERATOR)).open(f"/console/{path}/{flow_no}")
        assert over.main.count("流程现在是“结束”") == 1, path
        closed = [button.text_content() for button in over.document.cssselect("button[disabled]")]
        assert closed == [text for text in closed if text.isalpha()] != [], f"{path}: a count of nothing to do"
    empty = await reviewer.open("/console/summaries")
    assert "打开时只列 发放流程状态“启动”" in empty.main
    assert [row["流程"] for row in (await reviewer.open(empty.link("显示全部"))).rows()] == [flow_no]
    english: Page = await reviewer.open("/console/look?to=en&back=/console/summaries")
    assert "Payment summaries" in english.menu

"""The pages of flows over HTTP, without scripts: start, the flow's page, orders and who confirms them (S1 2.7)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from deploy.stack import Stack
from models.words.staff import Role
from tests.browser import Browser, Page
from tests.rows import (
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_ground,
    add_indicator,
    balances,
    citizen_id,
    count_of,
    lock_account,
    open_office,
)
from tests.test_orders_api import mixed_flow


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def at(office: Office, who: str = OPERATOR) -> Browser:
    return await Browser.at(office).sign_in(who)


@pytest.mark.journey(17)
async def test_readiness_shows_the_lacking_fen_and_then_the_flow_starts(office: Office) -> None:
    """Journey 17."""
    ground = await add_ground(office, [Line(60), Line(50), Line(40)], money=[100, 30])
    browser = await at(office)
    page = await browser.open((await browser.open("/console/flows")).link("申请提交"))
    page = await browser.submit(page, "下一步", batch_no=ground.batch_no)
    # the only policy is chosen already; the indicators are to be chosen, and are told to stand above
    assert "没有覆盖" not in page.main
    assert page.link("在上面选择") == "#field-indicator_nos"
    page = await browser.submit(page, "核对", policy_nos=[], indicator_nos=ground.indicator_nos[:1])
    assert "没有覆盖" in page.main
    chosen = {"policy_nos": [ground.policy_no], "indicator_nos": [ground.indicator_nos[0]]}
    page = await browser.submit(page, "核对", **chosen)
    page = await browser.submit(page, "核对", indicator_nos=ground.indicator_nos)
    assert "还差 0.20 元" in page.main
    assert page.button("确认启动").get("disabled") is not None  # type: ignore[union-attr]
    async with office.database.transaction() as session:
        third = await add_indicator(session, 50)
    page = await browser.open(page.path)
    page = await browser.submit(page, "核对", indicator_nos=[*ground.indicator_nos, third])
    assert "✗" not in [mark.text_content() for mark in page.document.cssselect(".checks strong")]
    assert await count_of(office, "flow") == 0, "asking starts nothing"
    started = await browser.submit(page, "确认启动")
    assert "已启动补贴流程" in started.done
    assert started.path.startswith("/console/flows/500001-L2026-0001")
    assert await balances(office) == [(100, 0), (0, 0), (50, 0)]
    # the form that still lies open in another tab: the same key, the same answer, nothing twice
    again = await browser.submit(page, "确认启动")
    assert again.path.partition("?")[0] == started.path.partition("?")[0]
    assert await count_of(office, "flow") == 1
    # and a fresh one is refused in the start's own words
    page = await browser.open(page.path)
    assert "尚未结束，同一区县一次只能有一个流程" in page.main


async def test_the_flow_page_says_what_waits_what_was_done_and_what_can_be_done(office: Office) -> None:
    flow_no, _ = await mixed_flow(office)
    page = await (await at(office)).open(f"/console/flows/{flow_no}")
    assert page.title.startswith(f"申请处理中 · {flow_no}")
    for words in ("申请提交", "按乡镇", "红岩镇", "按银行", "农商银行", "各环节用时", "指标"):
        assert words in page.main
    assert "修改申请提交 2" in page.main
    # a count and a sum side by side would read as one number
    assert not re.search(r"\d \d[\d,]*\.\d\d 元", page.main)
    assert "李操作" in page.document.cssselect(".head")[0].text_content()
    assert OPERATOR not in page.main, "people are called by their names"
    assert page.link("确认需发放提交 1").endswith("/order?kind=confirmed")
    assert page.link("平台审核不通过").endswith("/lines?state=rejected")
    listed = await (await at(office)).open("/console/flows")
    assert listed.rows()[0]["启动人"] == "李操作"
    read = await (await at(office, REVIEWER)).open(f"/console/flows/{flow_no}")
    assert "由县操作员办理" in read.main
    assert read.button("撤销流程").get("disabled") is not None  # type: ignore[union-attr]
    blind = await (await at(office, OPS)).open(f"/console/flows/{flow_no}")
    assert (blind.status, blind.has_link("流程明细"), "撤销流程" in blind.main) == (200, False, False)
    other = await Browser.at(office).sign_in(OPERATOR, OTHER_COUNTY)
    assert (await other.open(f"/console/flows/{flow_no}")).status == 404


async def test_the_live_part_is_silent_until_something_is_new(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    browser = await at(office)
    page = await browser.open(f"/console/flows/{flow_no}")
    [live] = page.document.cssselect("#flow")
    assert (await browser.get(live.get("hx-get"))).status_code == 204
    await office.run("UPDATE flow_line SET state = 'unsent' WHERE application_no = :no", no=named["rejected"])
    news = await browser.get(live.get("hx-get"))
    assert news.status_code == 200
    assert live.get("hx-get") not in news.text


async def confirmed(office: Office, page: Page) -> Page:
    """The order of this page, confirmed by a reviewer."""
    reviewer = await at(office, REVIEWER)
    order = await reviewer.open(page.path.partition("?")[0])
    return await reviewer.submit(order, "复核通过", remark="已核对")


@pytest.mark.journey(18)
async def test_rejected_lines_are_corrected_in_the_table_and_confirmed_by_another(office: Office) -> None:
    """Journey 18, its first order; a fault is shown at its field, with everything as it was typed."""
    flow_no, named = await mixed_flow(office)
    browser = await at(office)
    page = await browser.open((await browser.open(f"/console/flows/{flow_no}")).link("修改申请提交"))
    assert "账号无效" in page.main
    first, field = named["rejected"], f"corrections.{named['rejected']}."
    raised = await browser.submit(
        page,
        "录入指令",
        **{"row": [first], "reason": "改账号", f"{field}amount_fen": "99.00", f"{field}name": "王晓梅"},
    )
    assert (raised.status, raised.code) == (422, "CORRECTIONS_FAULTY")
    told = raised.document.get_element_by_id(f"error-{field}amount_fen").text_content()
    assert told.startswith("流程中的金额只能调低")
    assert raised.document.get_element_by_id(f"in-{field}name").get("value") == "王晓梅"
    entered = await browser.submit(
        raised, "录入指令", **{f"{field}amount_fen": "10.00", f"{field}account_no": "622848001"}
    )
    assert "已录入，须由另一人复核" in entered.done, entered.main
    for words in ("姓名：王小梅 → 王晓梅", "金额（元）：20.00 → 10.00", "账号：", "账号无效"):
        assert words in entered.main
    assert "由审核人复核" in entered.main
    done = await confirmed(office, entered)
    assert "复核通过" in done.done
    assert await office.rows("SELECT kind, state, line_count, total_fen FROM operator_order") == [
        ("modified", "confirmed", 1, 1000)
    ]


@pytest.mark.parametrize("kind", ["confirmed", "unverified", "repayment", "cancellation"])
@pytest.mark.journey(18)
async def test_an_order_of_all_its_lines_is_shown_entered_and_confirmed_by_another(office: Office, kind: str) -> None:
    """Journey 18, the others."""
    flow_no, named = await mixed_flow(office)
    browser = await at(office)
    page = await browser.open(f"/console/flows/{flow_no}/order?kind={kind}")
    count = 7 if kind == "cancellation" else 1
    assert f" {count} 笔" in page.main
    assert await count_of(office, "operator_order") == 0, "looking enters nothing"
    empty = await browser.submit(page, "确认办理")
    assert (empty.status, "理由" in empty.main) == (422, True)
    entered = await browser.submit(page, "确认办理", reason="经核实")
    assert "已录入" in entered.done
    if kind == "confirmed":
        assert named["duplicate"] in entered.main
        assert "一人多条申请" in entered.main
    assert "复核通过" in (await confirmed(office, entered)).done
    assert await office.rows("SELECT kind, state FROM operator_order") == [(kind, "confirmed")]


async def test_lines_are_ticked_withdrawn_and_put_off(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    browser = await at(office)
    page = await browser.open((await browser.open(f"/console/flows/{flow_no}")).link("撤回"))
    preview = await browser.submit(page, "撤回", chosen=[named["accepted"], named["rejected"]])
    assert "撤回 2 笔，30.00 元" in preview.main
    entered = await browser.submit(preview, "确认办理", reason="重复申请")
    assert "已录入" in entered.done
    # by the list's conditions; what is in the open order is left out and named
    page = await browser.open(f"/console/flows/{flow_no}/lines?state=rejected")
    preview = await browser.submit(page, "撤回", everything=True)
    assert "撤回 1 笔" in preview.main
    assert "已在另一个尚未办结的指令中" in preview.main
    held = await browser.open(f"/console/flows/{flow_no}/order?kind=deferral")
    assert "转入下批 1 笔" in held.main
    assert "已转入下批" in (await browser.submit(held, "确认办理", reason="等换卡")).done
    assert await office.rows("SELECT state FROM flow_line WHERE application_no = :no", no=named["held"]) == [
        ("deferred",)
    ]
    sums = await browser.get(f"/console/flows/{flow_no}/lines/figures?state=deferred")
    assert '<span class="money">60.00</span>' in sums.text
    sheet = await browser.get(f"/console/flows/{flow_no}/lines/export?state=rejected")
    assert sheet.headers["content-type"].startswith("application/vnd.openxmlformats")


@pytest.mark.journey(27)
async def test_two_reviewers_decide_at_once_and_the_second_is_told(office: Office) -> None:
    """Journey 27; and who entered an order decides nothing, whatever the page shows."""
    flow_no, _ = await mixed_flow(office)
    operator = await at(office)
    page = await operator.open(f"/console/flows/{flow_no}/order?kind=confirmed")
    entered = await operator.submit(page, "确认办理", reason="经核实")
    place = entered.path.partition("?")[0]
    one, other = await at(office, REVIEWER), await at(office, "rev.zhao")
    first, second = await one.open(place), await other.open(place)
    refused = await one.submit(first, "复核不通过", remark="")
    assert (refused.status, refused.code) == (422, "VALIDATION_FAILED")
    assert "复核不通过" in (await one.submit(first, "复核不通过", remark="不符")).done
    told = await other.submit(second, "复核通过")
    assert (told.status, told.code) == (409, "ORDER_DECIDED")
    assert "现在是“复核不通过”" in told.problem
    assert "不符" in told.main, "what is so now stands below"
    assert await count_of(office, "operator_order WHERE state = 'refused'") == 1


async def test_who_entered_an_order_may_not_confirm_it_in_another_role_either(office: Office) -> None:
    flow_no, _ = await mixed_flow(office)
    operator = await at(office)
    page = await operator.open(f"/console/flows/{flow_no}/order?kind=confirmed")
    place = (await operator.submit(page, "确认办理", reason="经核实")).path.partition("?")[0]
    reviewer = await at(office, REVIEWER)
    open_form = await reviewer.open(place)
    assert open_form.button("复核通过") is not None
    same = await Browser.at(office).sign_in(OPERATOR, role=Role.REVIEWER)
    own = await same.open(place)
    assert own.button("复核通过") is None
    assert "录入人不能复核" in own.main


@pytest.mark.journey(23)
async def test_a_flow_is_cancelled_until_its_summary_is_approved_and_not_after(office: Office) -> None:
    flow_no, _ = await mixed_flow(office)
    operator, reviewer = await at(office), await at(office, REVIEWER)
    flow, order = f"/console/flows/{flow_no}", f"/console/flows/{flow_no}/order?kind=cancellation"
    await office.run("UPDATE flow SET stage = 'summary_submitted'")
    page = await operator.open((await operator.open(flow)).link("撤销流程"))
    assert "撤销流程 7 笔" in page.main
    # the platform approves while the form lies open: too late
    await office.run("UPDATE flow SET stage = 'summary_approved'")
    late = await operator.submit(page, "确认办理", reason="政策取消")
    assert (late.status, late.code) == (409, "FLOW_STAGE_UNFIT")
    assert (await operator.open(flow)).button("撤销流程").get("disabled") is not None  # type: ignore[union-attr]
    assert await count_of(office, "operator_order") == 0
    # and what was entered before is confirmed before, or not at all
    await office.run("UPDATE flow SET stage = 'county_passed'")
    entered = await operator.submit(await operator.open(order), "确认办理", reason="政策取消")
    open_form = await reviewer.open(entered.path.partition("?")[0])
    await office.run("UPDATE flow SET stage = 'summary_approved'")
    assert (await reviewer.submit(open_form, "复核通过", remark="同意")).status == 409
    await office.run("UPDATE flow SET stage = 'county_passed'")
    again = await reviewer.open(entered.path.partition("?")[0])
    assert "复核通过" in (await reviewer.submit(again, "复核通过", remark="同意")).done
    assert await office.rows("SELECT kind, state FROM operator_order") == [("cancellation", "confirmed")]


@pytest.mark.journey(28)
async def test_a_line_cut_while_submitting_and_sent_again_has_one_effect(office: Office) -> None:
    """Journey 28: the answer is lost, the same form goes out again."""
    flow_no, _ = await mixed_flow(office)
    browser = await at(office)
    page = await browser.open(f"/console/flows/{flow_no}/order?kind=confirmed")
    page = await browser.lose(page, "确认办理", reason="经核实")
    assert await count_of(office, "operator_order") == 1, "what was sent has arrived"
    again = await browser.submit(page, "确认办理", reason="经核实")
    assert "已录入，须由另一人复核" in again.done
    assert await count_of(office, "operator_order") == 1


async def test_the_holder_outside_and_a_difference_are_told(office: Office) -> None:
    flow_no, _ = await mixed_flow(office)
    browser = await at(office)
    await office.run("UPDATE flow SET stage = 'waiting_county', holder = '500001'")
    assert "占用" in (await browser.open(f"/console/flows/{flow_no}")).main
    ours = (
        '{"ours": {"paid_count": 1, "paid_fen": 100, "failed_count": 0, "failed_fen": 0},'
        ' "platform": {"paid_count": 2, "paid_fen": 200, "failed_count": 0, "failed_fen": 0}}'
    )
    await office.run(
        "UPDATE flow SET stage = 'ended', outcome = 'disbursed', balanced = false, ended_at = now(), holder = NULL,"
        " end_figures = CAST(:ours AS jsonb)",
        ours=ours,
    )
    page = await browser.open(f"/console/flows/{flow_no}")
    rows = {row["项目"]: row for row in page.rows("section.card table.table:not(.bars)")}
    assert (rows["发放成功金额"]["我方"], rows["发放成功金额"]["平台"], rows["发放成功金额"]["差"]) == (
        "1.00",
        "2.00",
        "-1.00",
    )


async def test_a_locked_line_and_an_applicant_are_kept_out(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    await lock_account(office, named["duplicate"])
    page = await (await at(office)).open(f"/console/flows/{flow_no}/corrections")
    assert "账号变更" in page.main
    ticks = {box.get("value"): box.get("disabled") is not None for box in page.document.cssselect("input[name=row]")}
    assert ticks == {named["rejected"]: False, named["duplicate"]: True}
    for who in (REVIEWER, OPS):
        assert (await (await at(office, who)).open(f"/console/flows/{flow_no}/corrections")).status == 403
    applicant = await Browser.at(office).sign_in("app.licant", role=Role.APPLICANT)
    for path in ("", f"/{flow_no}", f"/{flow_no}/lines", "/start?batch_no=x", f"/{flow_no}/order?kind=confirmed"):
        assert (await applicant.open(f"/console/flows{path}")).status == 403, path


async def test_a_flow_whose_lines_are_moved_out_shows_its_sums_and_where_they_are(
    office: Office, servers: Stack, database_url: str
) -> None:
    flow_no, _ = await mixed_flow(office)
    old = flow_no.replace("-L2026-", "-L2023-")
    await office.run("UPDATE flow SET fund_year = 2023, flow_no = :old WHERE flow_no = :flow", old=old, flow=flow_no)
    before = await (await at(office)).open(f"/console/flows/{old}")
    with servers.layout.cluster.connect(str(make_url(database_url).database)) as owner:
        owner.execute(
            "INSERT INTO moved_year (county_code, fund_year, moved_by, begun_at, moved_at, manifest_key, lines, fen,"
            " paid_fen) VALUES (%s, 2023, 'li.wei', now(), now(), 'moved-years/500001/2023/1.json', 0, 0, 0)",
            [old[:6]],
        )
    for path, words in ((f"/console/flows/{old}", "按乡镇"), (f"/console/flows/{old}/lines", "该年度的明细已移出")):
        page = await (await at(office)).open(path)
        assert "moved-years/500001/2023/1.json" in page.main
        assert (words in page.main) is (words != "按乡镇")
    assert "按乡镇" in before.main
    browser = await at(office)
    for path in ("/console/applications", "/console/payments"):
        found = await browser.submit(await browser.open(path), "查找", id_number=citizen_id(1))
        assert "这些资金年度的明细已移出本库，没有查：2023" in found.main, path

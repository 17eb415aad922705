"""待办, 看板, 流程运行, 操作留痕 and 平台目录 as pages; journey 29: ops and auditor."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from deploy.stack.objects import Access
from models.store.numbers import Series, take_one
from models.store.trail.entries import by_system, record
from models.words.calendar import china_today
from models.words.staff import Role
from tests.browser import Browser
from tests.rows import (
    ADMIN,
    AUDITOR,
    COUNTY,
    OPERATOR,
    OPS,
    REVIEWER,
    Line,
    Office,
    add_applications,
    add_flow,
    add_ground,
    lock_account,
    open_office,
    set_lines,
)

# What add_applications gives everybody, whole and masked.
PERSONAL = ("王小梅", "13312345835", "小梅")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def office_with_files(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    """Signed heads of the trail lie beside the files."""
    knobs = {
        "s3_endpoint_url": s3_settings.endpoint_url,
        "s3_bucket": s3_settings.bucket,
        "s3_access_key_id": SecretStr(s3_settings.access_key_id),
        "s3_secret_access_key": SecretStr(s3_settings.secret_access_key),
    }
    async with open_office(database_url, tmp_path, **knobs) as opened:
        yield opened


async def a_season(office: Office) -> str:
    """A flow under way with some of everything, and drafts beside it."""
    ground = await add_ground(office, [Line(amount_fen=1_000_00 + n) for n in range(4)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "rejected", reason_code="account_invalid")
    await set_lines(
        office, ground.numbers[1:2], "accepted", payment="paid", money="paid", payment_at="2026-05-06T16:30:00Z"
    )
    await office.run(
        "UPDATE run SET stage = 'settling', waiting_for = :words, since = now() - interval '20 days'",
        words="等待操作员处理未通过、未提交或暂缓的申请",
    )
    async with office.database.transaction() as session:
        await add_applications(session, office.vault, [Line(stage="draft"), Line(stage="in_review")], None)
    await lock_account(office, ground.numbers[2])
    return flow_no


async def test_the_first_page_lists_my_turns_and_leads_to_them(office: Office) -> None:
    flow_no = await a_season(office)
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console")
    mine = {row["事项"]: row for row in page.rows()}
    assert mine["待提交资料审核的草稿"]["件数"] == "1"
    assert mine["待提交资料审核的草稿"]["金额（元）"] == "495.00"
    assert page.link("平台审核不通过、待修改或撤回") == f"/console/flows/{flow_no}?state=rejected"
    drafts = page.link("待提交资料审核的草稿")
    assert drafts.startswith("/console/applications?stage=draft")
    assert (await browser.open(drafts)).status == 200
    assert "在等别人" in page.main
    badge = await browser.get("/console/badge?live=1")
    assert f">{len(mine)}<" in badge.text
    tab = await browser.get("/console/badge?live=1&title=%3Cb%3E500001-L2026-0001")
    assert f"<title>({len(mine)}) &lt;b&gt;500001-L2026-0001</title>" in tab.text
    assert (await browser.get(f"/console/badge?live=1&shown={len(mine)}")).status_code == 204
    empty = await (await Browser.at(office).sign_in("app.licant", role=Role.APPLICANT)).open("/console")
    assert "今天没有待办" in empty.main


async def test_a_page_with_a_run_says_whose_turn_it_is(office: Office) -> None:
    flow_no = await a_season(office)
    page = await (await Browser.at(office).sign_in(REVIEWER)).open(f"/console/flows/{flow_no}")
    [waiting] = page.document.cssselect("section.waiting")
    said = " ".join(waiting.text_content().split())
    assert "下一步由县操作员办理，最迟" in said
    assert "超期" in said
    assert "个工作日" in said
    assert waiting.cssselect("a") == []
    assert f"subsidy-flow/{flow_no}" in said


async def test_the_years_figures_stand_beside_their_bars(office: Office) -> None:
    await a_season(office)
    browser = await Browser.at(office).sign_in(ADMIN)
    page = await browser.open("/console/figures?fund_year=2026")
    assert "1,000.01" in page.main
    towns = next(t for t in page.document.cssselect("table.bars") if "按乡镇" in t.text_content())
    assert "红岩镇" in towns.text_content()
    assert page.document.cssselect("svg.steps rect")
    assert "在办的流程" in page.main
    assert "还没有" in (await browser.open("/console/figures?fund_year=2025")).main


@pytest.mark.journey(29)
async def test_runs_are_listed_and_ops_alone_go_on_into_temporal_ui(office: Office) -> None:
    """Journey 29."""
    flow_no = await a_season(office)
    ops = await Browser.at(office).sign_in(OPS)
    page = await ops.open("/console/runs")
    [run] = page.rows("table.rows")
    assert (run["编号"], run["下一步"], run["超期"]) == (flow_no, "县操作员", "是")
    [link] = page.document.cssselect("td a[href*='/workflows/']")
    assert link.get("href").endswith(f"/workflows/subsidy-flow%2F{flow_no}")
    assert "没有符合条件的记录" in (await ops.open("/console/runs?overdue=false")).main
    reviewer = await (await Browser.at(office).sign_in(REVIEWER)).open("/console/runs")
    assert "/workflows/" not in reviewer.answer.text
    assert (await ops.get("/console/runs/export")).headers["content-type"].startswith("application/vnd.openxml")


@pytest.mark.journey(29)
async def test_ops_see_nobodys_data_on_any_page(office: Office) -> None:
    """Every menu that ops may open, their to-dos and a flow: no name, no phone, no id, no account of anybody."""
    flow_no = await a_season(office)
    rows = await office.rows("SELECT name_sealed FROM application")
    assert rows
    ops = await Browser.at(office).sign_in(OPS)
    page = await ops.open("/console")
    places = [link.get("href") for link in page.document.cssselect("nav.side a")] + [f"/console/flows/{flow_no}"]
    assert len(places) > 3
    for place in places:
        opened = await ops.open(place)
        assert opened.status == 200, place
        for word in PERSONAL:
            assert word not in opened.answer.text.replace(OPS, ""), (place, word)


@pytest.mark.journey(29)
async def test_an_auditor_checks_the_chain_and_sees_where_it_was_tampered_with(
    office_with_files: Office, owner: psycopg.Connection
) -> None:
    """Journey 29: whole before; the result is noted; after a row was changed behind the product's back, which one."""
    office = office_with_files
    for _ in range(3):
        await office.post("/catalog-refreshes", {"fund_year": 2026})
    auditor = await Browser.at(office).sign_in("aud.wu", role=Role.AUDITOR)
    page = await auditor.open("/console/trail")
    assert {row["操作"] for row in page.rows("table.rows")} == {"更新目录"}
    whole = await auditor.submit(page, "校验留痕")
    assert "完整：逐条核对" in whole.main
    assert whole.document.cssselect("[data-result=intact]")
    # a reload reads what was noted: it is no second check, and whoever reads details sees it too
    assert (await auditor.open("/console/trail")).document.cssselect("[data-result=intact]")
    seen = await (await Browser.at(office).sign_in(REVIEWER)).open("/console/trail")
    assert seen.document.cssselect("[data-result=intact]")
    assert seen.button("校验留痕") is None
    assert await office.rows("SELECT count(*) FROM trail_entry WHERE act = 'trail.checked'") == [(1,)]
    assert "校验留痕" in (await auditor.open("/console/trail?act=trail.checked")).rows("table.rows")[0]["操作"]
    owner.execute("ALTER TABLE trail_entry DISABLE TRIGGER USER")
    owner.execute("UPDATE trail_entry SET actor = 'some.body' WHERE county_code = %s AND sequence = 2", (COUNTY,))
    owner.execute("ALTER TABLE trail_entry ENABLE TRIGGER USER")
    broken = await auditor.submit(await auditor.open("/console/trail"), "校验留痕")
    assert "从第 2 条起不对" in broken.main
    today = await auditor.open("/console/trail?since=2026-01-01&until=2036-01-01&role=operator")
    assert len(today.rows("table.rows")) == 3
    assert "最近一次留痕校验" in (await auditor.open("/console")).main
    assert (await auditor.open("/console/trail?until=2026-01-01")).main.count("没有符合条件的记录") == 1


async def test_the_trail_leads_to_its_things_and_calls_the_system_by_its_name(office: Office) -> None:
    """Only where the reader may go; what is stored, and signed, stays as it was."""
    async with office.database.transaction() as session:
        [number] = await add_applications(session, office.vault, [Line(stage="draft")], None)
        list_no, part_no = await take_one(session, Series.LIST, COUNTY, 2026), f"500000-K2026-0001.{COUNTY}"
        await record(session, office.vault, by_system(COUNTY, "results_complete", list_no, {}))
        await record(session, office.vault, by_system(COUNTY, "card_change.result", part_no, {}))
    await office.whole(f"/applications/{number}", OPERATOR, purpose="look")
    mine = [f"/console/beneficiaries/{list_no}"]
    others = [f"/console/applications/{number}", f"/console/card-changes/{part_no}"]
    for who, may_open in ((AUDITOR, sorted(mine + others)), (OPS, mine)):
        browser = await Browser.at(office).sign_in(who)
        page = await browser.open("/console/trail")
        assert sorted(link.get("href") for link in page.document.cssselect("table.rows a")) == may_open
        system = {row["对象"]: row["身份"] for row in page.rows("table.rows") if row["经办人"] == "系统"}
        assert system == {list_no: "系统", part_no: "系统"}
        assert len((await browser.open("/console/trail?role=system")).rows("table.rows")) == 2
        assert "没有符合条件的记录" in (await browser.open("/console/trail?role=ops")).main
    assert await office.rows("SELECT DISTINCT role FROM trail_entry WHERE actor = 'system'") == [("ops",)]


async def test_catalogs_tell_when_they_were_fetched_and_are_fetched_anew(office: Office) -> None:
    await a_season(office)
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/catalogs")
    assert {row["名单"]: row["条数"] for row in page.rows()}["开户行"] == "2"
    banks = await browser.open(page.link("开户行"))
    assert "农商银行" in banks.main
    after = await browser.submit(page, "更新")
    assert after.done.startswith("已向平台获取名单")
    ops = await (await Browser.at(office).sign_in(OPS)).open("/console/catalogs")
    assert ops.button("更新") is None


async def test_who_saw_whose_data_whole_is_listed_by_person_thing_and_time(office: Office) -> None:
    """The auditor and the county administrator; from an application's page too."""
    async with office.database.transaction() as session:
        first, second = await add_applications(session, office.vault, [Line(stage="draft"), Line(stage="draft")], None)
    await office.whole(f"/applications/{first}", OPERATOR, purpose="look")
    await office.whole(f"/applications/{second}", REVIEWER)
    browser = await Browser.at(office).sign_in(AUDITOR)
    page = await browser.open((await browser.open(f"/console/applications/{first}")).link("谁看过完整信息"))
    told = [(row["查看人"], row["身份"], row["用途"], row["编号"]) for row in page.rows()]
    assert told == [("李操作", "县操作员", "查看完整信息", first)]
    assert not any(one in page.main for one in PERSONAL)
    today = china_today().isoformat()
    for asked, numbers in ((f"actor={REVIEWER}", [second]), (f"since={today}&until={today}", [second, first])):
        page = await browser.open(f"/console/disclosures?{asked}")
        assert [row["编号"] for row in page.rows()] == numbers, asked
    page = await browser.open("/console/disclosures?until=2026-01-01")
    assert "没有符合条件的记录；条件：至" in page.main
    assert [option.text for option in page.document.cssselect("#q-actor option")][1:] == [
        *("郑审计（aud.zheng）", "李操作（op.li）", "王审核（rev.wang）")
    ]
    admin = await Browser.at(office).sign_in(ADMIN)
    assert (await admin.open(f"/console/disclosures?number={second}")).rows()[0]["查看人"] == "王审核"
    operator = await Browser.at(office).sign_in(OPERATOR)
    assert "谁看过完整信息" not in (await operator.open(f"/console/applications/{first}")).main

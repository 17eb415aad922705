"""Accounts and oversight in a browser: register, village entries, checks, what the platform said and said otherwise."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.events.contradictions import Claim, keep_claim
from models.store.events.inbox import body_row
from models.store.register.entries import EntryForm, open_entry
from models.store.runs.runs import open_run
from models.tables.base import now
from models.tables.cards import VillageEntry
from models.tables.catalogs import CatalogList
from models.tables.records import Inbox, OddAnswer
from models.wire.words import CardType, Operation
from models.words.card_stages import EntryStage
from tests.browser import Browser, Page
from tests.card_ground import BANK, FIRST, PROVINCE, Cards, card, person
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Office,
    add_file,
    citizen_id,
    open_office,
)

NUMBER = f"{COUNTY}-L2026-0001"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            banks = [{"code": BANK, "name": "中国工商银行"}]
            session.add(CatalogList(county_code=FIRST, kind="banks", fund_year=0, items=banks))
        yield opened


@pytest.fixture
def cards(office: Office) -> Cards:
    return Cards(office.database, office.vault)


async def at(office: Office, path: str, who: str = REVIEWER) -> tuple[Browser, Page]:
    browser = await Browser.at(office).sign_in(who)
    return browser, await browser.open(f"/console/{path}")


async def whole_answers(office: Office) -> list[tuple[str, str, str]]:
    items = (await office.get("/disclosures", ADMIN)).json()["items"]
    return [(one["actor"], one["thing"], one["purpose"]) for one in reversed(items)]


# --- the register


async def test_an_account_is_found_by_person_read_masked_then_whole_and_checked(office: Office, cards: Cards) -> None:
    mei, li = (person(cards.vault, number) for number in (1, 2))
    await cards.settle(mei, card(1), FIRST)
    await cards.settle(li, card(1), FIRST)
    browser, page = await at(office, "register", OPERATOR)
    assert {"账号变更审核", "一卡通账号", "共用银行卡", "村社申报", "账号核验"} <= set(page.menu)
    assert [(row["姓名"], row["状态"], row["来源"]) for row in page.rows()] == [
        ("**1", "有效", "申请录入"),
        ("**2", "有效", "申请录入"),
    ]
    page = await browser.submit(page, "查找", id_number=citizen_id(2))
    [row] = page.rows()
    assert (row["姓名"], page.path) == ("**2", "/console/register")
    page = await browser.open(page.link("**2"))
    assert citizen_id(2) not in page.main
    assert page.rows()[0]["来源"] == "申请录入"
    page = await browser.submit(page, "显示完整信息")
    assert citizen_id(2) in page.main
    assert await whole_answers(office) == [(OPERATOR, "register_account", "look")]
    account = page.path.split("/")[3]
    page = await browser.open(f"/console/register/{account}")
    page = await browser.submit(page, "手动验证")
    assert page.done == "核验已发起"
    refused = await browser.submit(page, "手动验证")
    assert (refused.status, refused.code) == (409, "CHECK_UNDER_WAY")
    page = await browser.open("/console/shared-cards")
    [row] = page.rows()
    assert (row["本区县使用人数"], row["其他区县也有人使用"]) == ("2", "否")
    assert not (await at(office, f"register/{account}", ADMIN))[1].document.cssselect("form.act")
    assert (await at(office, "register", OPS))[1].status == 403


async def test_rounds_are_listed_begun_and_told(office: Office, cards: Cards) -> None:
    await cards.settle(person(cards.vault, 1), card(1), FIRST)
    browser, page = await at(office, "checks", OPERATOR)
    page = await browser.submit(page, "核验本区县全部账号")
    assert (page.done, "本区县未通过的账号" in page.main) == ("核验已发起", True)
    page = await browser.open("/console/checks")
    assert [(row["范围"], row["方式"], row["状态"]) for row in page.rows()] == [("本区县", "手动", "核验中")]
    refused = await browser.submit(page, "核验本区县全部账号")
    assert (refused.status, refused.code) == (409, "CHECK_UNDER_WAY")
    assert not (await at(office, "checks", ADMIN))[1].document.cssselect("form.act")


# --- 村社申报


async def an_entry(office: Office, cards: Cards, number: int, stage: EntryStage = EntryStage.ENTERED) -> str:
    citizen = person(cards.vault, number)

    async def enter(session: AsyncSession) -> VillageEntry:
        photo = await add_file(session, FIRST, "image/png")
        form = EntryForm(CardType.BANK_CARD, BANK, photo, citizen.name, citizen.id_number, card(number))
        return await open_entry(session, office.vault, FIRST, form, OPERATOR)

    entry = await cards.act(enter)
    await office.run("UPDATE village_entry SET stage = :stage WHERE entry_no = :no", stage=stage, no=entry.entry_no)
    return entry.entry_no


async def test_a_form_keeps_what_was_typed_and_names_each_fault(office: Office) -> None:
    browser, page = await at(office, "village-entries", OPERATOR)
    page = await browser.open(page.link("录入申报"))
    page = await browser.submit(page, "录入", name="王梅", id_number="5000011980010118", bank_code=BANK, account_no="1")
    assert page.status == 422
    assert "还不能办理，请改正" in page.problem
    assert page.form("录入").fields["name"] == "王梅"
    assert (await at(office, "village-entries/new", REVIEWER))[1].status == 403


async def test_an_entry_is_decided_by_another_who_sees_photo_and_register(office: Office, cards: Cards) -> None:
    first, second = await an_entry(office, cards, 1), await an_entry(office, cards, 2)
    browser, page = await at(office, "village-entries")
    page = await browser.open(page.link(first))
    assert citizen_id(1) in page.main
    assert "此人在本区县没有登记账号" in page.main
    assert page.document.cssselect("img")[0].get("src").startswith("/console/files/")
    page = await browser.submit(page, "保存(S)", passed="false")
    assert page.status == 422
    page = await browser.submit(page, "保存(S)", passed="false", remark="照片看不清账号")
    assert page.done == "复核结果已保存"
    assert "照片看不清账号" in page.main
    page = await browser.open(f"/console/village-entries/{second}")
    page = await browser.submit(page, "保存(S)", passed="true")
    assert "上卡中" in page.main
    # who entered it decides nothing, and reads masks
    _, page = await at(office, f"village-entries/{second}", OPERATOR)
    assert citizen_id(2) not in page.main
    assert not page.document.cssselect("form[action$=decision]")
    elsewhere = await Browser.at(office).sign_in(REVIEWER, OTHER_COUNTY)
    assert (await elsewhere.open(f"/console/village-entries/{second}")).status == 404


# --- what the platform said


async def a_contradiction(office: Office, kind: str = "flow.summary.reviewed", line: str = "") -> int:
    async with office.database.transaction() as session:
        sides = {"applied": {"status": "approved"}, "claimed": {"status": "rejected", "name": "王小梅"}}
        await keep_claim(session, office.vault, Claim(COUNTY, NUMBER, kind, line, **sides, inbox_id=None))
        if not await office.rows("SELECT 1 FROM run"):
            await open_run(
                session, Subject(kind=RunKind.SUBSIDY_FLOW, number=NUMBER, county_code=COUNTY, fund_year=2026)
            )
    [(found,)] = await office.rows("SELECT max(id) FROM contradiction")
    return int(str(found))


async def test_both_claims_stand_side_by_side_and_one_is_taken_with_a_reason(office: Office) -> None:
    number = await a_contradiction(office)
    browser, page = await at(office, "contradictions")
    page = await browser.open(page.link(str(number)))
    assert "王小梅" in page.main
    assert "先前的结果不变" in page.main
    assert "发放汇总的平台审核改为来件所称" in page.main
    refused = await browser.submit(page, "裁定", take="claimed")
    assert (refused.status, refused.problem.startswith("还不能办理")) == (422, True)
    page = await browser.submit(page, "裁定", take="claimed", reason="已电话核实")
    assert (page.done, "已裁定，处理中" in page.main) == ("裁定已提交，随后执行", True)
    _, page = await at(office, f"contradictions/{number}", SECOND)
    assert not [form for form in page.document.forms if "decision" in (form.get("action") or "")]
    assert "王小梅" not in page.main
    _, page = await at(office, f"contradictions/{number}", OPS)
    assert "内容只给本区县审核人看" in page.main
    assert await whole_answers(office) == [(REVIEWER, "contradiction", "review")] * 2


async def test_many_are_decided_by_list_and_what_claims_nothing_offers_nothing(office: Office) -> None:
    numbers = [await a_contradiction(office, "payment_content", f"{place}#1") for place in range(3)]
    missing = await a_contradiction(office, "payment_missing", "9#1")
    browser, page = await at(office, f"contradictions/{missing}")
    assert "没有可以采信的内容" in page.main
    assert not page.document.cssselect("input[name=take][value=claimed]")
    page = await browser.open("/console/contradictions")
    chosen = [str(number) for number in (*numbers, missing)]
    undecided = await browser.submit(page, "看预览", action="/acts", chosen=chosen)
    assert undecided.status == 422, "which of the two is asked"
    shown = await browser.submit(page, "看预览", action="/acts", chosen=chosen, take="claimed")
    assert shown.document.get_element_by_id("preview-count").text_content() == "3"
    [left] = shown.document.cssselect("details.left-out")
    numbers_left = " ".join(left.cssselect(".numbers")[0].text_content().split())
    assert (left.get("data-code"), numbers_left) == ("NOTHING_CLAIMED", str(missing))
    assert await office.rows("SELECT count(*) FROM contradiction WHERE state <> 'open'") == [(0,)]
    # what somebody else has decided meanwhile is no part of what was shown
    await office.run("UPDATE contradiction SET state = 'decided' WHERE id = :id", id=numbers[0])
    stale = await browser.submit(shown, "确认办理", reason="以来件为准")
    assert (stale.status, stale.code) == (409, "SELECTION_CHANGED")
    page = await browser.submit(stale, "确认办理", reason="以来件为准")
    assert page.done == "裁定已提交，随后执行"
    assert [row["序号"] for row in page.rows()] == [str(missing)]


async def test_a_content_is_opened_by_a_button_and_noted(office: Office) -> None:
    async with office.database.transaction() as session:
        sealed = office.vault.seal_body(body_row(PROVINCE, "evt-1"), '{"type": "x", "name": "王小梅"}'.encode())
        event = Inbox(province_code=PROVINCE, event_id="evt-1", body_sha256="0", body=sealed, next_try_at=now())
        event.county_code, event.event_type = COUNTY, "policy.reviewed"
        said = office.vault.seal_body(Operation.START_FLOW, b"<html>busy</html>")
        odd = OddAnswer(
            county_code=COUNTY, operation=Operation.START_FLOW, key="k", status=200, body=said, body_sha256="0"
        )
        session.add_all([event, odd])
    browser, page = await at(office, "inbox")
    [row] = page.rows()
    assert (row["类别"], row["状态"]) == ("政策审核结果", "已收到")
    page = await browser.open(page.link("1"))
    assert "王小梅" not in page.main
    page = await browser.submit(page, "打开原文")
    assert "王小梅" in page.main
    page = await browser.open("/console/odd-answers")
    page = await browser.submit(await browser.open(page.link("1")), "打开原文")
    assert "<html>busy</html>" in page.main
    assert await whole_answers(office) == [(REVIEWER, "callback", "content"), (REVIEWER, "odd_answer", "content")]
    _, page = await at(office, "inbox/1", OPS)
    assert "原文只给本区县审核人看" in page.main

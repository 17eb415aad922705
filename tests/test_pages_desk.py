"""The reviewer's desk in a browser: before and after, what is on its way, one decision, then the next (S2 1.3)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local_people import LocalPerson
from models.store.vault import Field
from models.tables.catalogs import CatalogList
from models.wire.answers import AccountChangeStatus
from models.words.staff import Role
from tests.browser import Browser, Page
from tests.card_ground import BANK, FIRST, OTHER_BANK, Cards, card, person
from tests.rows import (
    ADMIN,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    account_no,
    add_flow,
    add_ground,
    citizen_id,
    open_office,
    set_lines,
)

DESK = "/console/card-changes"
OLD, NEW = card(1), card(2)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        names = [{"code": code, "name": name} for code, name in ((BANK, "中国工商银行"), (OTHER_BANK, "中国农业银行"))]
        async with opened.database.transaction() as session:
            session.add(CatalogList(county_code=FIRST, kind="banks", fund_year=0, items=names))
        yield opened


@pytest.fixture
def cards(office: Office) -> Cards:
    return Cards(office.database, office.vault)


async def asked(cards: Cards, *numbers: int) -> list[str]:
    """People who ask for another account, each as the part of the county."""
    parts = []
    for number in numbers:
        citizen = person(cards.vault, number)
        await cards.settle(citizen, card(number), FIRST)
        request = await cards.in_review(citizen, card(100 + number), FIRST)
        parts.append(f"{request.request_no}.{FIRST}")
    return parts


async def at_desk(office: Office, who: str = REVIEWER, part: str = "") -> tuple[Browser, Page]:
    browser = await Browser.at(office).sign_in(who)
    return browser, await browser.open(f"{DESK}/{part}" if part else DESK)


async def stage(office: Office, part: str) -> str:
    return str((await office.get(f"/card-changes/{part}", REVIEWER)).json()["stage"])


@pytest.mark.journey(24)
async def test_the_desk_shows_the_seeds_list_and_before_and_after_and_then_the_next(
    office: Office, cards: Cards
) -> None:
    first, second, third = await asked(cards, 1, 3, 4)
    validated = "INSERT INTO matter_step (request_id, step, words, at) SELECT id, 'bank_validated', '通过', now() FROM "
    await office.run(f"{validated} card_change")
    browser, page = await at_desk(office)
    has_the_seeds_list(page)
    assert "“渝快办”是本人办事的" in page.main
    page = await browser.open(page.link("打开 1"))
    shows_before_and_after(page)
    page = await browser.submit(page, "保存(S)", passed="true")
    assert (page.done, page.path) == ("上一件的审核结果已保存", f"{DESK}/{second}?done=card_decided")
    assert await stage(office, first) == "approved"
    # a refusal without an opinion is not saved, and what was chosen stays chosen
    page = await browser.submit(page, "保存(S)", passed="false")
    assert page.status == 422
    assert "审核不通过须填写审核意见" in page.problem
    assert page.document.cssselect("input[name=passed][value=false][checked]")
    page = await browser.submit(page, "保存(S)", passed="false", remark="卡面照片与姓名不符")
    assert await stage(office, second) == "refused"
    assert page.path.startswith(f"{DESK}/{third}?")
    page = await browser.submit(page, "保存(S)", passed="true")
    assert page.path == f"{DESK}?done=card_decided"
    assert {row["数据状态"] for row in page.rows()} == {"审核通过"}
    await nothing_personal(browser, page)


def has_the_seeds_list(page: Page) -> None:
    assert page.title.startswith("账号变更审核")
    heads = ["序号", "业务类型", "数据状态", "申请人", "申请时间", "姓名", "身份证号码", "银行名称", "银行账号"]
    [row, *_] = page.rows()
    assert list(row) == heads
    assert (row["业务类型"], row["数据状态"], row["姓名"], row["银行名称"]) == (
        *("渝快办-账号变更", "待审核", "**1"),
        "中国农业银行",
    )
    labels = [
        label.text_content().strip() for label in page.document.cssselect("section[aria-labelledby=conditions] label")
    ]
    assert labels[:5] == ["开户银行", "姓名", "身份证号", "银行账号", "申请人姓名"]


def shows_before_and_after(page: Page) -> None:
    assert citizen_id(1) in page.main
    assert [mark.text_content() for mark in page.document.cssselect("mark")] == [
        "中国工商银行",
        card(1),
        "中国农业银行",
        card(101),
    ]
    assert "银行验证：通过" in page.main
    assert "没有正发往旧账号的款项" in page.main
    assert "新账号没有其他人使用" in page.main
    assert {e.get("accesskey"): e.text_content() for e in page.document.cssselect("[accesskey]")} == {
        "s": "保存(S)",
        "c": "关闭(C)",
    }
    [chosen] = page.document.cssselect("tr[aria-current]")
    assert "**1" in chosen.text_content()


async def nothing_personal(browser: Browser, page: Page) -> None:
    for secret in ("王梅", citizen_id(1), OLD, NEW):
        assert secret not in page.title
        assert not [path for path in browser.seen if secret in path]


async def test_payments_on_their_way_and_others_who_use_the_account_are_told(office: Office, cards: Cards) -> None:
    ground = await add_ground(office, [Line(person=7), Line(person=7, amount_fen=70_500)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted", payment="awaiting")
    citizen = person(cards.vault, 7)
    await cards.settle(citizen, account_no(7), FIRST)
    await cards.settle(person(cards.vault, 8), NEW, FIRST)
    request = await cards.in_review(citizen, NEW, FIRST)
    _, page = await at_desk(office, part=f"{request.request_no}.{FIRST}")
    assert "有 2 笔 1,200.00 元正发往旧账号，本次变更不影响它" in page.main
    assert page.has_link(flow_no)
    assert "新账号还有其他人在用" in page.main


async def test_people_are_found_by_what_never_stands_in_an_address(office: Office, cards: Cards) -> None:
    _, second = await asked(cards, 1, 3)
    browser, page = await at_desk(office)
    page = await browser.submit(page, "查询", id_number=citizen_id(3))
    assert [row["姓名"] for row in page.rows()] == ["**3"]
    assert page.link("打开 1") == f"{DESK}/{second}?finished=false"
    assert page.path == DESK
    for old_or_new in (card(3), card(103)):
        assert len((await browser.submit(page, "查询", id_number="", account_no=old_or_new)).rows()) == 1
    page = await browser.submit(page, "查询", id_number="", bank_code=OTHER_BANK, finished="true")
    assert page.path == f"{DESK}?bank_code={OTHER_BANK}&finished=true"
    assert len(page.rows()) == 2
    wrong = await browser.submit(page, "查询", id_number="12")
    assert (wrong.status, "应为 18 位" in wrong.problem) == (422, True)


async def test_the_own_account_is_decided_by_somebody_else(office: Office, cards: Cards) -> None:
    [part] = await asked(cards, 1)
    index = office.vault.index(Field.ID_NUMBER, citizen_id(1))
    office.staff.add(LocalPerson(FIRST, REVIEWER, (Role.REVIEWER,), "王梅", index))
    browser, page = await at_desk(office, part=part)
    assert page.document.cssselect("fieldset[disabled] button")
    assert "本人的账号变更须由他人审核" in page.main
    assert citizen_id(1) not in page.main
    # pressed all the same, by a form that somebody has altered
    refused = await browser.submit(page, "保存(S)", passed="true")
    assert (refused.status, refused.code) == (403, "OWN_ACCOUNT")
    assert await stage(office, part) == "in_review"


@pytest.mark.journey(27)
async def test_two_reviewers_decide_at_once_and_the_second_is_told(office: Office, cards: Cards) -> None:
    [part] = await asked(cards, 1)
    one, page_of_one = await at_desk(office, part=part)
    two, page_of_two = await at_desk(office, SECOND, part)
    pages = await asyncio.gather(
        one.submit(page_of_one, "保存(S)", passed="true"),
        two.submit(page_of_two, "保存(S)", passed="false", remark="请重新拍照"),
    )
    told = [page for page in pages if page.status == 409]
    assert [page.code for page in told] == ["ALREADY_DECIDED"]
    first = "赵审核（rev.zhao）" if told[0] is pages[0] else "王审核（rev.wang）"
    assert f"此件已由 {first} 审核" in told[0].problem
    # what was typed is not lost, and nothing more can be pressed
    assert told[0].document.cssselect("fieldset[disabled]")
    if told[0] is pages[1]:
        assert "请重新拍照" in told[0].main
    assert len(await office.rows("SELECT 1 FROM trail_entry WHERE act = 'card_change.decided'")) == 1


async def test_a_doubled_click_and_a_cut_line_decide_once(office: Office, cards: Cards) -> None:
    [part] = await asked(cards, 1)
    browser, page = await at_desk(office, part=part)
    form = page.form("保存(S)")
    answers = [await browser.post(page, form, "保存(S)", {"passed": "true"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(await office.rows("SELECT 1 FROM trail_entry WHERE act = 'card_change.decided'")) == 1


async def test_a_failed_upload_is_tried_again_by_a_button(office: Office, cards: Cards) -> None:
    citizen = person(cards.vault, 1)
    await cards.settle(citizen, OLD, FIRST)
    request = await cards.in_review(citizen, NEW, FIRST)
    part = f"{request.request_no}.{FIRST}"
    browser, page = await at_desk(office, part=part)
    await browser.submit(page, "保存(S)", passed="true")
    await cards.told(request, FIRST, status=AccountChangeStatus.FAILED, reason="系统繁忙")
    page = await browser.open(f"{DESK}/{part}?stage=failed")
    assert "系统繁忙" in page.main
    page = await browser.submit(page, "再次上卡")
    assert (page.done, await stage(office, part)) == ("已再次上卡", "approved")


async def test_who_only_reads_sees_masks_and_may_ask_to_see_more(office: Office, cards: Cards) -> None:
    [part] = await asked(cards, 1)
    browser, page = await at_desk(office, OPERATOR, part)
    assert citizen_id(1) not in page.main
    assert not [form for form in page.document.forms if "decision" in form.get("action")]
    page = await browser.submit(page, "显示完整信息")
    assert citizen_id(1) in page.main
    noted = (await office.get("/disclosures", REVIEWER)).json()["items"]
    assert [(one["actor"], one["purpose"], one["number"]) for one in noted] == [(OPERATOR, "look", part)]
    _, page = await at_desk(office, ADMIN, part)
    assert not page.document.cssselect("form[action$=whole]")
    _, page = await at_desk(office, OPS, part)
    assert page.status == 403
    elsewhere = await Browser.at(office).sign_in(REVIEWER, OTHER_COUNTY)
    assert (await elsewhere.open(f"{DESK}/{part}")).status == 404

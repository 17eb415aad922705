"""The citizens' pages over HTTP: face, code, account, change, matters, notices, sign-out (journeys 24 to 26)."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from lxml import html

from models.store.register.notices import News, notify
from models.store.sql import execute
from models.store.vault import Field
from models.wire.words import AccountReason
from models.words.card_stages import NoticeKind
from tests.browser import Browser, Page
from tests.card_ground import FIRST, SECOND, THIRD, card
from tests.citizen_pages import Village, open_village
from tests.test_card_requests import decide

IDLE_FOR_A_WHILE = "UPDATE face_login SET last_seen_at = now() - interval '5 minutes'"
STILL_IDLE = "SELECT last_seen_at < now() - interval '4 minutes' FROM face_login"
OLD, NEW = card(1), card(500_001)
GROUPED = " ".join(OLD[at : at + 4] for at in range(0, len(OLD), 4))
CHANGE = {"card_type": "bank_card", "account_no": NEW, "bank_code": "ABC", "reason": "停用旧卡", "authorised": True}


@pytest.fixture
async def village(database_url: str, tmp_path: Path) -> AsyncIterator[Village]:
    async with open_village(database_url, tmp_path) as opened:
        yield opened


async def filled(browser: Browser, **changed: object) -> Page:
    """The form of the first card face, filled and sent on to the page that shows old and new."""
    page = await browser.open("/citizen/m/account")
    page = await browser.open(page.link("变更申请"))
    return await browser.submit(page, "下一步", **{**CHANGE, **changed})


@pytest.mark.journey(24)
async def test_account_change_and_result_as_the_app_shows_them(village: Village) -> None:
    """Journey 24: face, account, a missing star, a Luhn fault that is kept, the right one, the new face."""
    mei = village.citizen(1)
    await village.cards.settle(mei, OLD, FIRST, SECOND)
    browser = await village.browser(mei)
    page = await browser.open("/citizen/m/account")
    assert page.document.cssselect("h1")[0].text_content() == "我的“一卡通”账号"
    assert all(words in page.main for words in ("**1", mei.id_number[-4:], "有效", "使用区县 2", "事项办理"))
    assert [part.text_content() for part in page.document.cssselect(".face .number span span")] == GROUPED.split()
    assert mei.id_number not in page.answer.text
    assert OLD not in page.title
    counties = await browser.open(page.link("使用区县 2"))
    assert "区县列表" in counties.main
    assert "500001" in counties.main

    missing = await browser.submit(await browser.open(page.link("变更申请")), "下一步", account_no="")
    assert (missing.status, missing.code) == (422, "VALIDATION_FAILED")
    assert "还不能办理，请改正" in missing.problem
    for field in ("account_no", "bank_code", "authorised"):
        [link] = missing.document.cssselect(f"a[href='#field-{field}']")
        assert missing.document.get_element_by_id(f"field-{field}") is not None, link.text_content()
    again = await browser.submit(missing, "下一步", **(CHANGE | {"account_no": NEW[:-1] + "0"}))
    # what was chosen before the refusal is still chosen
    assert {each.get("value") for each in again.document.cssselect("input[name=counties]")} == {FIRST, SECOND}
    assert "照此提交会申请失败" in again.main
    failed = await browser.submit(again, "提交")
    assert "申请失败" in failed.main
    assert "校验位" in failed.main
    assert failed.has_link("重新申请")

    checked = await filled(browser)
    assert checked.status == 200
    assert OLD[:4] in checked.main
    back = await browser.submit(checked, "返回修改")
    assert back.form("下一步").fields["account_no"].replace(" ", "") == NEW
    assert back.form("下一步").fields["reason"] == "停用旧卡"
    assert back.problem == ""
    sent = await browser.submit(await browser.submit(back, "下一步"), "提交")
    assert "申请已收到" in sent.done
    assert "验证中" in sent.main
    [[number]] = await village.cards.rows("SELECT request_no FROM card_change WHERE ended_at IS NULL")
    assert sent.path.startswith(f"/citizen/m/matters/{number}")

    page = await browser.open("/citizen/m/account")
    assert not page.has_link("变更申请")
    assert page.button("变更申请").get("disabled") is not None  # type: ignore[union-attr]
    assert "您已有一笔账号变更正在办理" in page.main
    assert OLD[-4:] in page.document.cssselect(".face .number")[0].text_content()


@pytest.mark.journey(24)
async def test_a_new_face_once_the_platform_has_it(village: Village) -> None:
    mei = village.citizen(2)
    await village.cards.settle(mei, OLD, FIRST)
    browser = await village.browser(mei)
    request = await village.cards.in_review(mei, NEW, FIRST)
    open_now = await browser.open("/citizen/m/matters")
    assert all(words in open_now.main for words in ("申请中", "待审核", "新账号上卡成功前，补贴仍发到现用账号"))
    await decide(village.cards, request, FIRST, True)
    await village.cards.told(request, FIRST)
    page = await browser.open("/citizen/m/account")
    assert NEW[-4:] in page.document.cssselect(".face .number")[0].text_content()
    assert page.has_link("变更申请")
    finished = await browser.open("/citizen/m/finished")
    assert all(words in finished.main for words in ("已办理", "变更成功", "完结时间"))
    assert "没有办理中的事项" in (await browser.open("/citizen/m/matters")).main


async def test_open_pages_say_what_is_new_by_themselves(village: Village) -> None:
    """Account with its count of notices, 办理中, one matter, 系统通知: nothing while nothing is new."""
    mei = village.citizen(9)
    await village.cards.settle(mei, OLD, FIRST)
    browser = await village.browser(mei)
    request = await village.cards.in_review(mei, NEW, FIRST)
    places = ("account", "matters", f"matters/{request.request_no}", "notices")
    pages = {place: await browser.open(f"/citizen/m/{place}") for place in places}

    async def asked(place: str) -> httpx.Response:
        [live] = pages[place].document.cssselect("#live[hx-get]")
        assert pages[place].link("刷新") == f"/citizen/m/{place}"
        return await browser.get(live.get("hx-get"))

    assert [(await asked(place)).status_code for place in places] == [204] * 4
    await village.cards.act(lambda session: execute(session, IDLE_FOR_A_WHILE))
    await decide(village.cards, request, FIRST, True)
    await village.cards.told(request, FIRST)
    shown = {place: await asked(place) for place in places}
    assert {answer.status_code for answer in shown.values()} == {200}
    account = html.document_fromstring(shown["account"].text).get_element_by_id("live")
    assert NEW[-4:] in account.cssselect(".face .number")[0].text_content()
    assert account.cssselect(".badge-count")[0].text_content() == "1"
    assert "没有办理中的事项" in shown["matters"].text
    assert "已办理" in shown[f"matters/{request.request_no}"].text
    assert await village.cards.rows(STILL_IDLE) == [(True,)], "a page that asks by itself prolongs nothing"
    await browser.open("/citizen/m/account")
    assert await village.cards.rows(STILL_IDLE) == [(False,)]


@pytest.mark.journey(26)
async def test_what_is_refused_taken_back_invalid_or_cleared_is_told(village: Village) -> None:
    """Journey 26: 不通过 with its remark, 撤销, 无效卡, cleared with a notice, no account."""
    mei, other = village.citizen(3), village.citizen(4)
    await village.cards.settle(mei, OLD, FIRST, SECOND)
    browser = await village.browser(mei)
    request = await village.cards.in_review(mei, NEW, FIRST)
    page = await browser.open(f"/citizen/m/matters/{request.request_no}")
    page = await browser.open(page.link("撤销"))
    assert await village.cards.stages(request) == {FIRST: "in_review"}, "nothing happens before it is confirmed"
    page = await browser.submit(page, "确认撤销")
    assert page.done == "已撤销"
    assert await village.cards.stages(request) == {FIRST: "withdrawn"}
    again = await browser.open(f"/citizen/m/matters/{request.request_no}/withdrawal")
    assert again.button("确认撤销") is None

    refused = await village.cards.in_review(mei, NEW, FIRST)
    await decide(village.cards, refused, FIRST, False)
    page = await browser.open(f"/citizen/m/matters/{refused.request_no}")
    assert all(words in page.main for words in ("审核不通过", "已核对", "办理结果", "完结时间"))
    assert page.has_link("重新申请")
    await village.cards.invalidated(mei, OLD, SECOND, AccountReason.ACCOUNT_FROZEN)
    page = await browser.open("/citizen/m/account")
    assert all(words in page.main for words in ("部分区县无效", "账户已冻结", "系统通知 2"))
    assert page.has_link("变更申请")
    await village.cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_CLOSED)
    await village.cards.invalidated(mei, OLD, SECOND, AccountReason.ACCOUNT_CLOSED)
    page = await browser.open("/citizen/m/account")
    assert "您尚未绑定“一卡通”账号，请联系所在村社/镇(乡)街道申报账号信息" in page.main
    notices = await browser.open(page.link("系统通知"))
    assert all(words in notices.main for words in ("账号已清空", "失效时间", "错误信息", "操作时间", "新"))
    assert (await browser.open("/citizen/m/account")).document.cssselect(".badge-count") == [], "they have been read"
    assert "账号已清空" in (await browser.open("/citizen/m/notices")).main

    nobody = await village.browser(other)
    page = await nobody.open("/citizen/m/account")
    assert "您尚未绑定“一卡通”账号" in page.main
    assert "暂无通知" in (await nobody.open("/citizen/m/notices")).main
    assert (await nobody.open("/citizen/m/change")).path == "/citizen/m/account"
    foreign = await nobody.open(f"/citizen/m/matters/{request.request_no}")
    assert (foreign.status, foreign.code) == (404, "NOT_FOUND"), "nobody else's"
    asked = await nobody.get(f"/citizen/matters/{request.request_no}")
    assert asked.headers["content-type"] == "application/problem+json", "the API's own address is no page"


async def test_a_county_that_has_the_new_account_already_is_named(village: Village) -> None:
    mei = village.citizen(5)
    await village.cards.settle(mei, OLD, FIRST)
    await village.cards.settle(mei, NEW, THIRD, bank="ABC")
    browser = await village.browser(mei)
    page = await browser.open("/citizen/m/account")
    faces = page.document.cssselect(".face")
    assert len(faces) == 2
    [place] = [at for at, face in enumerate(faces) if OLD in face.text_content()]
    page = await browser.open(f"/citizen/m/change?card={place}")
    ticked = [each.get("value") for each in page.document.cssselect("input[name=counties][checked]")]
    assert ticked == [FIRST], "those of the face that was clicked"
    page = await browser.submit(page, "下一步", **CHANGE, counties=[FIRST, THIRD])
    assert "此区县登记的已是这一账号" in page.main


@pytest.mark.journey(25)
async def test_the_code_is_for_the_browser_that_asked_and_goes_when_its_time_is_over(village: Village) -> None:
    """Journey 25: QR, its expiry, a new one; in another browser it opens nothing."""
    browser, thief = Browser.at(village.office), Browser.at(village.office)
    page = await browser.submit(await browser.open("/citizen/m"), "用手机扫码")
    number = page.path.rpartition("/")[2]
    assert "正在生成二维码" in page.main
    seal = village.office.vault.seal
    await village.cards.run(
        "UPDATE face_login SET stage = 'waiting', url_sealed = :url, expires_at = now() + interval '250 seconds'"
        " WHERE login_no = :no",
        url=seal(Field.DETAIL, number, "https://platform.test/face/1"),
        no=number,
    )
    fragment = await browser.get(f"{page.path}?live=1&stage=opening")
    assert fragment.headers["hx-redirect"] == page.path, "the code appears with the page"
    page = await browser.open(page.path)
    assert all(
        words in page.main
        for words in ("请用 渝快办 APP 扫一扫", "等待扫码", "剩余 4 分", "请勿扫他人发来的码", "渝快办就是您手机上")
    )
    [code] = page.document.cssselect("img.code")
    picture = await browser.get(code.get("src"))
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert (await thief.get(code.get("src"))).status_code == 404
    assert (await thief.open(page.path)).status == 404
    await village.cards.run("UPDATE face_login SET expires_at = now() - interval '1 second'")
    gone = await browser.open(page.path)
    assert "二维码已过期" in gone.main
    assert gone.document.cssselect("img.code") == []
    fresh = await browser.submit(gone, "重新获取二维码")
    assert fresh.path != page.path


@pytest.mark.journey(25)
async def test_a_passed_face_opens_the_account_in_this_browser(village: Village) -> None:
    mei = village.citizen(6)
    await village.cards.settle(mei, OLD, FIRST)
    browser = Browser.at(village.office)
    page = await browser.submit(await browser.open("/citizen/m"), "开始人脸识别")
    number = page.path.rpartition("/")[2]
    await village.cards.run(
        "UPDATE face_login SET stage = 'passed', ended_at = now(), person_index = :person, name_sealed = :name,"
        " id_number_sealed = :id WHERE login_no = :no",
        person=mei.person_index,
        name=village.office.vault.seal(Field.NAME, number, mei.name),
        id=village.office.vault.seal(Field.ID_NUMBER, number, mei.id_number),
        no=number,
    )
    fragment = await browser.get(f"{page.path}?live=1&stage=waiting")
    assert fragment.headers["hx-redirect"] == "/citizen/m/account"
    page = await browser.open("/citizen/m/account")
    assert "我的“一卡通”账号" in page.main
    assert "本次" in (await browser.open(page.link("登录记录"))).main
    assert (await browser.open("/citizen/m")).path == "/citizen/m/account", "who is signed in goes on"
    kept = (await browser.cookies())["onecard_session"]
    page = await browser.submit(page, "退出")
    assert "您已退出" in page.main
    old = Browser.at(village.office)
    await old.put_cookie("onecard_session", kept.value, "/citizen")
    assert (await old.open("/citizen/m/account")).path == "/citizen/m/ended?why=signed_out"


async def test_a_session_that_is_over_says_why_and_loses_nothing(village: Village) -> None:
    mei = village.citizen(7)
    await village.cards.settle(mei, OLD, FIRST)
    browser = await village.browser(mei)
    checked = await filled(browser)
    quiet = await browser.get("/citizen/m/session?live=1")
    assert "继续办理" not in quiet.text
    await village.cards.run("UPDATE face_login SET last_seen_at = now() - interval '28 minutes 30 seconds'")
    warned = await browser.get("/citizen/m/session?live=1")
    assert "继续办理" in warned.text
    [[seen]] = await village.cards.rows("SELECT now() - last_seen_at > interval '28 minutes' FROM face_login")
    assert seen, "looking prolongs nothing"
    await village.cards.run("UPDATE face_login SET last_seen_at = now() - interval '31 minutes'")
    over = await browser.get("/citizen/m/session?live=1")
    assert over.headers["hx-redirect"] == "/citizen/m/ended?why=idle"
    lost = await browser.submit(checked, "提交")
    assert lost.status == 401
    assert "填写的内容还在" in lost.main
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(0,)]
    await browser.put_cookie("onecard_session", await village.session(mei), "/citizen")
    sent = await browser.go_on(lost, "提交")
    assert "申请已收到" in sent.done
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(1,)]
    assert "已自动退出" in (await browser.open("/citizen/m/ended?why=idle")).main
    assert (await Browser.at(village.office).open("/citizen/m/account")).path == "/citizen/m"


async def test_another_persons_form_does_nothing(village: Village) -> None:
    """One browser, two people: the form of the former one is told who is signed in now."""
    mei, yong = village.citizen(8), village.citizen(9)
    for number, each in enumerate((mei, yong)):
        await village.cards.settle(each, card(100 + number), FIRST)
    browser = await village.browser(mei)
    checked = await filled(browser)
    await browser.put_cookie("onecard_session", await village.session(yong), "/citizen")
    refused = await browser.submit(checked, "提交")
    assert refused.status == 409
    assert "您现在以 **9 登录" in refused.main
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(0,)]
    twice = await filled(browser)
    first, second = await browser.submit(twice, "提交"), await browser.submit(twice, "提交")
    assert first.path == second.path
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(1,)], "sent twice, asked once"


async def test_only_an_own_form_changes_anything(village: Village) -> None:
    mei = village.citizen(12)
    await village.cards.settle(mei, OLD, FIRST)
    browser = await village.browser(mei)
    checked = await filled(browser)
    form = checked.form("提交")
    for said in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await browser.post(checked, form, "提交", {}, **said)
        assert answer.status_code == 403, said
    for key in ("", "a.1.b"):
        form.fields["form_key"] = key
        assert (await browser.post(checked, form, "提交", {})).status_code == 409, key
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(0,)]
    linked = await Browser.at(village.office).open("/citizen/m/account", **{"Sec-Fetch-Site": "cross-site"})
    [again] = linked.document.cssselect("meta[http-equiv=refresh]")
    assert again.get("content") == "0; url=/citizen/m/account", "a link from the channel's page asks once more"


async def test_the_first_page_is_light(village: Village) -> None:
    """CONSOLE 2.9: 65 KB on the wire, packed."""
    browser = Browser.at(village.office)
    page = await browser.open("/citizen/m")
    packed = len(gzip.compress(page.answer.content))
    for each in page.document.cssselect("link[href], script[src]"):
        packed += len(gzip.compress((await browser.get(each.get("href") or each.get("src"))).content))
    assert packed <= 65_000, packed


async def test_large_type_and_english_are_a_link_away(village: Village) -> None:
    mei = village.citizen(10)
    await village.cards.settle(mei, OLD, FIRST)
    browser = await village.browser(mei)
    page = await browser.open((await browser.open("/citizen/m/account")).link("大字版"))
    assert (page.document.get("data-size"), page.document.get("data-for"), page.path) == (
        *("large", "citizen"),
        "/citizen/m/account",
    )
    assert page.button("朗读").get("hidden") is not None  # type: ignore[union-attr]
    page = await browser.open(page.link("EN"))
    assert "My one-card account" in page.main
    assert page.menu == ["My account", "Change the account", "Under way", "Finished"]


async def test_too_many_sign_ins_are_told_when_to_come_again(database_url: str, tmp_path: Path) -> None:
    async with open_village(database_url, tmp_path, citizen_logins_per_address_hour=1) as village:
        browser = Browser.at(village.office)
        entry = await browser.open("/citizen/m")
        await browser.submit(entry, "用手机扫码")
        refused = await browser.submit(entry, "用手机扫码")
        refused = await browser.submit(await browser.open("/citizen/m"), "开始人脸识别")
        assert (refused.status, refused.code) == (429, "TOO_MANY_LOGINS")
        assert "分钟后再试" in refused.problem


async def test_a_failed_payment_leads_to_the_change(village: Village) -> None:
    mei = village.citizen(11)
    await village.cards.settle(mei, OLD, FIRST)
    news = News(
        county_code=FIRST,
        person_index=mei.person_index,
        kind=NoticeKind.PAYMENT_FAILED,
        cause="payment/1",
        explanation="补贴发放失败：账户已冻结，请申请变更账号，变更后补发",
        error_code="account_frozen",
    )
    await village.cards.act(lambda session: notify(session, village.office.vault, news))
    browser = await village.browser(mei)
    page = await browser.open("/citizen/m/notices")
    assert page.link("去变更") == "/citizen/m/change"

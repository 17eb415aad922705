"""Journeys 1, 2 and 3 of the console, through its pages without scripts; and what a session's cookie keeps."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import html

from models.words.refusals import Refusal
from models.words.staff import Role
from tests.browser import Browser, Page
from tests.rows import ADMIN, AUDITOR, COUNTY, OPERATOR, SECOND_ADMIN, Office, citizen_id, open_office
from tests.sign_ins import PASSWORD, Phone


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def invite(office: Office, *roles: str, place: int = 1) -> Page:
    admin = await Browser.at(office).sign_in(ADMIN)
    page = await admin.open("/console/people/invite")
    return await admin.submit(
        page, "邀请", subject=f"wu.fang{place}", name="吴芳", id_number=citizen_id(place), roles=list(roles)
    )


def code_on(page: Page) -> str:
    return str(page.document.cssselect("p.big code")[0].text_content())


async def first_time_in(office: Office, code: str, login: str = "wu.fang1") -> tuple[Browser, Phone, Page]:
    browser = Browser.at(office)
    page = await browser.open("/console/flows?stage=paying")
    page = await browser.submit(page, "登录", name=login, password=code)
    assert "设置密码" in page.main
    page = await browser.submit(page, "下一步", password=PASSWORD, again="something else")
    assert "两次输入的密码不同" in page.problem
    # a password is never sent back, whatever the page is shown again for
    assert PASSWORD not in html.tostring(page.document, encoding="unicode")
    page = await browser.submit(page, "下一步", password=PASSWORD, again=PASSWORD)
    assert page.document.cssselect("img.qr")[0].get("src").startswith("data:image/svg+xml;base64,")
    phone = Phone(str(page.document.cssselect("code")[0].text_content()))
    page = await browser.submit(page, "完成登录", code="000000")
    assert (page.status, page.code) == (401, "SIGN_IN_REFUSED")
    assert page.document.cssselect("img.qr")
    return browser, phone, await browser.submit(page, "完成登录", code=phone.code())


@pytest.mark.journey(1)
async def test_an_invited_clerk_signs_in_and_stands_where_the_link_led(office: Office) -> None:
    """Journey 1."""
    handed = await invite(office, "operator")
    code = code_on(handed)
    assert code not in handed.path
    browser, phone, page = await first_time_in(office, code)
    assert page.path == "/console/flows?stage=paying"
    assert "吴芳（县操作员）" in page.text
    cookie = (await browser.cookies())["onecard_staff"]
    assert (cookie.path, cookie.secure, cookie.http_only) == ("/console", True, True)
    assert (cookie.same_site, cookie.lasting) == ("strict", False)

    # out: the secret that somebody may have copied opens nothing any more
    page = await browser.submit(page, action="/console/sign-out")
    assert "已退出" in page.main
    await browser.put_cookie("onecard_staff", cookie.value, "/console")
    assert (await browser.get("/console/flows")).headers["location"].startswith("/console/sign-in")

    page = await browser.open("/console/sign-in?next=https://evil.test/console")
    page = await browser.submit(page, "登录", name="WU.fang1", password=PASSWORD)
    phone.ahead = 1
    page = await browser.submit(page, "完成登录", code=phone.code())
    assert page.path == "/console"
    again = (await browser.cookies())["onecard_staff"]
    assert again.value != cookie.value, "a session that somebody planted beforehand is not the one that is opened"


@pytest.mark.journey(1)
async def test_five_wrong_ones_lock_and_nobody_learns_who_exists(office: Office) -> None:
    await first_time_in(office, code_on(await invite(office, "operator")))
    told = {}
    for login in ("wu.fang1", "nobody.here"):
        browser = Browser.at(office)
        page = await browser.open("/console/sign-in")
        answers = []
        for _ in range(6):
            page = await browser.submit(page, "登录", name=login, password="a wrong password")
            answers.append((page.status, page.code, page.problem))
        told[login] = answers
    assert [code for _, code, _ in told["wu.fang1"]] == ["SIGN_IN_REFUSED"] * 5 + ["SIGN_IN_LOCKED"]
    assert told["wu.fang1"] == told["nobody.here"]
    for path in browser.seen:
        assert "nobody" not in path
        assert "password" not in path


@pytest.mark.journey(1)
async def test_a_reviewer_is_confirmed_by_a_second_and_chooses_a_role(office: Office) -> None:
    page = await invite(office, "operator", "reviewer")
    assert "已提出，待另一名县管理员确认" in page.done
    assert page.button("确认") is None
    second = await Browser.at(office).sign_in(SECOND_ADMIN)
    page = await second.open(page.path)
    code = code_on(await second.submit(page, action="/confirmation"))
    browser, _, page = await first_time_in(office, code)
    assert "选择身份" in page.main
    page = await browser.submit(page, "审核人")
    assert "吴芳（审核人）" in page.text
    page = await browser.submit(await browser.open("/console/switch"), "退出并重新登录")
    assert "登录" in page.main
    assert page.path == "/console/sign-in"
    page = await second.open("/console/people")
    assert "wu.fang1" in {row["登录名"] for row in page.rows()}
    page = await second.submit(await second.open("/console/people/wu.fang1"), "锁定")
    assert "已锁定" in page.main
    own = await second.open(f"/console/people/{SECOND_ADMIN}")
    assert "本人的角色、状态和登录由另一名县管理员办理" in own.main
    assert own.button("锁定") is None
    auditor = await (await Browser.at(office).sign_in(AUDITOR)).open("/console/people/wu.fang1")
    assert auditor.button("解除锁定") is None
    clerk = await (await Browser.at(office).sign_in(OPERATOR)).open("/console/people")
    assert (clerk.status, clerk.code) == (403, "ROLE_NOT_ALLOWED")


async def test_an_act_that_wants_a_code_asks_for_it_with_what_was_typed(office: Office) -> None:
    """The last code is older than five minutes: the form comes back with a field for one, and nothing is lost."""
    browser, phone, _ = await first_time_in(office, code_on(await invite(office, "operator")))
    await office.run("UPDATE person SET roles = '{county_admin}' WHERE subject = 'wu.fang1'")
    await office.run(
        "UPDATE staff_session SET role = 'county_admin', code_at = now() - interval '6 minutes' WHERE person_id ="
        " (SELECT id FROM person WHERE subject = 'wu.fang1')"
    )
    page = await browser.open("/console/people/invite")
    given = {"subject": "he.ping", "name": "何平", "id_number": citizen_id(9), "roles": ["operator"]}
    page = await browser.submit(page, "邀请", **given)
    assert (page.status, page.code) == (403, "CODE_NEEDED")
    assert page.form("邀请").fields["subject"] == "he.ping"
    page = await browser.submit(page, "邀请", step_code="123456")
    assert "验证码不对或已用过" in page.problem
    phone.ahead = 1
    page = await browser.submit(page, "邀请", step_code=phone.code())
    assert re.fullmatch(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){2}", code_on(page))


@pytest.mark.journey(2)
async def test_a_session_that_ends_under_a_filled_form_loses_nothing(office: Office) -> None:
    """Journey 2: what was typed stays, one signs in beside it, and the same form goes through once."""
    office.staff.add_known(ADMIN, COUNTY)
    browser = await Browser.at(office).sign_in(ADMIN)
    page = await browser.open("/console/people/invite")
    form = page.form("邀请")
    given = {"subject": "he.ping", "name": "何平", "id_number": citizen_id(9), "roles": ["operator"]}
    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '31 minutes'")
    ended = await browser.send(page, form, "邀请", given)
    assert ended.status == 401
    assert "填写的内容还在" in ended.main
    assert await office.rows("SELECT 1 FROM person WHERE subject = 'he.ping'") == []
    await browser.sign_in(ADMIN)
    assert "填写的内容还在那里" in (await browser.open("/console/signed-in")).main
    page = await browser.go_on(ended, "邀请")
    assert code_on(page)
    again = await browser.go_on(ended, "邀请")
    assert code_on(again) == code_on(page)
    assert len(await office.rows("SELECT 1 FROM person WHERE subject = 'he.ping'")) == 1


async def test_whoever_is_out_is_told_why(office: Office) -> None:
    """At the sign-in, beside a form that was sent too late, and on a page that lies open."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/me")
    assert "已退出" not in (await browser.open("/console/sign-in")).main
    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '31 minutes'")
    assert "您长时间没有操作" in (await browser.open("/console/flows")).main
    assert "您长时间没有操作" in (await browser.submit(page, action="/console/me/password")).main
    open_page = await browser.get("/console/leaving?live=1")
    assert (open_page.status_code, "您长时间没有操作" in open_page.text) == (286, True)
    assert (await browser.get("/console/badge?live=1")).text == ""
    await office.run("UPDATE staff_session SET opened_at = now() - interval '11 hours', last_seen_at = now()")
    assert "登录时间已满" in (await browser.open("/console/flows")).main

    elsewhere = await Browser.at(office).sign_in(OPERATOR)
    assert "您的账号已在别处登录" in (await browser.open("/console/flows")).main
    await office.post(f"/staff/people/{OPERATOR}/lock", {}, ADMIN)
    assert "您的登录已被锁定或停用" in (await elsewhere.open("/console/flows")).main
    await office.post(f"/staff/people/{OPERATOR}/unlock", {}, ADMIN)
    assert "您的登录已被锁定或停用" in (await elsewhere.open("/console/flows")).main
    await elsewhere.sign_in(OPERATOR)
    await office.post(f"/staff/people/{OPERATOR}/roles", {"roles": ["operator", "auditor"]}, ADMIN)
    assert "您的角色、密码或登录方式已变更" in (await elsewhere.open("/console/flows")).main

    await elsewhere.sign_in(OPERATOR)
    await elsewhere.submit(await elsewhere.open("/console/me"), action="/console/sign-out")
    assert "您长时间" not in (await elsewhere.open("/console/sign-in")).main
    elsewhere.http.cookies.set("onecard_staff", "nobody's", path="/console")
    assert "已退出" not in (await elsewhere.open("/console/sign-in")).main
    never = await office.post("/staff/sign-ins/ended", {"session": "nobody's"})
    assert never.json() == {"over_by": None, "over_by_label": None}


async def test_ones_own_account(office: Office) -> None:
    browser, phone, _ = await first_time_in(office, code_on(await invite(office, "operator")))
    page = await browser.open("/console/me")
    assert "吴芳" in page.main
    page = await browser.submit(page, action="/console/me/authenticator")
    other = Phone(str(page.document.cssselect("code")[0].text_content()))
    page = await browser.submit(page, "改用新的验证器", code="000000")
    assert "验证码不对" in page.problem
    page = await browser.submit(page, "改用新的验证器", code=other.code())
    assert "已改用新的验证器" in page.done
    new = {"new": "another long password", "again": "another long password"}
    page = await browser.submit(page, "更改密码", old="not the one", **new)
    assert "现在的密码不对" in page.problem
    page = await browser.submit(page, "更改密码", old=PASSWORD, **new)
    assert page.path.startswith("/console/sign-in")
    assert "密码已更改" in page.done
    assert phone.secret != other.secret


async def test_help_names_every_problem(office: Office) -> None:
    page = await (await Browser.at(office).sign_in("zhou.min", role=Role.APPLICANT)).open("/console/help")
    assert {row["代码"] for row in page.rows()} == {each.value for each in Refusal}
    assert "我的账号" in page.menu
    assert "人员" not in page.menu

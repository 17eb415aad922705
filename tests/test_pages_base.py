"""What every page keeps: who stands here, whose form it is, what a refusal looks like, and what stays in a browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import html

from api.pages.form_keys import GOOD_FOR_SECONDS, FormKeys
from models.words.staff import Role
from tests.browser import BASE, Browser
from tests.rows import OPERATOR, REVIEWER, Office, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def test_who_has_no_session_is_asked_to_sign_in_and_comes_back(office: Office) -> None:
    browser = Browser.at(office)
    answer = await browser.get("/console/flows?stage=paying")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Fflows%3Fstage%3Dpaying",
    )


@pytest.mark.journey(3)
async def test_a_link_from_another_site_opens_signed_in(office: Office) -> None:
    """It arrives without the cookie: the page asks once more by itself, and then it is there."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.arrive("/console/flows?stage=paying")
    assert (page.status, page.path) == (200, "/console/flows?stage=paying")
    assert "李操作（县操作员）" in page.text


async def test_a_page_shows_person_county_and_menu(office: Office) -> None:
    page = await (await Browser.at(office).sign_in(OPERATOR)).open("/console/flows")
    assert "李操作（县操作员）" in page.text
    assert "500001" in page.text
    assert "启动补贴流程" in page.menu
    assert page.title.startswith("启动补贴流程")


async def test_refusals_are_pages_in_the_words_of_the_api(office: Office) -> None:
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/flows/500003-L2026-0001")
    assert (page.status, page.code) == (404, "NOT_FOUND")
    assert "只能查看和办理本区县的补贴流程" in page.problem
    nowhere = await browser.open("/console/no-such-page")
    assert (nowhere.status, nowhere.code) == (404, "NOT_FOUND")


async def test_language_size_and_colours_are_kept_and_lead_nowhere_else(office: Office) -> None:
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open((await browser.open("/console/flows")).link("EN"))
    assert page.document.get("lang") == "en"
    assert "Subsidy flows" in page.menu
    page = await browser.open("/console/look?to=zh.huge.dark&back=/console/flows")
    assert (page.document.get("data-size"), page.document.get("data-bs-theme"), page.path) == (
        "huge",
        "dark",
        "/console/flows",
    )
    for elsewhere in ("https://evil.test/", "//evil.test/console", "/console\\evil", "/docs"):
        answer = await browser.http.get("/console/look", params={"to": "zh", "back": elsewhere})
        assert answer.headers["location"] == "/console", elsewhere


async def test_only_a_form_of_ones_own_does_anything(office: Office) -> None:
    """Another site, no key, somebody else's key, one of another act, an altered and an old one: nothing is done."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    keys: FormKeys = office.app.state.door.form_keys
    own = f"500001/operator/{OPERATOR}"
    path = "/console/flows"
    good = keys.mint(own, path)
    own_site = {"Sec-Fetch-Site": "same-origin"}

    async def sent(key: str, **headers: str) -> int:
        return (await browser.http.post(path, data={"form_key": key}, headers=headers)).status_code

    assert await sent(good, **own_site) == 404  # passed the window: there is no such act
    assert await sent(good, Origin=BASE) == 404
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}, {}):
        assert await sent(good, **headers) == 403, headers
    aged = f"x.{int(__import__('time').time()) - GOOD_FOR_SECONDS - 1}"
    old = f"{aged}.{keys._proof(own, path, aged)}"
    others = keys.mint(f"500001/reviewer/{REVIEWER}", path)
    for bad in ("", "a.b.c", others, keys.mint(own, "/console/other"), good[:-1] + "~", old):
        assert await sent(bad, **own_site) == 409, bad


async def test_a_tab_of_the_former_person_is_told_who_is_signed_in_now(office: Office) -> None:
    """One browser, two persons: what the first had open does nothing any more."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    tab = await browser.open("/console/flows")
    await browser.sign_in(REVIEWER)
    told = await browser.submit(tab, "退出")
    assert (told.status, "您现在以 王审核（审核人） 登录" in told.main) == (409, True)
    assert (await browser.open("/console/flows")).status == 200, "and nobody was signed out"


async def test_static_files_are_named_by_what_they_hold_and_kept(office: Office) -> None:
    browser = Browser.at(office)
    page = await browser.open("/console/flows", **{"Sec-Fetch-Site": "cross-site"})
    for address in [e.get("href") or e.get("src") for e in page.document.cssselect("link[href], script[src]")]:
        answer = await browser.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await browser.get(address.replace("/static/", "/static/x"))).status_code == 404


async def test_a_role_sees_only_its_menus(office: Office) -> None:
    page = await (await Browser.at(office).sign_in("app.licant", role=Role.APPLICANT)).open("/console")
    assert "启动补贴流程" not in page.menu


async def test_what_was_meant_for_programs_becomes_a_page(office: Office) -> None:
    """A body that is too large is refused before anybody reads it, and a person reads that as a page."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    answer = await browser.http.post(
        "/console/flows", data={"form_key": "x" * 2_000_000}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert "请缩小文件或分几次提交" in answer.text


async def test_a_long_form_of_nobody_known_is_left_unread(office: Office) -> None:
    browser = Browser.at(office)
    data = {"form_key": "k", "name": "李" * 30_000}
    answer = await browser.http.post("/console/flows", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401
    assert "登录已失效" in answer.text
    assert "李李" not in answer.text


async def test_a_session_that_is_about_to_end_says_so_and_goes_on_when_asked(office: Office) -> None:
    """The asking itself is no sign of life; the button is."""
    browser = await Browser.at(office).sign_in(OPERATOR)
    assert (await browser.get("/console/leaving?live=1")).status_code == 204
    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '28 minutes'")
    asked = await browser.get("/console/leaving?live=1")
    assert "继续办理" in asked.text
    assert "继续办理" in (await browser.get("/console/leaving?live=1")).text
    key = asked.text.partition('name="form_key" value="')[2].partition('"')[0]
    said = {"Sec-Fetch-Site": "same-origin"}
    stayed = await browser.http.post("/console/leaving", data={"form_key": key}, headers=said)
    assert "可以继续办理" in stayed.text
    assert (await browser.get("/console/leaving?live=1")).status_code == 204


async def test_what_a_list_asks_for_itself_comes_without_top_and_menu(office: Office) -> None:
    browser = await Browser.at(office).sign_in(OPERATOR)
    said = {"HX-Request": "true", "HX-Target": "list"}
    answer = await browser.http.get("/console/flows?stage=paying", headers=said)
    found = html.document_fromstring(answer.text)
    assert found.get_element_by_id("list").text_content().strip()
    assert "补贴流程" in str(found.findtext(".//title"))
    assert not found.cssselect("header, nav.side, script")

"""Every page that decides about money or identity (tests/decision_pages.py), against what goes wrong in offices."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import html

from deploy.stack.objects import Access
from tests.browser import Browser, Page
from tests.decision_pages import DECISIONS, DecisionPage
from tests.rows import OTHER_COUNTY, Office, count_of, open_office, s3_knobs

pages = pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, **s3_knobs(s3_settings)) as opened:
        yield opened


async def opened(office: Office, page: DecisionPage, address: str, who: str) -> tuple[Browser, Page]:
    browser = await Browser.at(office).sign_in(who, role=page.role)
    shown = await browser.open(address)
    if page.through is not None:
        shown = await page.through(browser, shown)
    assert shown.status == 200, shown.problem
    return browser, shown


async def sent(browser: Browser, page: DecisionPage, shown: Page, **headers: str) -> tuple[int, str]:
    """The form filled and sent: status, and the code of the refusal, "" where there is none."""
    answer = await browser.post(shown, shown.form(page.button), page.button, page.fields, **headers)
    document = html.document_fromstring(answer.text or "<html></html>")
    return answer.status_code, Page(answer, document).code


@pages
async def test_a_decision_is_taken_once_whatever_happens_on_the_way(office: Office, page: DecisionPage) -> None:
    """Foreign origins, another county, a doubled click, and the form once more after it was done."""
    address = await page.ground(office)
    browser, shown = await opened(office, page, address, page.who)
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert await sent(browser, page, shown, **foreign) == (403, "OTHER_SITE")
    elsewhere = await Browser.at(office).sign_in(page.who, OTHER_COUNTY, page.role)
    assert (await elsewhere.open(address)).status == 404
    # a form of this county, sent by somebody of another one
    assert (await sent(elsewhere, page, shown))[0] == 409
    assert await count_of(office, page.done) == 0
    twice = await asyncio.gather(sent(browser, page, shown), sent(browser, page, shown))
    # the second of a doubled click waits for the first, or is told that it is still being done
    assert (page.done_status, "") in twice
    assert await sent(browser, page, shown) == (page.done_status, "")
    assert await count_of(office, page.done) == 1


@pages
async def test_of_two_persons_at_once_one_decides_and_the_other_is_told(office: Office, page: DecisionPage) -> None:
    address = await page.ground(office)
    first, second = [await opened(office, page, address, who) for who in (page.who, page.second)]
    answers = await asyncio.gather(sent(first[0], page, first[1]), sent(second[0], page, second[1]))
    assert sorted(status for status, _ in answers) == [page.done_status, 409], answers
    assert await count_of(office, page.done) == 1


@pages
async def test_a_cut_line_does_it_once(office: Office, page: DecisionPage) -> None:
    """Whoever hears nothing sends the form again, while the first is still being done and after it."""
    address = await page.ground(office)
    browser, shown = await opened(office, page, address, page.who)
    unheard = []
    for pause in (0.0, 0.02, 0.1):
        unheard.append(asyncio.create_task(sent(browser, page, shown)))
        await asyncio.wait(unheard, timeout=pause)
    assert await sent(browser, page, shown) == (page.done_status, "")
    await asyncio.gather(*unheard)
    assert await count_of(office, page.done) == 1


@pages
async def test_a_form_outlives_its_session(office: Office, page: DecisionPage) -> None:
    address = await page.ground(office)
    browser, shown = await opened(office, page, address, page.who)
    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '1 day'")
    answer = await browser.post(shown, shown.form(page.button), page.button, page.fields)
    assert answer.status_code == 401
    assert "登录已失效，没有作任何改动" in answer.text
    assert await count_of(office, page.done) == 0
    await browser.sign_in(page.who, role=page.role)
    assert await sent(browser, page, shown) == (page.done_status, "")
    assert await count_of(office, page.done) == 1


@pages
async def test_a_stale_page_decides_nothing_and_says_so(office: Office, page: DecisionPage) -> None:
    address = await page.ground(office)
    browser, shown = await opened(office, page, address, page.who)
    await office.run(page.moved)
    status, code = await sent(browser, page, shown)
    assert (status, code in page.stale) == (409, True), code
    assert await count_of(office, page.done) == 0

"""Summaries and payments in a real browser: journey 20 with a doubled click, 21 on the open page, every look."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.stack.objects import Access
from tests.api_server import serving
from tests.chromium import Chromium, chromium, sideways, violations
from tests.decision_pages import confirmation_ground, review_ground, settlement_ground
from tests.rows import OPERATOR, REVIEWER, SECOND, Line, Office, count_of, open_office, s3_knobs
from tests.test_payment_pages import arrives, paying


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    knobs = s3_knobs(s3_settings)
    async with open_office(database_url, tmp_path, citizen_cookies_secure=False, **knobs) as opened:
        yield opened


@pytest.fixture
async def seen(office: Office) -> AsyncIterator[Chromium]:
    async with serving(office.app) as url, chromium(url) as opened:
        yield opened


@pytest.mark.parametrize("look", ["zh.normal.light", "zh.huge.contrast"])
async def test_pages_of_summaries_and_payments_are_whole_in_every_look(
    office: Office, seen: Chromium, look: str
) -> None:
    review = await review_ground(office)
    flow_no = review.split("/")[3]
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
    confirmation, settlement = await confirmation_ground_of(office), await settlement_ground(office)
    page = await seen.window(await office.sign_in(SECOND), look=look)
    found = []
    for path in (
        *("/console/summaries?status=ended", f"/console/summaries/{flow_no}", review, confirmation, settlement),
        *(f"/console/payments?flow_no={flow_no}", f"/console/payments/bar?flow_no={flow_no}"),
        *(f"/console/payments/{flow_no}/acts/evidence", f"/console/prints/flows/{flow_no}"),
    ):
        await page.goto(path)
        found += await violations(page)
        if await sideways(page):
            found.append(f"{path} scrolls sideways by {await sideways(page)}")
    assert found == []


async def confirmation_ground_of(office: Office) -> str:
    """Beside another flow: its own county's is over by then."""
    address = await confirmation_ground(office)
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed'")
    return address


async def test_journey_20_in_a_browser_a_double_click_pays_once(office: Office, seen: Chromium) -> None:
    place = await confirmation_ground(office)
    page = await seen.window(await office.sign_in(SECOND))
    await page.goto(place)
    await page.get_by_label("发放笔数").fill("2")
    await page.get_by_label("发放金额（元）").fill("1236.55")
    await page.get_by_role("button", name="确认发放").click()
    await page.get_by_text("与已批准的汇总不一致").first.wait_for()
    assert await violations(page) == []
    await page.get_by_label("发放金额（元）").fill("1236.56")
    await page.get_by_role("button", name="确认发放").dblclick()
    await page.get_by_role("status").get_by_text("已确认发放", exact=True).wait_for()
    assert await count_of(office, "trail_entry WHERE act = 'payments.confirmed'") == 1


async def test_journey_21_in_a_browser_payments_arrive_on_the_open_page(office: Office, seen: Chromium) -> None:
    flow_no, numbers = await paying(office, [Line(amount_fen=100), Line(amount_fen=200)])
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto(f"/console/payments?flow_no={flow_no}")
    await page.get_by_text("发放成功 0").or_(page.get_by_text("待发放 2")).first.wait_for()
    await arrives(office, numbers[0], "paid", 1)
    await page.get_by_text("待发放 1").first.wait_for()
    # what the page asks for by itself changes neither where one is nor what it is called
    assert page.url.endswith(f"/console/payments?flow_no={flow_no}")
    assert "发放结果查询" in await page.title()
    assert await violations(page) == []
    without = await seen.window(await office.sign_in(REVIEWER), scripts=False)
    await without.goto(f"/console/payments?flow_no={flow_no}")
    await without.get_by_role("link", name="按结果和原因的合计").click()
    await without.get_by_text("待发放 1").first.wait_for()

"""统一身份认证 in a real browser: the way to the provider's site and back, with axe on each page of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.api_server import serving
from tests.chromium import Chromium, chromium, sideways, violations
from tests.oidc_provider import Provider, provider
from tests.rows import Office, count_of
from tests.sign_ins import Phone
from tests.test_oidc import BUTTON, invited, signing_in_by


@pytest.fixture
async def idp() -> AsyncIterator[Provider]:
    async with provider() as opened:
        yield opened


@pytest.fixture
async def office(idp: Provider, database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with signing_in_by(idp, database_url, tmp_path, citizen_cookies_secure=False) as opened:
        yield opened


@pytest.fixture
async def seen(office: Office, idp: Provider) -> AsyncIterator[Chromium]:
    """The pages under another name than the provider: two sites, as they are."""
    async with serving(office.app) as url:
        origin = url.replace("127.0.0.1", "localhost")
        idp.returns = f"{origin}/console/sign-in/oidc"
        known = office.parts.provider
        assert known is not None
        known._known = replace(known._known, redirect_url=idp.returns)
        async with chromium(origin) as opened:
            yield opened
            # the one other site that may be led to, and the way back; their hexadecimal numbers are nobody's
            known_way = (f"{idp.url}/authorize?", f"{idp.returns}?")
            opened.loaded[:] = [address for address in opened.loaded if not address.startswith(known_way)]


async def faults(page: Page) -> list[str]:
    return [*await violations(page), *([f"{page.url} scrolls sideways"] if await sideways(page) else [])]


@pytest.mark.parametrize("look", ["zh.normal.light", "en.huge.dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_each_page_on_the_way_is_whole(
    office: Office, seen: Chromium, idp: Provider, look: str, phone: bool
) -> None:
    await invited(office, "wu.fang")
    page = await seen.window(look=look, phone=phone)
    await page.goto("/console/sign-in")
    found = await faults(page)
    # a browser without htmx is shown a page that leads on; it stays while the provider says nothing
    await page.route("**/htmx.min.js", lambda route: route.abort())
    await page.route(f"{idp.url}/**", lambda route: route.fulfill(status=204))
    await page.goto("/console/sign-in")
    await page.locator("main form button").click()
    await page.locator(f"main a[href^='{idp.url}/']").wait_for()
    found += await faults(page)
    await page.unroute_all()
    await page.locator(f"main a[href^='{idp.url}/']").click()
    await page.locator("[name=name]").wait_for()
    found += await faults(page)
    await page.locator("[name=name]").fill("wu.fang")
    await page.locator("[name=code]").fill("ABCD-EFGH-JKMN")
    await page.locator("main form button").click()
    await page.locator("section.notice.bad").wait_for()
    assert found + await faults(page) == []


async def test_a_clerk_binds_the_identity_once_and_then_signs_in_by_it(
    office: Office, seen: Chromium, idp: Provider
) -> None:
    code = await invited(office, "wu.fang")
    page = await seen.window()
    await page.goto("/console/flows?stage=paying")
    await page.get_by_role("button", name=BUTTON).click()
    await page.get_by_role("heading", name="首次登录").wait_for()
    await page.get_by_label("登录名").fill("wu.fang")
    await page.get_by_label("一次性登录码").fill(code)
    await page.get_by_role("button", name="绑定").click()
    secret = page.locator("main code").first
    await secret.wait_for(state="attached")
    assert await faults(page) == []
    await page.get_by_label("验证码").fill(Phone(str(await secret.text_content())).code())
    await page.get_by_role("button", name="完成登录").click()
    await page.get_by_role("heading", name="补贴流程").or_(page.get_by_role("heading", name="启动补贴流程")).wait_for()
    assert page.url.endswith("/console/flows?stage=paying")
    await page.locator("details.person summary").click()
    await page.get_by_role("button", name="退出").first.click()
    # again: no code and no binding; the strict cookie is there although one comes from another site
    await page.goto("/console/sign-in?next=/console/imports")
    await page.get_by_role("button", name=BUTTON).click()
    await page.wait_for_url("**/console/imports")
    assert "吴芳" in await page.locator("details.person").inner_text()
    assert await count_of(office, "staff_session WHERE ended_at IS NULL") == 1

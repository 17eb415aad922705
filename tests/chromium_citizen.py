"""The citizens' pages in a real browser: card face, change, code; every look, keyboard alone, without scripts."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from models.store.cards.requests import Citizen
from models.words.refusals import Refusal
from tests.api_server import serving
from tests.card_ground import FIRST, SECOND, card
from tests.chromium import Chromium, chinese_left, chromium, sideways, small_targets, violations
from tests.citizen_pages import Village, open_village

OLD, NEW = card(1), card(500_001)
LOOKS = [f"zh.{size}.{colours}" for size in ("normal", "huge") for colours in ("light", "dark", "contrast")]
# the longest words in the largest type
LOOKS[LOOKS.index("zh.huge.light")] = "en.huge.light"
_FOCUSED = "() => document.activeElement.name || document.activeElement.textContent.trim()"
PAGES = ("account", "change", "counties", "matters", "finished", "notices", "sign-ins")


@pytest.fixture
async def village(database_url: str, tmp_path: Path) -> AsyncIterator[Village]:
    async with open_village(database_url, tmp_path, citizen_cookies_secure=False) as opened:
        yield opened


@pytest.fixture
async def seen(village: Village) -> AsyncIterator[Chromium]:
    async with serving(village.office.app) as url, chromium(url) as opened:
        yield opened


@pytest.fixture
async def mei(village: Village) -> Citizen:
    citizen = village.citizen(1)
    await village.cards.settle(citizen, OLD, FIRST, SECOND)
    return citizen


async def signed_in(village: Village, seen: Chromium, mei: Citizen, **more: object) -> Page:
    page = await seen.window(phone=True, **more)  # type: ignore[arg-type]
    secret, host = await village.session(mei), urlsplit(seen.origin).hostname
    cookie = {"name": "onecard_session", "value": secret, "domain": host, "path": "/citizen", "httpOnly": True}
    await page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


async def wide(page: Page) -> list[str]:
    """What stands out at the right."""
    return await page.evaluate(
        """() => [...document.querySelectorAll('main *, header *')]
          .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
          .map((e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}`).slice(-5)"""
    )


async def fill(page: Page) -> None:
    await page.get_by_label("银行账号").fill(" ".join(NEW[at : at + 4] for at in range(0, len(NEW), 4)))
    await page.get_by_label("开户行").select_option("ABC")
    await page.get_by_label("本人持有账号").check()


@pytest.mark.parametrize("look", LOOKS)
async def test_each_page_is_whole_in_every_look(village: Village, seen: Chromium, mei: Citizen, look: str) -> None:
    page = await signed_in(village, seen, mei, look=look)
    await village.cards.in_review(mei, NEW, FIRST)
    found = []
    for path in PAGES:
        await page.goto(f"/citizen/m/{path}")
        found += await violations(page)
        assert await sideways(page) == 0, f"{path}: {await wide(page)}"
        found += [f"{path}: {each}" for each in await small_targets(page, 60 if "huge" in look else 44)]
    await page.goto("/citizen/m")
    assert found + await violations(page) == []


async def test_a_card_is_changed_on_a_phone(village: Village, seen: Chromium, mei: Citizen) -> None:
    """Journey 24 by finger: a missing star, then the right one; a reload after the act asks nothing twice."""
    page = await signed_in(village, seen, mei)
    await page.goto("/citizen/m/account")
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=f"{folder}/citizen.png")
    await page.get_by_role("link", name="变更申请").click()
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_text("还不能办理，请改正").wait_for()
    assert await page.evaluate("() => document.activeElement.getAttribute('role')") == "alert"
    assert await violations(page) == []
    await fill(page)
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_role("heading", name="请核对").wait_for()
    assert await violations(page) == []
    await page.get_by_role("button", name="提交").dblclick()
    await page.get_by_text("申请已收到").wait_for()
    await page.reload()
    assert await village.cards.rows("SELECT count(*) FROM card_change") == [(1,)]
    assert NEW not in page.url


@pytest.mark.journey(30)
async def test_a_card_is_changed_by_the_keyboard_alone(village: Village, seen: Chromium, mei: Citizen) -> None:
    page = await signed_in(village, seen, mei)
    await page.goto("/citizen/m/change?card=0")

    async def reach(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await page.evaluate(_FOCUSED) == name:
                return
        raise AssertionError(f"{name} is not reached")

    await reach("account_no")
    await page.keyboard.type(NEW)
    await reach("bank_code")
    await page.keyboard.press("ArrowDown")
    await reach("authorised")
    await page.keyboard.press("Space")
    await reach("下一步：核对")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="请核对").wait_for()
    await reach("提交")
    await page.keyboard.press("Enter")
    await page.get_by_text("申请已收到").wait_for()


@pytest.mark.journey(30)
async def test_a_card_is_changed_without_scripts(village: Village, seen: Chromium, mei: Citizen) -> None:
    page = await signed_in(village, seen, mei, scripts=False)
    await page.goto("/citizen/m/account")
    await page.get_by_role("link", name="变更申请").click()
    await fill(page)
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_role("button", name="提交").click()
    await page.get_by_text("申请已收到").wait_for()
    assert await page.get_by_role("button", name="朗读").count() == 0, "hidden where it can't be done"


async def test_in_english_nothing_but_data_is_chinese(village: Village, seen: Chromium, mei: Citizen) -> None:
    page = await signed_in(village, seen, mei, look="en.normal.light")
    await village.cards.in_review(mei, NEW, FIRST)
    for path in (*PAGES, "ended?why=idle", ""):
        await page.goto(f"/citizen/m/{path}".rstrip("/"))
        assert await chinese_left(page) == [], path


async def test_the_page_is_left_when_the_session_is_over(village: Village, seen: Chromium, mei: Citizen) -> None:
    """Signed in elsewhere: the personal data go from the screen."""
    page = await signed_in(village, seen, mei)
    await page.clock.install()
    await page.goto("/citizen/m/account")
    await village.cards.run(
        "UPDATE face_login SET session_ended_at = now(), over_by = 'elsewhere' WHERE session_ended_at IS NULL"
    )
    await page.clock.fast_forward(61_000)
    await page.get_by_text("已在别处登录").wait_for()
    assert OLD[-4:] not in await page.content()
    assert Refusal.SESSION_ELSEWHERE not in page.url

"""The reviewer's desk in a real browser: in every look, by keyboard alone, without scripts, on a phone."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from models.tables.catalogs import CatalogList
from tests.api_server import serving
from tests.card_ground import BANK, OTHER_BANK, Cards, card, person
from tests.chromium import Chromium, chinese_left, chromium, sideways, small_targets, violations
from tests.rows import COUNTY, REVIEWER, Office, open_office

LOOKS = [f"zh.{size}.{colours}" for size in ("normal", "huge") for colours in ("light", "dark", "contrast")]
DESK = "/console/card-changes"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, citizen_cookies_secure=False) as opened:
        names = [{"code": code, "name": name} for code, name in ((BANK, "中国工商银行"), (OTHER_BANK, "中国农业银行"))]
        async with opened.database.transaction() as session:
            session.add(CatalogList(county_code=COUNTY, kind="banks", fund_year=0, items=names))
        yield opened


@pytest.fixture
async def seen(office: Office) -> AsyncIterator[Chromium]:
    async with serving(office.app) as url, chromium(url) as opened:
        yield opened


async def asked(office: Office, *numbers: int) -> list[str]:
    cards, parts = Cards(office.database, office.vault), []
    for number in numbers:
        citizen = person(cards.vault, number)
        await cards.settle(citizen, card(number), COUNTY)
        request = await cards.in_review(citizen, card(100 + number), COUNTY)
        parts.append(f"{request.request_no}.{COUNTY}")
    return parts


async def stages(office: Office) -> list[str]:
    return [str(stage) for (stage,) in await office.rows("SELECT stage FROM card_change_part ORDER BY id")]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_the_desk_is_whole_in_every_look(office: Office, seen: Chromium, look: str, phone: bool) -> None:
    part, *_ = await asked(office, 1, 2)
    page = await seen.window(await office.sign_in(REVIEWER), phone=phone, look=look)
    await page.goto(f"{DESK}/{part}")
    assert await violations(page) == []
    assert await sideways(page) == 0
    if phone:
        assert await small_targets(page, 60 if "huge" in look else 44) == []


async def test_it_is_worked_by_keyboard_alone(office: Office, seen: Chromium) -> None:
    first, second = await asked(office, 1, 2)
    page = await seen.window(await office.sign_in(REVIEWER))
    await page.goto(f"{DESK}/{first}")
    await expect(page).to_have_title(re.compile(r"^\(1\) 待审核 · "))
    await page.locator("input[name=passed][value=true]").focus()
    for key in ("Space", "Tab", "Tab", "Enter"):
        await page.keyboard.press(key)
    await page.get_by_text("上一件的审核结果已保存").wait_for()
    assert second in page.url
    assert await stages(office) == ["approved", "in_review"]
    keys = await page.locator("[accesskey]").evaluate_all("all => all.map(e => e.accessKey)")
    assert sorted(keys) == ["c", "s"]


async def test_a_refusal_without_an_opinion_leads_to_its_field(office: Office, seen: Chromium) -> None:
    [part] = await asked(office, 1)
    page = await seen.window(await office.sign_in(REVIEWER))
    await page.goto(f"{DESK}/{part}")
    await page.get_by_label("不通过", exact=True).check()
    await page.get_by_role("button", name="保存(S)").click()
    await page.get_by_text("还不能办理").wait_for()
    assert await violations(page) == []
    await page.get_by_role("link", name="审核不通过须填写审核意见").click()
    await page.get_by_label("审核意见").fill("卡面照片不清")
    await page.get_by_role("button", name="保存(S)").click()
    await page.get_by_text("上一件的审核结果已保存").wait_for()
    assert await stages(office) == ["refused"]


async def test_it_is_worked_without_scripts_and_read_in_english(office: Office, seen: Chromium) -> None:
    [part] = await asked(office, 1)
    page = await seen.window(await office.sign_in(REVIEWER), scripts=False, look="en.normal.light")
    await page.goto(f"{DESK}/{part}")
    await page.locator("input[name=passed][value=true]").check()
    await page.get_by_role("button", name="Save (S)").click()
    await page.get_by_text("The decision on the former one was saved").wait_for()
    assert await stages(office) == ["approved"]
    english = await seen.window(await office.sign_in(REVIEWER), look="en.normal.light")
    await english.goto(f"{DESK}/{part}")
    assert await chinese_left(english) == []

"""申请录入与审核 in a real browser: entry with its picture, list and preview, review, the applicant's phone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from deploy.stack.objects import Access
from models.words.staff import Role
from tests.api_server import serving
from tests.chromium import Chromium, chromium, sideways, small_targets, violations
from tests.page_ground import BANK, ITEM, TOWN, VILLAGE, office_with_files
from tests.rows import OPERATOR, REVIEWER, Line, Office, add_applications, citizen_id
from tests.test_pages_photos import picture

LIST = "/console/applications"
LOOKS = ("zh.normal.light", "zh.huge.dark", "zh.normal.contrast")


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings, citizen_cookies_secure=False) as opened:
        yield opened


@pytest.fixture
async def seen(office: Office) -> AsyncIterator[Chromium]:
    async with serving(office.app) as url, chromium(url) as opened:
        yield opened


async def put(office: Office, *stages: str) -> list[str]:
    lines = [Line(stage=stage, town_code=TOWN, item_code=ITEM, bank_code=BANK) for stage in stages]
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, None)


async def faults(page: Page, *, phone: bool, look: str) -> list[str]:
    found = await violations(page)
    if await sideways(page):
        found.append(f"{page.url} scrolls sideways")
    if phone:
        found += [f"{page.url}: {target}" for target in await small_targets(page, 60 if "huge" in look else 44)]
    return found


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_whole_in_every_look(office: Office, seen: Chromium, look: str, phone: bool) -> None:
    draft, matched, review = await put(office, "draft", "matched", "in_review")
    page = await seen.window(await office.sign_in(OPERATOR), phone=phone, look=look)
    found: list[str] = []
    for address in (LIST, f"{LIST}/{draft}", f"{LIST}/new", f"{LIST}/new/personal", f"{LIST}/{draft}/edit"):
        await page.goto(address)
        found += await faults(page, phone=phone, look=look)
    await page.goto(f"{LIST}/new/personal")
    await page.locator("button[name=then][value=save]").click()
    await page.locator("section.notice.bad").wait_for()
    found += await faults(page, phone=phone, look=look)
    await page.goto(f"{LIST}?stage=matched")
    await page.locator("input[name=chosen]").check()
    await page.locator("button[name=act][value=withdraw]").click()
    await page.locator("#preview-count").wait_for()
    found += await faults(page, phone=phone, look=look)
    reviewer = await seen.window(await office.sign_in(REVIEWER), phone=phone, look=look)
    await reviewer.goto(f"{LIST}/{review}/review")
    found += await faults(reviewer, phone=phone, look=look)
    mine = await seen.window(await office.sign_in("app.zhou", role=Role.APPLICANT), phone=phone, look=look)
    await mine.goto(f"{LIST}/new")
    await mine.locator("button[name=kind][value=personal]").click()
    await mine.locator("ol.steps").wait_for()
    found += await faults(mine, phone=phone, look=look)
    await mine.goto(LIST)
    found += await faults(mine, phone=phone, look=look)
    assert found == []
    assert matched


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
async def test_an_entry_with_its_picture(office: Office, seen: Chromium, scripts: bool, tmp_path: Path) -> None:
    """Journey 5: what is missing is focused and linked; villages follow the town; the picture is seen first."""
    page = await seen.window(await office.sign_in(OPERATOR), scripts=scripts)
    await page.goto(f"{LIST}/new/personal")
    await page.locator("button[name=then][value=save]").click()
    summary = page.locator("section.notice.bad")
    await summary.wait_for()
    if scripts:
        assert await summary.evaluate("e => e === document.activeElement")
    await summary.get_by_role("link").first.click()
    photo = tmp_path / "card.jpg"
    photo.write_bytes(picture()[1])
    for name, value in {
        "name": "王小梅",
        "id_number": citizen_id(41),
        "phone": "13312345835",
        "account_no": "000000000041",
        "family_size": "3",
        "amount_fen": "1,000.50",
    }.items():
        await page.locator(f"[name='form.{name}']").fill(value)
    town = page.locator("[name='form.town_code']")
    if scripts:
        async with page.expect_response("**/villages?*"):
            await town.select_option(TOWN)
    else:
        await town.select_option(TOWN)
    for name, value in {
        "village_code": VILLAGE,
        "bank_code": BANK,
        "household_registration": "agricultural",
        "item_code": ITEM,
    }.items():
        await page.locator(f"[name='form.{name}']").select_option(value)
    await page.locator("[name='photo.bank_card']").set_input_files(photo)
    if scripts:
        await page.locator("#field-photo\\.bank_card img.chosen").wait_for()
    await page.locator("button[name=then][value=submit]").click()
    await page.get_by_text("已录入").wait_for()
    assert await office.rows("SELECT stage, amount_fen FROM application") == [("in_review", 100_050)]


@pytest.mark.journey(30)
async def test_the_keyboard_alone_reviews(office: Office, seen: Chromium) -> None:
    """Journey 8: passes one and is at the next."""
    first, second = await put(office, "in_review", "in_review")
    page = await seen.window(await office.sign_in(REVIEWER))
    await page.goto(f"{LIST}/review")
    assert first in page.url
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("() => document.activeElement.value === 'approve'"):
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/{second}/review*")
    told = await office.rows("SELECT reviewed_by FROM application WHERE application_no = :no", no=first)
    assert told == [(REVIEWER,)]

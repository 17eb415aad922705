"""The shell of the pages in a real browser: looks, sizes, keyboard, a line that is cut."""

import pytest
from playwright.async_api import expect

from tests.chromium import Chromium, sideways, small_targets, violations
from tests.rows import OPERATOR, Office

pytest_plugins = ["tests.office_in_chromium"]

LOOKS = [f"zh.{size}.{colours}" for size in ("normal", "huge") for colours in ("light", "dark", "contrast")]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_a_page_is_whole_in_every_look(office: Office, seen: Chromium, look: str, phone: bool) -> None:
    page = await seen.window(await office.sign_in(OPERATOR), phone=phone, look=look)
    await page.goto("/console/flows?stage=paying")
    await page.get_by_text("待办 0").wait_for()
    assert await violations(page) == []
    assert await sideways(page) == 0
    if phone:
        assert await small_targets(page, 60 if "huge" in look else 44) == []


async def test_the_keyboard_reaches_the_content_first(office: Office, seen: Chromium) -> None:
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto("/console/flows")
    await page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert await skip.evaluate("e => e === document.activeElement && e.getBoundingClientRect().left >= 0")
    await page.keyboard.press("Enter")
    assert await page.evaluate("() => document.activeElement.id") == "main"


async def test_a_list_is_filtered_in_place_and_its_address_says_so(office: Office, seen: Chromium) -> None:
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto("/console/flows")
    await page.get_by_label("阶段").select_option("paying")
    await page.get_by_role("button", name="查询").click()
    await page.get_by_text("没有符合条件的记录").wait_for()
    assert "stage=paying" in page.url


async def test_a_cut_line_leaves_the_page_as_it_is_and_says_so(office: Office, seen: Chromium) -> None:
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto("/console/flows")
    await page.get_by_label("年份").fill("2026")
    await page.context.set_offline(True)
    await page.get_by_role("button", name="查询").click()
    await page.get_by_text("网络中断，内容还在，请重试").wait_for()
    assert await page.get_by_label("年份").input_value() == "2026"
    await page.context.set_offline(False)
    await page.get_by_role("button", name="查询").click()
    await page.get_by_text("没有符合条件的记录").wait_for()


async def test_an_account_is_grouped_while_typed_and_goes_out_without_blanks(office: Office, seen: Chromium) -> None:
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto("/console/register")
    await page.get_by_text("按人查找").click()
    field = page.get_by_label("账号", exact=True)
    await field.press_sequentially("622848001")
    assert await field.input_value() == "6228 4800 1"
    # a digit in the midst: the caret stays behind it
    for _ in range(4):
        await page.keyboard.press("ArrowLeft")
    await page.keyboard.type("9")
    assert await field.input_value() == "6228 4890 01"
    assert await field.evaluate("e => e.selectionStart") == 8
    await page.keyboard.press("Backspace")
    assert await field.input_value() == "6228 4800 1"
    await field.select_text()
    await page.keyboard.press("Control+X")
    assert await field.input_value() == ""
    await page.keyboard.press("Control+V")
    await page.keyboard.press("Control+V")
    assert await field.input_value() == "6228 4800 1622 8480 01"
    async with page.expect_request(lambda request: request.method == "POST") as sent:
        await page.get_by_role("button", name="查找").click()
    assert "account_no=622848001622848001" in str((await sent.value).post_data)
    # the answer's page has it as it was sent, and shows it in groups
    await expect(field).to_have_attribute("value", "622848001622848001")
    await expect(field).to_have_value("6228 4800 1622 8480 01")
    # what isn't a number is left as it is typed
    await field.fill("abc 12345")
    assert await field.input_value() == "abc 12345"

"""What is read without a sign-in, in a real browser on a phone: the public lists and the way in, in every look."""

import os
from itertools import product

from playwright.async_api import Page

from api.pages.looks import COLOURS, LANGUAGES, SIZES
from tests.chromium import PHONE, Chromium, chinese_left, sideways, small_targets, violations
from tests.rows import Line, Office, add_ground
from tests.test_public_lists import switch

pytest_plugins = ["tests.office_in_chromium"]

# Each word of a look once and in other company; all of them by `make pages-all`.
LOOKS = ["zh.normal.light", "zh.huge.contrast", "en.large.dark", "en.huge.light"]
if os.environ.get("PAGES_ALL"):
    LOOKS = [".".join(look) for look in product(LANGUAGES, SIZES, COLOURS)]


async def faults(page: Page) -> list[str]:
    return [*await violations(page), *(["scrolls sideways"] if await sideways(page) else [])]


async def outside(page: Page, least: int) -> list[str]:
    """What a finger would miss, once the top bar's menu is unfolded, and what of that it can't reach at all."""
    await page.locator("details.looks summary").click()
    boxes = [await link.bounding_box() for link in await page.locator("details.looks a").all()]
    assert len(boxes) == len(SIZES) + len(COLOURS)
    within = [box for box in boxes if box and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]]
    return [*await small_targets(page, least), *(["unfolds out of the window"] if len(within) < len(boxes) else [])]


async def test_what_anybody_reads_is_whole_in_every_look(office: Office, seen: Chromium) -> None:
    ground = await add_ground(office, [Line(100, person=1), Line(123_456_789, town_code="500001101")])
    await switch(office)
    page, found = await seen.window(phone=True), []
    shown = f"/public/{ground.batch_no}"
    for look, path in product(LOOKS, (shown, f"{shown}/500001100/V-01", "/public/none", "/console/sign-in")):
        await seen.give(page.context, look=look)
        await page.goto(path)
        least = 44 if "normal" in look else 60
        about = await faults(page) + await outside(page, least)
        if look.startswith("en"):
            about += await chinese_left(page)
        found += [f"{path} {look}: {fault}" for fault in about]
    assert not found, "\n".join(found)

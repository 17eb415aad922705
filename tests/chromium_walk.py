"""Every page of staff, found from the routes, on a stack that has played a season: axe, no sideways scrolling, words.

Ten of them in every look and size; all of them so by `make pages-all`.
"""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page

from deploy.stack.start_page import start_page
from models.words.staff import Role
from tests.chromium import (
    TARGET,
    Chromium,
    chinese_left,
    chromium,
    controls,
    out_of_sight,
    sideways,
    small_targets,
    violations,
)
from tests.page_addresses import addresses
from tests.played import NUMBERS, Played, home_of, played

EVERYTHING = bool(os.environ.get("PAGES_ALL"))
LOOKS = [
    f"{language}.{size}.{colours}"
    # in English each subject's own journeys are seen by the gate
    for language in (("zh", "en") if EVERYTHING else ("zh",))
    for size in ("normal", "huge")
    for colours in ("light", "dark", "contrast")
]
# Ten pages that hold every part there is; they are seen in every look and size by the gate.
TEN = (
    *("/console", "/console/applications", "/console/flows", "/console/flows/{flow_no}", "/console/card-changes"),
    *("/console/orders", "/console/summaries", "/console/register", "/console/figures", "/console/trail"),
)
# Who opens a page: the first of them who may.
OPENERS = (Role.OPERATOR, Role.REVIEWER, Role.COUNTY_ADMIN, Role.OPS)


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(home_of(tmp_path_factory.mktemp("played"))) as stack:
        yield stack


@pytest.fixture
async def seen(season: Played) -> AsyncIterator[Chromium]:
    async with chromium(season.origin) as opened:
        yield opened


def test_every_address_can_be_filled_in() -> None:
    unknown = {part.strip("{}") for path in addresses() for part in path.split("/") if part.startswith("{")}
    assert unknown - set(NUMBERS) == set()


async def test_the_start_page_fits_a_phone(season: Played) -> None:
    with start_page(season.stack.layout) as address:
        async with chromium(address) as outside:
            page = await outside.window(phone=True)
            await page.goto(address)
            boxes = [await each.bounding_box() for each in await page.locator("button, td a, li a").all()]
            assert len(boxes) > 30
            assert [box for box in boxes if box is None or box["height"] < TARGET] == []
            assert await sideways(page) == 0
            assert await page.locator("tr").first.evaluate("e => getComputedStyle(e).display") == "block"


async def test_every_page_is_whole(season: Played, seen: Chromium) -> None:
    windows = {role: await seen.window(await season.secret(role)) for role in OPENERS}
    opened, faults, closed = 0, [], []
    for pattern in addresses():
        address = season.address(pattern)
        page = await _opened(windows, address) if address else None
        if page is None:
            closed.append(pattern)
            continue
        opened += 1
        if await page.locator("[data-code]").count():
            faults.append(f"{address}: refused")
        faults += await violations(page)
        if await sideways(page):
            faults.append(f"{address}: scrolls sideways")
        faults += [f"{address}: out of sight at 1366: {table}" for table in await out_of_sight(page)]
    assert not faults, "\n".join(faults)
    # what the season leaves nothing of, and what nobody may open at its end
    assert len(closed) <= 12, closed
    assert opened >= 60


async def _opened(windows: dict[Role, Page], address: str) -> Page | None:
    """The page as the first sees it who may open it; a 500 is looked at too, and found to be none."""
    for page in windows.values():
        answer = await page.goto(address)
        assert answer is not None
        if answer.status not in (403, 404, 409):
            return page
    return None


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_pages_in_every_look(season: Played, seen: Chromium, look: str, phone: bool) -> None:
    roles = OPENERS if EVERYTHING else OPENERS[:1]
    windows = {role: await seen.window(await season.secret(role), phone=phone, look=look) for role in roles}
    opened, faults = 0, []
    for pattern in addresses() if EVERYTHING else TEN:
        address = season.address(pattern)
        page = await _opened(windows, address) if address else None
        if page is None:
            continue
        opened += 1
        faults += await violations(page)
        if phone:
            faults += [f"{address}: {small}" for small in await small_targets(page, 60 if "huge" in look else 44)]
        if await sideways(page):
            faults.append(f"{address}: scrolls sideways")
        if look.startswith("en"):
            faults += [f"{address}: Chinese in English: {text}" for text in await chinese_left(page)]
    assert not faults, "\n".join(faults)
    assert opened >= (60 if EVERYTHING else len(TEN))


@pytest.mark.journey(30)
async def test_at_the_largest_type_and_zoomed_nothing_is_lost(season: Played, seen: Chromium) -> None:
    """特大 at 200 %: no sideways scrolling, and whatever can be pressed or filled is there and lies under nothing."""
    # one session each: whoever signs in anew has left the other window
    secrets = {role: await season.secret(role) for role in OPENERS}
    usual = {role: await seen.window(secret) for role, secret in secrets.items()}
    large = {role: await seen.window(secret, look="zh.huge.light", zoom=2) for role, secret in secrets.items()}
    faults = []
    for pattern in addresses() if EVERYTHING else TEN:
        address = season.address(pattern)
        before = await _opened(usual, address) if address else None
        after = await _opened(large, address) if address else None
        if before is None or after is None:
            continue
        there, covered = await controls(after)
        faults += [f"{address}: lost: {name}" for name in (await controls(before))[0] - there]
        faults += [f"{address}: covered: {name}" for name in covered]
        if await sideways(after):
            faults.append(f"{address}: scrolls sideways by {await sideways(after)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER])
async def test_the_summaries_states_are_in_sight(season: Played, seen: Chromium, role: Role) -> None:
    """On a screen of 1366 by 768 at the standard size the seed's ten columns stand beside each other."""
    page = await seen.window(await season.secret(role))
    await page.goto("/console/summaries?limit=50")
    wide = "e => e.scrollWidth - e.clientWidth"
    assert await page.locator("#list .scroll").evaluate(wide) <= 1

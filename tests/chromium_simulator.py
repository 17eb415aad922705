"""The simulator's own pages in a real browser: what comes is shown by itself, what is chosen meanwhile stays."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.simulator.trial import Trial, trial
from tests.chromium import Chromium, chromium
from tests.test_simulator_pages import DATA, open_face


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
async def seen(platform: Trial) -> AsyncIterator[Chromium]:
    async with chromium(platform.launched.url) as opened:
        yield opened


async def test_people_and_codes_come_by_themselves_and_leave_alone_what_was_chosen(
    platform: Trial, seen: Chromium
) -> None:
    page = await seen.window()
    await page.clock.install()
    await page.goto("/phone")
    await page.get_by_text("还没有人").wait_for()
    platform.admin.post("/registers/500003", content=(DATA / "register-500003-60.csv").read_bytes())
    await page.clock.run_for(2_000)
    chooser = page.get_by_label("本人")
    await chooser.select_option(index=3)
    chosen = await chooser.input_value()
    read_aloud = await page.locator("#codes").element_handle()
    open_face(platform, "F-9")
    await page.clock.run_for(2_000)
    await page.get_by_text("F-9").wait_for()
    assert await chooser.input_value() == chosen
    # a hand on one of its buttons: nothing is taken away under it, whatever else is kept up to date
    await page.get_by_role("button", name="扫码").focus()
    open_face(platform, "F-10")
    for _ in range(2):
        async with page.expect_response("**/phone"):
            await page.clock.run_for(2_000)
    assert not await page.get_by_text("F-10").count()
    await page.evaluate("() => document.activeElement.blur()")
    await page.clock.run_for(2_000)
    await page.get_by_text("F-10").wait_for()
    assert await chooser.input_value() == chosen
    # what is read aloud is what comes into a part that stays
    assert await read_aloud.evaluate("part => part.isConnected")

"""The simulator's own pages in a real browser: what comes is shown by itself, what is chosen meanwhile stays."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.simulator.trial import Trial, trial
from tests.chromium import Chromium, chromium
from tests.test_simulator_pages import DATA, open_face


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        running.admin.post("/registers/500003", content=(DATA / "register-500003-60.csv").read_bytes())
        yield running


@pytest.fixture
async def seen(platform: Trial) -> AsyncIterator[Chromium]:
    async with chromium(platform.launched.url) as opened:
        yield opened


async def test_a_code_comes_by_itself_and_leaves_alone_what_was_chosen(platform: Trial, seen: Chromium) -> None:
    page = await seen.window()
    await page.clock.install()
    await page.goto("/phone")
    chooser = page.get_by_label("本人")
    await chooser.select_option(index=3)
    chosen = await chooser.input_value()
    open_face(platform, "F-9")
    await page.clock.run_for(2_000)
    await page.get_by_text("F-9").wait_for()
    assert await chooser.input_value() == chosen
    # a hand on one of its buttons: nothing is taken away under it
    await page.get_by_role("button", name="扫码").focus()
    open_face(platform, "F-10")
    asked = len(seen.loaded)
    await page.clock.run_for(20_000)
    assert len(seen.loaded) == asked
    await page.evaluate("() => document.activeElement.blur()")
    await page.clock.run_for(2_000)
    await page.get_by_text("F-10").wait_for()
    assert await chooser.input_value() == chosen

"""Whoever plays the tour: one browser that is each person in turn, counts what is clicked, and takes pictures."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, Locator, Page, ViewportSize, sync_playwright

from deploy.stack.processes import StackError

DESKTOP: ViewportSize = {"width": 1366, "height": 900}
# What the platform decides takes days, here some seconds each.
PATIENCE_MS = 120_000


@dataclass
class Told:
    """One step: what it took."""

    title: str
    clicks: int = 0
    typed: int = 0
    seconds: float = 0.0


@dataclass
class Player:
    """`start` is the local stack's start page, `origin` the product's pages, `simulator` the outside."""

    page: Page
    start: str
    origin: str
    simulator: str
    pictures: Path
    steps: list[Told] = field(default_factory=list)
    _step: tuple[str, int] = ("", 0)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Counts and times what is done within, and keeps a picture of where it ended."""
        told = Told(title)
        self.steps.append(told)
        begun = time.monotonic()
        try:
            yield
        except Exception:
            self.page.screenshot(path=self.pictures / "failed.png", full_page=True)
            raise
        told.seconds = time.monotonic() - begun
        self.page.screenshot(path=self.pictures / f"{len(self.steps):02d}.png")
        print(
            f"{title}：点击 {told.clicks} 次，填写 {told.typed} 处，{told.seconds:.1f} 秒",
            flush=True,
        )

    # -- hands

    def press(self, words: str, place: Locator | None = None, *, exact: bool = False) -> None:
        """A button or a link that looks like one."""
        within = place or self.page.locator("main")
        button = within.get_by_role("button", name=words, exact=exact)
        link = within.get_by_role("link", name=words, exact=exact)
        self._click(button.or_(link).first)

    def confirm(self, words: str, *, exact: bool = False) -> None:
        """A button that does something: until the page says that it is done."""
        before = self.page.url
        self.press(words, exact=exact)
        self.page.wait_for_url(lambda url: url != before and "done=" in url)

    def follow(self, words: str) -> None:
        self._click(self.page.get_by_role("link", name=words).first)

    def tick(self, words: str) -> None:
        self._count()
        self.page.locator("main").get_by_label(words).first.check()

    def write(self, label: str, text: str) -> None:
        self._typed()
        self.page.locator("main").get_by_label(label).first.fill(text)

    def choose(self, label: str, words: str = "") -> None:
        """An option by its words, or the first there is."""
        self._typed()
        field_ = self.page.locator("main").get_by_label(label).first
        if words:
            field_.select_option(label=words)
        else:
            field_.select_option(index=1)

    def hand_in(self, label: str, name: str, content: bytes, media_type: str) -> None:
        self._typed()
        file: FilePayload = {"name": name, "mimeType": media_type, "buffer": content}
        self.page.locator("main").get_by_label(label).first.set_input_files([file])

    def open(self, path: str) -> None:
        """A menu entry: one click."""
        self._count()
        self.page.goto(self.origin + path)

    def see(self, words: str) -> None:
        """Waits for it on the open page, which looks by itself."""
        self.page.get_by_text(words).first.wait_for(timeout=PATIENCE_MS)

    def sees(self, words: str) -> bool:
        return self.page.get_by_text(words).first.is_visible()

    def _click(self, what: Locator) -> None:
        self._count()
        what.click()

    def _count(self) -> None:
        self.steps[-1].clicks += 1

    def _typed(self) -> None:
        self.steps[-1].typed += 1

    def fact(self, words: str) -> str:
        """What stands beside these words on the page."""
        beside = self.page.locator("dt", has_text=words).first.locator("xpath=following-sibling::dd")
        return (beside.text_content() or "").strip()

    def new_card(self) -> str:
        """The citizen's phone opens another card at the bank; gives its number, and comes back to the page."""
        here = self.page.url
        self.page.goto(f"{self.simulator}/phone")
        self._click(self.page.get_by_role("button", name="开一张新卡"))
        number = self.page.locator("section:last-of-type li").last.text_content() or ""
        self.page.goto(here)
        return number.split()[1]

    def download(self, words: str) -> bytes:
        """A file that the start page gives; then back to the page."""
        here = self.page.url
        self.page.goto(self.start)
        with self.page.expect_download() as coming:
            self._click(self.page.get_by_role("link", name=words))
        self.page.goto(here)
        return coming.value.path().read_bytes()

    # -- persons

    def become(self, part: str, place: int) -> None:
        """The first button of this step of a part (from 0) on the start page."""
        self._step = (part, place)
        self.hand_over(0)

    def hand_over(self, turn: int) -> None:
        """The next button of the step (from 0): signs its person in and opens its page."""
        part, place = self._step
        self.page.goto(self.start)
        self._click(self.page.locator(f"#{part} tr").nth(place + 1).get_by_role("button").nth(turn))

    def become_somebody(self, subject: str) -> None:
        """A person's own button on the start page."""
        self.page.goto(self.start)
        self._click(self.page.locator(f"form:has(input[value='{subject}'])").last.get_by_role("button"))


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        raise StackError("没有找到 Chromium。请先运行 make test-pages，它会安装；或自行安装 chromium。")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()

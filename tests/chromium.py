"""A real browser for journeys: persons at their own windows, everything they load noted, axe on what they see.

After each test: no request went to another origin, nothing was reported against the policy, no error was logged,
and the browser's storage holds no text of a page.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from axe_playwright_python.async_playwright import Axe
from lxml import html
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests import english

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
# CSS pixels: fingers on a touch screen, and where the type is large
TARGET, LARGE_TARGET = 44, 60
_AXE = Axe()
# The browser's and htmx's own words for an answer of 4xx, and for a line that a test has cut.
_EXPECTED = re.compile(
    r"Failed to load resource|ERR_INTERNET_DISCONNECTED|htmx:(sendError|responseError|afterRequest|timeout)"
)
# What tests call people, and what is long enough to be somebody's number.
_PERSONAL = re.compile(r"王小梅|王晓梅|王梅|\d{12}")
_KEPT = """async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map((each) => each.name), ...(window.caches ? await caches.keys() : [])]"""


def program() -> str:
    """The browser; a missing one is a failure."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert found, "Chromium is missing: `make test-pages` installs it"
    return found


@dataclass
class Chromium:
    """The windows of a test."""

    browser: Browser
    origin: str
    contexts: list[BrowserContext] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def window(
        self,
        secret: str = "",
        *,
        phone: bool = False,
        scripts: bool = True,
        look: str = "",
        zoom: int = 1,
        **more: object,
    ) -> Page:
        """A person's own window; `secret` is the session's, as `sign_in` of the office gives it.

        `zoom` is the browser's own: what is twice as large has half the room.
        """
        room = PHONE if phone else DESKTOP
        context = await self.browser.new_context(
            base_url=self.origin,
            viewport={"width": room["width"] // zoom, "height": room["height"] // zoom},
            device_scale_factor=zoom,
            has_touch=phone,
            is_mobile=phone,
            java_script_enabled=scripts,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            **more,  # type: ignore[arg-type]
        )
        self.contexts.append(context)
        context.set_default_timeout(15_000)
        await self.give(context, secret, look)
        page = await context.new_page()
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        return page

    async def give(self, context: BrowserContext, secret: str = "", look: str = "") -> None:
        """The cookies of a session and of a look."""
        host = urlsplit(self.origin).hostname
        if secret:
            await context.add_cookies(
                [{"name": "onecard_staff", "value": secret, "domain": host, "path": "/console", "httpOnly": True}]
            )
        if look:
            await context.add_cookies([{"name": "onecard_look", "value": look, "domain": host, "path": "/"}])

    def _on_request(self, request: Request) -> None:
        self.loaded.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        # a refusal's status is a page, and no error of ours
        if message.type in ("error", "warning") and not _EXPECTED.search(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    async def check(self) -> None:
        """What holds after every journey."""
        elsewhere = [url for url in self.loaded if not url.startswith((self.origin, "blob:", "data:", "about:"))]
        assert elsewhere == [], "requests to another origin"
        assert not self.complaints, "\n".join(["the browser complained:", *dict.fromkeys(self.complaints)])
        told = [
            url for url in map(unquote, self.loaded) if not url.startswith(("blob:", "data:")) and _PERSONAL.search(url)
        ]
        assert told == [], "a person in an address"
        for context in self.contexts:
            for page in context.pages:
                if page.url.startswith(self.origin):
                    assert not _PERSONAL.search(await page.title()), "a person in a title"
                    kept = set(await page.evaluate(_KEPT))
                    assert kept <= {"htmx-current-path-for-history"}, f"{page.url} keeps {kept}"

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()


_browsers: list[Browser] = []


@asynccontextmanager
async def started() -> AsyncIterator[None]:
    """One Chromium for all tests; who is at its windows shares nothing."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        _browsers.append(await playwright.chromium.launch(executable_path=program(), args=arguments))
        yield
        await _browsers.pop().close()


@asynccontextmanager
async def chromium(origin: str) -> AsyncIterator[Chromium]:
    assert _browsers, "`make test-pages` starts the browser, and says how to start it for some tests alone"
    seen = Chromium(_browsers[-1], origin)
    try:
        yield seen
        await seen.check()
    finally:
        await seen.close()


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands, one line each."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = await _AXE.run(page, options=options)
    return [
        f"{page.url}: {violation['id']} {node['target']} {node['failureSummary'][:300]}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]


async def small_targets(page: Page, least: int) -> list[str]:
    """Buttons, fields and links outside running text that a finger would miss."""
    return await page.evaluate(
        """(least) => [...document.querySelectorAll('button, select, input:not([type=hidden]), summary, a.btn, nav a')]
          .filter((e) => e.checkVisibility() && !e.closest('p, td'))
          .map((e) => [e, (e.closest('label') || e).getBoundingClientRect()])
          .filter(([, box]) => box.height > 0 && box.height < least - 0.5)
          .map(([e, box]) => `${e.tagName} ${e.textContent.trim().slice(0, 20)} ${Math.round(box.height)}`)""",
        least,
    )


async def sideways(page: Page) -> int:
    """By how many pixels the page scrolls sideways."""
    return await page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def controls(page: Page) -> tuple[Counter[str], list[str]]:
    """What can be pressed or filled on the page itself, by name; and those of it that something else lies over."""
    found = await page.evaluate(
        """() => [...document.querySelectorAll('button, a.btn, select, textarea, summary, input:not([type=hidden])')]
          .filter((e) => e.closest('main') && e.checkVisibility())
          .map((e) => { e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
            const box = e.getBoundingClientRect();
            const hit = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
            // what can't be pressed now lets the pointer through
            const there = e.disabled || Boolean(hit && (e.contains(hit) || hit.closest('label')?.contains(e)));
            return [`${e.ariaLabel || e.name || ''} ${e.textContent.trim().slice(0, 30)}`, there]; })"""
    )
    return Counter(name for name, _ in found), [name for name, there in found if not there]


async def out_of_sight(page: Page) -> list[str]:
    """Tables wider than the window whose rows can't be told any more once one scrolls to their last columns."""
    return await page.evaluate(
        """() => [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1)
          .filter((e) => { const first = e.querySelector('tbody tr > :first-child');
            return first && getComputedStyle(first).position !== 'sticky'; })
          .map((e) => `${e.getAttribute('aria-label')}: ${e.scrollWidth} of ${e.clientWidth}`)"""
    )


async def chinese_left(page: Page) -> list[str]:
    """In English: what is Chinese and isn't marked as data."""
    return english.chinese_left(html.document_fromstring(await page.content()))

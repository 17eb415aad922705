"""A county's slow line and old computer, in a real browser: 400 kbit/s, 400 ms, a processor four times as slow."""

import shutil
import time
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page, sync_playwright

from deploy.stack.processes import StackError

BITS, LATENCY_MS, SLOWER = 400_000, 400, 4
LIST = "/console/applications"
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_WATCH_ROWS = """() => {
  const first = () => document.querySelector("#list tbody tr")?.textContent;
  const before = first();
  let clicked;
  document.addEventListener("click", () => (clicked ??= performance.now()), true);
  const look = () => {
    const now = first();
    if (!clicked || !now || now === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => (window.tookUntilOtherRows = performance.now() - clicked));
  };
  look();
}"""
_NODES = "() => document.querySelectorAll('*').length"


@dataclass(frozen=True)
class Visit:
    """One page as it came: bytes on the wire, seconds until it was painted and until its rows could be used."""

    kib: float
    painted: float
    usable: float
    nodes: int


@dataclass(frozen=True)
class Visits:
    """The list for the first time, once more, its next page, and the citizens' first page."""

    first: Visit
    again: Visit
    next_page_seconds: float
    citizen: Visit


def visits(origin: str, cookie: dict[str, str]) -> Visits:
    program = shutil.which("chromium")
    if program is None:
        raise StackError("没有找到 Chromium，页面在慢线路上的用时没有测；请先运行 make test-pages，它会安装")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(base_url=origin, viewport={"width": 1366, "height": 900})
        context.add_cookies(
            [
                {"name": name, "value": value, "domain": "127.0.0.1", "path": "/console"}
                for name, value in cookie.items()
            ]
        )
        page = context.new_page()
        wire = _slow(page)
        first, again = _visit(page, wire, LIST), _visit(page, wire, LIST)
        following = _next_page(page)
        citizens = browser.new_context(base_url=origin, viewport={"width": 390, "height": 844}).new_page()
        citizen = _visit(citizens, _slow(citizens), "/citizen/m")
        browser.close()
    return Visits(first, again, following, citizen)


class _Wire:
    """What has come over the line."""

    def __init__(self, session: CDPSession) -> None:
        self.bytes = 0.0
        session.on("Network.loadingFinished", self._count)

    def _count(self, finished: dict[str, float]) -> None:
        self.bytes += finished["encodedDataLength"]


def _slow(page: Page) -> _Wire:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    line = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": BITS / 8, "uploadThroughput": BITS / 8}
    session.send("Network.emulateNetworkConditions", line)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return _Wire(session)


def _visit(page: Page, wire: _Wire, path: str) -> Visit:
    wire.bytes = 0.0
    begun = time.perf_counter()
    page.goto(path, wait_until="load")
    usable = time.perf_counter() - begun
    page.wait_for_load_state("networkidle")
    return Visit(wire.bytes / 1024, page.evaluate(_PAINTED) / 1000, usable, page.evaluate(_NODES))


def _next_page(page: Page) -> float:
    """From the click until other rows are painted, by the page's own clock: a driver's looks at where it may click take
    as long on this processor, and no person's hand has them."""
    page.evaluate(_WATCH_ROWS)
    page.get_by_role("link", name="下一页").click()
    return float(page.wait_for_function("() => window.tookUntilOtherRows").json_value()) / 1000

"""How quick the pages are with 100,000 applications in a county, at the server and on a slow line in a real browser."""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.ground import county_play, make_batch
from deploy.bench.lines import COUNTY
from deploy.bench.memory import rss_mib
from deploy.bench.open_pages import busy_to_dos
from deploy.bench.slow_line import Visits, visits
from deploy.demo.play import Play
from deploy.stack.sign_in import demo_people, sign_in_locally
from deploy.stack.stack import Stack
from models.words.staff import Role

FILES, LINES_OF_FILE = 5, 20_000
FIRST_SEED = 101
ASKED = 40
LIST = "/console/applications"


@dataclass(frozen=True)
class Pages:
    """Milliseconds unless told otherwise; of a page, the 95th of a hundred."""

    lines: int
    list_ms: float
    far_ms: float
    figures_ms: float
    to_dos_ms: float
    search_ms: float
    of_its_questions: float
    export_seconds: float
    export_mib: float
    export_delay_ms: float
    busy_to_dos_ms: float
    visits: Visits


def measure(stack: Stack, home: Path, lines_of_file: int = LINES_OF_FILE) -> Pages:
    with httpx.Client(base_url=stack.layout.api_url, timeout=120.0, trust_env=False) as http:
        play = county_play(stack, http)
        sample = _fill(play, home, lines_of_file)
        far = _cursor(play, FILES * lines_of_file - 1_000)
        play.choose_policy_unit()
    person = next(p for p in demo_people([COUNTY]) if p.role is Role.OPERATOR)
    cookie = {"onecard_staff": sign_in_locally(stack.layout, person)}
    server = asyncio.run(_server(stack, cookie, far, sample))
    server["busy_to_dos_ms"] = busy_to_dos(stack, cookie)
    return Pages(lines=FILES * lines_of_file, **server, visits=visits(stack.layout.api_url, cookie))


def _fill(play: Play, home: Path, lines_of_file: int) -> str:
    """Drafts enough for a large county, as its files bring them; a name that is in them."""
    batch_no = play.open_batch("十万笔")
    for seed in range(FIRST_SEED, FIRST_SEED + FILES):
        batch = make_batch(home / "lines", seed, lines_of_file)
        play.import_file(batch_no, batch.path.name, batch.file)
    return batch.lines[0].name


def _cursor(play: Play, place: int) -> str:
    """`after` of the page that begins at this row."""
    after, seen = "", 0
    while seen < place:
        asked = {"after": after} if after else {}
        after, seen = str(play.county.operator.get("/applications", limit=500, **asked)["next"]), seen + 500
    return after


async def _server(stack: Stack, cookie: dict[str, str], far: str, name: str) -> dict[str, float]:
    url, headers = stack.layout.api_url, {"Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(
        base_url=url, cookies=cookie, headers=headers, timeout=120.0, trust_env=False
    ) as browser:
        first = await _p95(lambda: browser.get(LIST, params={"limit": "50"}))
        exported, grown, delay = await _export(stack.pid("api"), browser)
        return {
            "list_ms": first,
            "far_ms": await _p95(lambda: browser.get(LIST, params={"limit": "50", "after": far})),
            "figures_ms": await _p95(lambda: browser.get(f"{LIST}/sums")),
            "to_dos_ms": await _p95(lambda: browser.get("/console")),
            "search_ms": await _p95(await _search(browser, name)),
            "of_its_questions": await _ratio(stack, browser),
            "export_seconds": exported,
            "export_mib": grown,
            "export_delay_ms": delay,
        }


async def _p95(ask: Callable[[], Awaitable[httpx.Response]]) -> float:
    """The 95th of a hundred, of a page that has been asked for before."""
    (await ask()).raise_for_status()
    took = [await _seconds(ask()) for _ in range(ASKED)]
    return sorted(took)[len(took) * 95 // 100] * 1000


async def _search(browser: httpx.AsyncClient, name: str) -> Callable[[], Awaitable[httpx.Response]]:
    """The search by name, sent as its form sends it."""
    page = (await browser.get(LIST)).text
    form = page.partition('<form class="query" method="post"')[2]
    key = form.partition('name="form_key" value="')[2].partition('"')[0]
    said = {"Sec-Fetch-Site": "same-origin"}
    return lambda: browser.post(LIST, data={"form_key": key, "name": name}, headers=said)


async def _ratio(stack: Stack, browser: httpx.AsyncClient) -> float:
    """A page against the question it asks the API, over a socket, turn about; catalogs are kept and not asked again.

    By clients of one kind: another one's own time would be a part of what is compared.
    """
    asked = {"limit": "50", "stage": "draft"}
    token = json.loads(stack.layout.tokens.read_text())[COUNTY][Role.OPERATOR.value]
    ours, theirs = [], []
    async with httpx.AsyncClient(
        base_url=stack.layout.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=120.0, trust_env=False
    ) as program:
        for _ in range(ASKED):
            ours.append(await _seconds(browser.get(LIST, params=asked)))
            theirs.append(await _seconds(program.get("/applications", params={**asked, "order": "newest"})))
    return statistics.median(ours) / statistics.median(theirs)


async def _seconds(asking: Awaitable[httpx.Response]) -> float:
    begun = time.perf_counter()
    (await asking).raise_for_status()
    return time.perf_counter() - begun


async def _export(api: int, browser: httpx.AsyncClient) -> tuple[float, float, float]:
    """Seconds, MiB that the API has grown by, and how many ms anybody else's call took at most meanwhile."""
    exporting = asyncio.create_task(_whole(browser, f"{LIST}/export"))
    before, begun, longest = rss_mib(api), time.perf_counter(), 0.0
    while not exporting.done():
        asked = time.perf_counter()
        (await browser.get("/console/leaving", params={"live": "1"})).raise_for_status()
        longest = max(longest, time.perf_counter() - asked)
        await asyncio.wait([exporting], timeout=0.02)
    await exporting
    return time.perf_counter() - begun, rss_mib(api) - before, longest * 1000


async def _whole(browser: httpx.AsyncClient, path: str) -> int:
    size = 0
    async with browser.stream("GET", path) as answer:
        answer.raise_for_status()
        async for piece in answer.aiter_bytes():
            size += len(piece)
    return size

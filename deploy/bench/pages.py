"""How quick the pages are with 100,000 applications in a county, at the server and on a slow line in a real browser."""

import asyncio
import math
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.ground import county_play, make_batch
from deploy.bench.lines import COUNTY
from deploy.bench.memory import rss_mib
from deploy.bench.slow_line import Visits, visits
from deploy.demo.play import Play
from deploy.stack.sign_in import demo_people, sign_in_locally
from deploy.stack.stack import Stack
from models.words.stages import Role

FILES, LINES_OF_FILE = 5, 20_000
FIRST_SEED = 101
ASKED = 40
OPEN_PAGES, OPEN_SECONDS, LIVE_SECONDS = 200, 15.0, 3.0
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
    busy_to_dos_ms: float
    visits: Visits


def measure(stack: Stack, home: Path, lines_of_file: int = LINES_OF_FILE) -> Pages:
    with httpx.Client(base_url=stack.layout.api_url, timeout=120.0, trust_env=False) as http:
        play = county_play(stack, http)
        sample, import_no = _fill(play, home, lines_of_file)
        far = _cursor(play, FILES * lines_of_file - 1_000)
    person = next(p for p in demo_people([COUNTY]) if p.role is Role.OPERATOR)
    cookie = {"onecard_staff": sign_in_locally(stack.layout, person)}
    server = asyncio.run(_server(stack, cookie, far, sample))
    # nobody has two hundred pages open: an office has
    office = [p for p in demo_people([COUNTY]) if p.role in (Role.COUNTY_ADMIN, Role.REVIEWER)]
    cookies = [{"onecard_staff": sign_in_locally(stack.layout, each)} for each in office]
    server["busy_to_dos_ms"] = asyncio.run(_busy(stack.layout.api_url, cookie, cookies, import_no))
    return Pages(lines=FILES * lines_of_file, **server, visits=visits(stack.layout.api_url, cookie))


def _fill(play: Play, home: Path, lines_of_file: int) -> tuple[str, str]:
    """Drafts enough for a large county, as its files bring them; a name that is in them, and the last import."""
    batch_no = play.open_batch("十万笔")
    for seed in range(FIRST_SEED, FIRST_SEED + FILES):
        batch = make_batch(home / "lines", seed, lines_of_file)
        imported = play.import_file(batch_no, batch.path.name, batch.file)
    return batch.lines[0].name, str(imported["import_no"])


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
        worker = stack.pid("api")
        before = rss_mib(worker)
        begun = time.perf_counter()
        await _whole(browser, f"{LIST}/export")
        exported, grown = time.perf_counter() - begun, rss_mib(worker) - before
        return {
            "list_ms": first,
            "far_ms": await _p95(lambda: browser.get(LIST, params={"limit": "50", "after": far})),
            "figures_ms": await _p95(lambda: browser.get(f"{LIST}/sums")),
            "to_dos_ms": await _p95(lambda: browser.get("/console")),
            "search_ms": await _p95(await _search(browser, name)),
            "of_its_questions": await _ratio(stack, browser),
            "export_seconds": exported,
            "export_mib": grown,
        }


async def _p95(ask: Callable[[], Awaitable[httpx.Response]]) -> float:
    """The 95th of a hundred, of a page that has been asked for before."""
    (await ask()).raise_for_status()
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        (await ask()).raise_for_status()
        took.append(time.perf_counter() - begun)
    return sorted(took)[len(took) * 95 // 100] * 1000


async def _search(browser: httpx.AsyncClient, name: str) -> Callable[[], Awaitable[httpx.Response]]:
    """The search by name, sent as its form sends it."""
    page = (await browser.get(LIST)).text
    form = page.partition('<form class="query" method="post"')[2]
    key = form.partition('name="form_key" value="')[2].partition('"')[0]
    said = {"Sec-Fetch-Site": "same-origin"}
    return lambda: browser.post(LIST, data={"form_key": key, "name": name}, headers=said)


async def _ratio(stack: Stack, browser: httpx.AsyncClient) -> float:
    """A page against the question it asks the API, over a socket, turn about; catalogs are kept and not asked again."""
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        operator = county_play(stack, http).county.operator
        ours, theirs = [], []
        for _ in range(ASKED):
            begun = time.perf_counter()
            await browser.get(LIST, params={"limit": "50", "stage": "draft"})
            ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            operator.get("/applications", limit=50, stage="draft")
            theirs.append(time.perf_counter() - begun)
    return statistics.median(ours) / statistics.median(theirs)


async def _whole(browser: httpx.AsyncClient, path: str) -> int:
    size = 0
    async with browser.stream("GET", path) as answer:
        answer.raise_for_status()
        async for piece in answer.aiter_bytes():
            size += len(piece)
    return size


async def _busy(url: str, own: dict[str, str], cookies: list[dict[str, str]], import_no: str) -> float:
    """To-dos while 200 open pages of an office ask for what is new every three seconds."""
    ends, live = time.perf_counter() + OPEN_SECONDS, f"/console/imports/{import_no}"
    people = [httpx.AsyncClient(base_url=url, cookies=each, timeout=60.0, trust_env=False) for each in cookies]

    async def open_page(place: int) -> None:
        await asyncio.sleep(LIVE_SECONDS * place / OPEN_PAGES)
        while time.perf_counter() < ends:
            begun = time.perf_counter()
            await people[place % len(people)].get(live, params={"live": "1"})
            await asyncio.sleep(max(0.0, LIVE_SECONDS - (time.perf_counter() - begun)))

    pages = [asyncio.create_task(open_page(place)) for place in range(OPEN_PAGES)]
    took = []
    async with httpx.AsyncClient(base_url=url, cookies=own, timeout=60.0, trust_env=False) as browser:
        while time.perf_counter() < ends:
            begun = time.perf_counter()
            answer = await browser.get("/console")
            # a refusal is no quick answer
            took.append(time.perf_counter() - begun if answer.status_code == 200 else math.inf)
            await asyncio.sleep(0.2)
    await asyncio.gather(*pages)
    for client in people:
        await client.aclose()
    return sorted(took)[len(took) * 95 // 100] * 1000

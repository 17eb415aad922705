"""A batch before its flow: its pre-flight, and its public list at a hundred looks a second while the county works.

Each stranger looks from an address of the own, as a proxy on this machine tells it.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from deploy.bench.ground import Batch, county_play
from deploy.bench.memory import cpu_seconds
from deploy.bench.report_rows import Row
from deploy.demo.play import Play
from deploy.stack.stack import Stack

SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1"}
LINES = 10_000
A_SECOND, SECONDS = 100, 20
GREEDY = 150


@dataclass(frozen=True)
class Season:
    """Seconds of a pre-flight; of the looks, what was told and in how many ms; seconds of the API's processor."""

    lines: int
    pre_flight: Sequence[float]
    told: Counter[int]
    looks_ms: Sequence[float]
    api_cpu: float
    greedy: Counter[int]

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.looks_ms, n=20, method="inclusive")[-1]


def measure(stack: Stack, batch: Batch) -> Season:
    with httpx.Client(base_url=stack.layout.api_url, timeout=120.0, trust_env=False) as http:
        play = county_play(stack, http)
        batch_no = play.open_batch("公示的批次")
        play.imported(play.hand_in(batch_no, batch.path.name, batch.file), goes_on="测速")
        play.review_and_publicise(batch_no)
        pre_flight = [_pre_flight(play, batch_no) for _ in range(5)]
        play.publicise_batch(batch_no)
        play.county.admin.put("/public-list-switch", {"shown": True, "contact": "农业农村委 023-12345678"})
        found = http.get(f"/public-lists/{batch_no}").raise_for_status().json()
        places = [f"/public/{batch_no}"]
        places += [f"{places[0]}/{each['town_code']}/{each['village_code']}" for each in found["villages"]]
        before = cpu_seconds(stack.pid("api"))
        looks = asyncio.run(_look(stack.layout.api_url, play, places))
        used = cpu_seconds(stack.pid("api")) - before
        greedy = Counter(http.get(places[0], headers=_from(10**6)).status_code for _ in range(GREEDY))
    told = Counter(status for status, _ in looks)
    return Season(len(batch.lines), pre_flight, told, [ms for _, ms in looks], used, greedy)


def _pre_flight(play: Play, batch_no: str) -> float:
    begun = time.perf_counter()
    play.county.operator.get("/pre-flight", act="initialisation", batch_no=batch_no)
    return time.perf_counter() - begun


def _from(stranger: int) -> dict[str, str]:
    address = f"10.{stranger >> 16 & 255}.{stranger >> 8 & 255}.{stranger & 255}"
    return {"X-Forwarded-For": address, "Accept-Encoding": "gzip"}


async def _look(url: str, play: Play, places: Sequence[str]) -> list[tuple[int, float]]:
    """By the clock, whether the one before was answered or not."""
    begun = time.perf_counter()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, limits=limits) as http, _at_work(play):
        looks = []
        for number in range(A_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, begun + number / A_SECOND - time.perf_counter()))
            looks.append(asyncio.create_task(_one(http, places[number % len(places)], number)))
        return list(await asyncio.gather(*looks))


async def _one(http: httpx.AsyncClient, place: str, stranger: int) -> tuple[int, float]:
    begun = time.perf_counter()
    answer = await http.get(place, headers=_from(stranger))
    return answer.status_code, 1000 * (time.perf_counter() - begun)


@asynccontextmanager
async def _at_work(play: Play) -> AsyncIterator[None]:
    """Something of the county changes every second: what is kept is never still good."""
    over = asyncio.Event()

    async def works() -> None:
        while not over.is_set():
            await asyncio.to_thread(play.open_batch, "另一批")
            await asyncio.sleep(1)

    working = asyncio.create_task(works())
    yield
    over.set()
    await working


def season_rows(found: Season) -> list[Row]:
    median = statistics.median(found.pre_flight)
    all_answered = found.told == Counter({200: A_SECOND * SECONDS})
    return [
        Row(f"预检，{found.lines:,} 份的批次（五次中位数）", f"{median:.2f} 秒", "", "< 1 秒", median < 1),
        Row(
            f"公示网页，每秒 {A_SECOND} 次，县里同时在办理",
            f"应答 {found.told[200]:,} / {sum(found.told.values()):,}，p95 {found.p95:.0f} 毫秒",
            f"API 用 {found.api_cpu / SECONDS:.2f} 个处理器",
            "全部应答，p95 ≤ 200 毫秒",
            all_answered and found.p95 <= 200,
        ),
        Row(
            f"　同一地址连看 {GREEDY} 次",
            f"应答 {found.greedy[200]}，拒绝 {found.greedy[429]}",
            "",
            "120 次以后拒绝",
            found.greedy[429] > 0 and found.greedy[200] >= 120,
        ),
    ]

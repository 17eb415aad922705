"""Runs by the thousand that wait: what they take of the worker, all woken at once, and a worker that dies.

`python -m deploy.bench --part open --open 10000`: what is measured may grow with the runs that are open.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from deploy.bench.card_people import CardDesk
from deploy.bench.lines import COUNTY
from deploy.bench.memory import cpu_seconds, rss_mib
from deploy.bench.report_rows import Row
from deploy.demo.people import Person, wait_for
from deploy.stack.postgres import DATABASE
from deploy.stack.processes import ROOT
from deploy.stack.stack import Stack
from models.store.database import ENGINE_OPTIONS, Database
from models.store.runs.watch import wake_open_runs
from workflows.client import connect

SEED, WARM_SEED, WARM = 197, 198, 20
# What a worker keeps of runs; the others are Temporal's alone.
CACHED = 1_000
_CALLS_AT_ONCE = 16
_CLOSED = "SELECT count(*) FROM run WHERE workflow_id = %s AND closed_at IS NOT NULL"
_CARRIED = "SELECT count(*) FROM outbox WHERE delivered_at IS NULL"
_TIMEOUT_SECONDS = 600.0
SIGNALED, COMPLETED = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
)


@dataclass(frozen=True)
class OpenRuns:
    """Seconds, and MiB of the worker: with nothing, with a full cache, with all of them."""

    count: int
    rss: tuple[float, float, float]
    looks: list[float]
    wake_seconds: float
    wake_cpu: Mapping[str, float]
    worker_died: list[float]
    both_died: list[float]

    @property
    def kib_each(self) -> float:
        _, cached, every = self.rss
        return (every - cached) * 1024 / (self.count - CACHED)


def measure(stack: Stack, count: int) -> OpenRuns:
    """`count` is more than a worker keeps in its cache."""
    stack.stop("worker")
    stack.start("worker")
    with CardDesk(stack) as desk:
        desk.to_review(desk.invite(WARM_SEED, WARM))
        holders, rss, numbers = desk.invite(SEED, count), [rss_mib(stack.pid("worker"))], list[str]()
        for part in (holders[:CACHED], holders[CACHED:]):
            numbers += desk.to_review(part)[0]
            rss.append(rss_mib(stack.pid("worker")))
    looks = _looks_of_the_watch(stack)
    wake_seconds, cpu = _wake(stack, numbers)
    died = [_decided_as_it_dies(stack, number, "worker") for number in numbers[:3]]
    both = [_decided_as_it_dies(stack, number, "worker", "api") for number in numbers[3:6]]
    return OpenRuns(count, (rss[0], rss[1], rss[2]), looks, wake_seconds, cpu, died, both)


def _looks_of_the_watch(stack: Stack) -> list[float]:
    """The first lists all that runs, the others what has ended."""
    program = [sys.executable, "-m", "deploy.bench.watch_look"]
    env = stack.layout.environment()
    done = subprocess.run(program, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _wake(stack: Stack, numbers: Sequence[str]) -> tuple[float, Mapping[str, float]]:
    """Each told once, as after an outage of Temporal; until each has looked at its rows."""
    runs = [f"card-change/{number}" for number in numbers]
    before = {part: cpu_seconds(stack.pid(part)) for part in ("worker", "api", "temporal", "postgres")}
    seconds = asyncio.run(_until_all_have_looked(stack, runs))
    return seconds, {part: cpu_seconds(stack.pid(part)) - used for part, used in before.items()}


async def _until_all_have_looked(stack: Stack, runs: Sequence[str]) -> float:
    """When the last look was over is read in the histories: asking meanwhile would be what Temporal is busy with."""
    client = await connect(stack.layout.temporal.environment)
    begun = time.time()
    await _tell_all(stack)
    with stack.layout.cluster.connect(DATABASE) as connection:
        while _first(connection.execute(_CARRIED).fetchone()):  # noqa: ASYNC110 - another process delivers them
            await asyncio.sleep(0.1)
    gate = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def looked(run: str) -> float:
        async with gate:
            while not (at := await _turn_after(client, run, begun)):  # noqa: ASYNC110 - another process looks
                await asyncio.sleep(0.25)
        return at

    async with asyncio.timeout(_TIMEOUT_SECONDS):
        return max(await asyncio.gather(*map(looked, runs))) - begun


async def _tell_all(stack: Stack) -> None:
    """What the watch does when Temporal has been away."""
    database = Database(create_async_engine(stack.layout.database_url, **ENGINE_OPTIONS))
    async with database.transaction() as session:
        await wake_open_runs(session)
    await database.dispose()


async def _turn_after(client: Client, run: str, begun: float) -> float:
    """When the turn was over that was begun since; 0.0 while there is none."""
    events = (await client.get_workflow_handle(run).fetch_history()).events
    told = [event.event_id for event in events if event.event_type == SIGNALED and _at(event) > begun]
    over = [event for event in events if event.event_type == COMPLETED and told and event.event_id > told[0]]
    return _at(over[-1]) if over else 0.0


def _at(event: HistoryEvent) -> float:
    return float(event.event_time.ToNanoseconds()) / 1e9


def _first(row: Sequence[int] | None) -> int:
    return row[0] if row else 0


def _decided_as_it_dies(stack: Stack, number: str, *parts: str) -> float:
    """Seconds from the kill, and from when the API is there to be told, until the run has ended on a reviewer's no."""
    token = json.loads(stack.layout.tokens.read_text())[COUNTY]["reviewer"]
    for part in parts:
        stack.kill(part)
    begun = time.perf_counter()
    starting = threading.Thread(target=stack.start, args=parts)
    starting.start()
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        path, body = f"/card-changes/{number}.{COUNTY}/decision", {"passed": False, "remark": "已核对"}
        Person(http, token).post(path, body)
    decided = time.perf_counter()
    with stack.layout.cluster.connect(DATABASE) as connection:

        def look() -> dict[str, int]:
            return {"closed": _first(connection.execute(_CLOSED, (f"card-change/{number}",)).fetchone())}

        wait_for("办结", look, lambda seen: seen["closed"] == 1, _TIMEOUT_SECONDS)
    starting.join()
    return time.perf_counter() - (decided if "api" in parts else begun)


def open_rows(found: OpenRuns) -> list[Row]:
    empty, cached, every = found.rss
    cpu = "，".join(f"{part} {seconds:.0f}" for part, seconds in found.wake_cpu.items())
    return [
        Row(
            f"{found.count:,} 个等待中的流程，worker 内存",
            f"{every:.0f} MiB；缓存之外每个 {found.kib_each:.1f} KiB",
            f"没有时 {empty:.0f} MiB，{CACHED:,} 个时 {cached:.0f} MiB",
            "每个 ≤ 8 KiB",
            found.kib_each <= 8,
        ),
        Row("　巡查一次", _spread(found.looks), "首次列出全部", "≤ 0.5 秒", max(found.looks[1:]) <= 0.5),
        Row("　全部唤醒，到每个都看过", f"{found.wake_seconds:.1f} 秒", f"CPU 秒：{cpu}", "≤ 8 秒（2,480 个）", None),
        Row("　worker 被 kill -9，下一个决定办结", _spread(found.worker_died), "从 kill 起", "≤ 5 秒", None),
        Row("　worker 和 API 都被 kill -9", _spread(found.both_died), "从决定受理起", "≤ 5 秒", None),
    ]


def _spread(seconds: Sequence[float]) -> str:
    return "、".join(f"{each:.2f}" for each in seconds) + " 秒"

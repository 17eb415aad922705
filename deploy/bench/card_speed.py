"""How many card changes come to 待审核 a second, beside a bare workflow on the same server, turn about."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvloop
from temporalio.api.enums.v1 import EventType

from deploy.bench import bare_cards
from deploy.bench.bare_card import BareCard
from deploy.bench.card_people import CardDesk
from deploy.stack.processes import ROOT, StackError
from deploy.stack.stack import Stack
from workflows.client import connect

# Each connection has its statements prepared by then: API and worker are up for weeks.
ROUNDS, WARM = 3, 100
# Ids of the payments' benches end in other digits: nobody stands on the register twice.
FIRST_SEED = 91
_ACTIVITIES = (EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, EventType.EVENT_TYPE_MARKER_RECORDED)
NOTED = "SELECT count(*) FROM bare_card WHERE number = ANY(%s)"


@dataclass(frozen=True)
class Work:
    """What Temporal carries of one request until 待审核, read from its history."""

    activities: int
    messages: int


@dataclass(frozen=True)
class Speed:
    """Requests that came to 待审核 a second, each round's."""

    count: int
    work: Work
    product: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median of the rounds' own ratios: both of one round had the same machine."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.product, self.bare, strict=True))


def measure(stack: Stack, count: int) -> Speed:
    """Requests are given in and carried by the product's own relay; both workers stand beside each other."""
    with CardDesk(stack) as desk, _bare_worker(stack):
        warm, _ = desk.to_review(desk.invite(FIRST_SEED, WARM))
        work = asyncio.run(_work_of(stack, warm[0]))
        _bare(stack, desk, "warm", WARM, work)
        speed = Speed(count, work)
        for turn in range(1, ROUNDS + 1):
            holders = desk.invite(FIRST_SEED + turn, count)
            speed.bare.append(count / _bare(stack, desk, f"turn-{turn}", count, work))
            speed.product.append(count / desk.to_review(holders)[1])
            print(
                f"{count:,} 笔账号变更到待审核：{speed.product[-1]:.1f}，裸流程 {speed.bare[-1]:.1f} 笔/秒", flush=True
            )
    return speed


def _bare(stack: Stack, desk: CardDesk, name: str, count: int, work: Work) -> float:
    numbers = [f"{name}-{place}" for place in range(count)]
    cards = [BareCard(number=number, activities=work.activities, messages=work.messages) for number in numbers]

    async def start() -> float:
        client = await connect(stack.layout.temporal.environment)
        begun = time.perf_counter()
        await bare_cards.start(client, cards)
        return begun

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        begun = runner.run(start())
    desk.until(count * work.activities, NOTED, numbers)
    return time.perf_counter() - begun


async def _work_of(stack: Stack, request_no: str) -> Work:
    client = await connect(stack.layout.temporal.environment)
    history = await client.get_workflow_handle(f"card-change/{request_no}").fetch_history()
    kinds = [event.event_type for event in history.events]
    return Work(
        # One done within the workflow's turn leaves a marker; the bare workflow does each in the usual way.
        activities=sum(kinds.count(kind) for kind in _ACTIVITIES),
        messages=kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED),
    )


@contextmanager
def _bare_worker(stack: Stack) -> Iterator[None]:
    log = stack.layout.logs / "bare-cards.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "deploy.bench.bare_cards"],
            # it makes a table of its own, which the product's role may not
            env=stack.layout.environment(stack.layout.owner_url),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        assert worker.stdout is not None
        if bare_cards.READY not in worker.stdout.readline():
            raise StackError(f"裸流程的 worker 没有启动，日志：{log}")
        yield
    finally:
        worker.terminate()
        worker.wait()

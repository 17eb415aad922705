"""3,000 counties' calls at once on one queue, a greedy one's before all others: how long each waits for its turns.

An equal share: with N counties and so many turns a second, the k-th turn of each comes after k × N turns at the latest.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from deploy.bench.report_rows import Row
from deploy.stack.stack import Stack
from workflows.client import connect

COUNTIES, EACH, GREEDY = 3_000, 3, 1_000
TIMES = 3.0
PLACES = 20
# What one run asks for in one turn.
_OF_ONE_RUN = 200
_RUNS, _CALLS = "fairness-runs", "fairness-calls"


@dataclass(frozen=True)
class Fairness:
    """Of all waits the one that was longest against its equal share, and turns a second."""

    counties: int
    a_second: float
    longest: float
    equal: float

    @property
    def times(self) -> float:
        return self.longest / self.equal


@workflow.defn
class Crowd:
    @workflow.run
    async def run(self, counties: list[str]) -> None:
        """A call for each word, all at once."""
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    "turn",
                    county,
                    task_queue=_CALLS,
                    start_to_close_timeout=timedelta(minutes=5),
                    priority=Priority(fairness_key=county),
                )
                for county in counties
            )
        )


class Turns:
    """When each county had a turn."""

    def __init__(self, expected: int) -> None:
        self.at: defaultdict[str, list[float]] = defaultdict(list)
        self._left, self.all_there = expected, asyncio.Event()

    @activity.defn
    async def turn(self, county: str) -> None:
        self.at[county].append(time.monotonic())
        self._left -= 1
        if not self._left:
            self.all_there.set()


def measure(stack: Stack) -> Fairness:
    return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> Fairness:
    client = await connect(stack.layout.temporal.environment)
    counties = [f"{place:06d}" for place in range(COUNTIES)]
    turns = Turns(GREEDY + COUNTIES * EACH)
    runs = Worker(client, task_queue=_RUNS, workflows=[Crowd], workflow_runner=UnsandboxedWorkflowRunner())
    async with runs:
        await _begin(client, ["greedy"] * GREEDY, 0)
        await _begin(client, [county for county in counties for _ in range(EACH)], GREEDY)
    # What the calls come to is nobody's turn any more: only who is next is measured.
    async with Worker(client, task_queue=_CALLS, activities=[turns.turn], max_concurrent_activities=PLACES):
        await turns.all_there.wait()
    return _found(turns.at, counties)


async def _begin(client: Client, words: Sequence[str], before: int) -> None:
    """All of them wait in the queue when this is over, after what was there before."""
    for at in range(0, len(words), _OF_ONE_RUN):
        part = list(words[at : at + _OF_ONE_RUN])
        name, patience = f"fairness-{before}-{at}", timedelta(minutes=1)
        await client.start_workflow(Crowd.run, part, id=name, task_queue=_RUNS, task_timeout=patience)
    while await _waiting(client) < before + len(words):  # noqa: ASYNC110
        await asyncio.sleep(0.2)


async def _waiting(client: Client) -> int:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=_CALLS),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )
    told = await client.workflow_service.describe_task_queue(request)
    return told.stats.approximate_backlog_count


def _found(at: dict[str, list[float]], counties: Sequence[str]) -> Fairness:
    every = sorted(moment for moments in at.values() for moment in moments)
    begun, a_second = every[0], len(every) / (every[-1] - every[0])
    waits = [
        (moment - begun, number * len(at) / a_second)
        for county in counties
        for number, moment in enumerate(at[county], start=1)
    ]
    longest, equal = max(waits, key=lambda wait: wait[0] / wait[1])
    return Fairness(len(at), a_second, longest, equal)


def fairness_row(found: Fairness) -> Row:
    return Row(
        f"{found.counties:,} 个区县在集群上同时排队，等得最久的一次",
        f"{found.longest:.1f} 秒（每秒 {found.a_second:.0f} 次）",
        f"平均分配 {found.equal:.1f} 秒（{found.times:.2f} 倍）",
        f"≤ {TIMES:.0f} 倍",
        found.times <= TIMES,
    )

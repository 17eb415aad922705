"""Many card changes wait for their reviewers, everything is killed, and all are decided afterwards."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from deploy.bench.card_people import CardDesk, Holder
from deploy.bench.lines import COUNTY
from deploy.bench.memory import rss_mib
from deploy.demo.people import Person
from deploy.stack.postgres import DATABASE
from deploy.stack.stack import PARTS, Stack
from workflows.client import connect

SEED, WARM_SEED, WARM = 97, 98, 20
REFUSED_EVERY = 10
REVIEWS_AT_ONCE = 4
CLOSED = "SELECT count(*) FROM run WHERE closed_at IS NOT NULL AND kind = 'card-change' AND number = ANY(%s)"
# Where the request stands, whose account the register holds, and whether a lock is left.
ENDS = (
    "SELECT c.request_no, c.result, r.account_index = c.account_index, r.status, EXISTS (SELECT 1 FROM account_lock k"
    " WHERE k.request_no = c.request_no AND k.ended_at IS NULL) FROM card_change c JOIN register_account r"
    " ON r.person_index = c.person_index WHERE c.request_no = ANY(%s)"
)


@dataclass(frozen=True)
class Waiting:
    """Many that wait: what the worker takes for them, and what became of them after everything was killed."""

    count: int
    rss_before: float
    rss_half: float
    rss_after: float
    rss_restarted: float
    restart_seconds: float
    applied: int
    refused: int
    wrong: int
    decided_seconds: float

    @property
    def kib_each(self) -> float:
        return (self.rss_after - self.rss_before) * 1024 / self.count

    @property
    def kib_each_of_half(self) -> float:
        return (self.rss_half - self.rss_before) * 1024 / (self.count // 2)


def measure(stack: Stack, count: int) -> Waiting:
    """On a worker that has next to nothing in its cache yet, and has done each kind of work once."""
    stack.stop("worker")
    stack.start("worker")
    seconds = time.perf_counter
    with CardDesk(stack) as desk:
        desk.to_review(desk.invite(WARM_SEED, WARM))
        numbers, weights = _pile_up(stack, desk, desk.invite(SEED, count))
    begun = seconds()
    for name in reversed(PARTS):
        stack.kill(name)
    stack.start()
    restarted = seconds()
    restarted_rss = rss_mib(stack.pid("worker"))
    decide(stack, numbers)
    desk.until(count, CLOSED, numbers)
    decided = seconds()
    applied, refused = ends(stack, numbers)
    return Waiting(
        count,
        *weights,
        rss_restarted=restarted_rss,
        restart_seconds=restarted - begun,
        applied=applied,
        refused=refused,
        wrong=count - applied - refused + asyncio.run(_still_running(stack, numbers)),
        decided_seconds=decided - restarted,
    )


def _pile_up(stack: Stack, desk: CardDesk, holders: list[Holder]) -> tuple[list[str], tuple[float, float, float]]:
    """Numbers of the requests that wait, and what the worker took before, at the half, and with all of them."""
    half, weights = len(holders) // 2, [rss_mib(stack.pid("worker"))]
    numbers: list[str] = []
    for part in (holders[:half], holders[half:]):
        numbers += desk.to_review(part)[0]
        weights.append(rss_mib(stack.pid("worker")))
    return numbers, (weights[0], weights[1], weights[2])


def decide(stack: Stack, numbers: list[str]) -> None:
    """A reviewer decides each through the API; every tenth is refused."""
    token = json.loads(stack.layout.tokens.read_text())[COUNTY]["reviewer"]
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        reviewer = Person(http, token)

        def one(place: int) -> None:
            body = {"passed": _is_passed(place), "remark": "已核对"}
            reviewer.post(f"/card-changes/{numbers[place]}.{COUNTY}/decision", body)

        with ThreadPoolExecutor(REVIEWS_AT_ONCE) as reviewers:
            list(reviewers.map(one, range(len(numbers))))


def _is_passed(place: int) -> bool:
    return place % REFUSED_EVERY != 0


def ends(stack: Stack, numbers: list[str]) -> tuple[int, int]:
    """How many were applied and refused as decided, with the right account on the register and no lock left."""
    with stack.layout.cluster.connect(DATABASE) as connection:
        found = {row[0]: tuple(row[1:]) for row in connection.execute(ENDS, (numbers,))}
    applied, refused = ("applied", True, "valid", False), ("refused", False, "valid", False)
    right = [applied if _is_passed(place) else refused for place in range(len(numbers))]
    kept = [end for end, number in zip(right, numbers, strict=True) if found.get(number) == end]
    return kept.count(applied), kept.count(refused)


async def _still_running(stack: Stack, numbers: list[str]) -> int:
    """Workflows of these that Temporal hasn't ended; the row is closed a moment before its workflow."""
    client = await connect(stack.layout.temporal.environment)
    try:
        async with asyncio.timeout(60):
            for number in numbers:
                await client.get_workflow_handle(f"card-change/{number}").result()
    except TimeoutError:
        return len(numbers) - numbers.index(number)
    return 0

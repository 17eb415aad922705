"""Twice the callbacks that can be applied, by the clock, while more people ask than are worked for.

Each event is an account.invalidated, the dearest of all: it opens a run of its own. One that isn't taken comes again.
"""

import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from standardwebhooks.webhooks import Webhook

from deploy.bench.callbacks import PROVINCE
from deploy.bench.lines import COUNTY, fine_lines
from deploy.bench.memory import peak_rss_mib
from deploy.bench.report_rows import Row
from deploy.demo.people import wait_for
from deploy.stack.postgres import DATABASE
from deploy.stack.processes import ROOT
from deploy.stack.stack import Stack

SEED, FIRST = 297, 300
SECONDS, TIMES = 60, 2
PEOPLE = 400
# A pool of hundreds of connections looks through all of them at every answer.
POOLS = 64
_APPLIED = "SELECT count(*) FROM inbox WHERE event_type = 'account.invalidated' AND applied_at IS NOT NULL"
_STORED = "SELECT count(*) FROM inbox WHERE source = 'callback'"
_DRAIN_SECONDS = 1_800.0


@dataclass(frozen=True)
class Backpressure:
    """How many callbacks a second are applied; of twice as many, seconds until each was acknowledged, and what came."""

    applied_a_second: float
    sent: int
    acknowledged: list[float]
    refused_first: int
    applied: int
    stored: int
    people: Counter[int]
    api_peak_mib: float

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.acknowledged, n=100, method="inclusive")[-1]


def measure(stack: Stack, seconds: int = SECONDS) -> Backpressure:
    events = _events(stack, SEED)
    begun = time.perf_counter()
    asyncio.run(_send(stack, events, FIRST, FIRST / 2.0))
    _until_applied(stack, FIRST)
    rate = FIRST / (time.perf_counter() - begun)
    count = int(rate * TIMES * seconds)
    with _people_asking(stack) as people:
        acknowledged, again = asyncio.run(_send(stack, events, count, rate * TIMES))
    applied = _until_applied(stack, FIRST + count)
    return Backpressure(
        rate, count, acknowledged, again, applied - FIRST, _one(stack, _STORED) - FIRST, people,
        peak_rss_mib(stack.pid("api")),
    )  # fmt: skip


def _events(stack: Stack, seed: int) -> Iterator[tuple[str, bytes]]:
    """Ids and bodies without end, about people whom no register holds."""
    lines = fine_lines(seed, 500)
    while True:
        line = secrets.choice(lines)
        data = {
            "county_code": COUNTY,
            "id_number": line.id_number,
            "bank_code": line.bank[0],
            "account_no": line.account_no,
            "trigger": "manual",
            "reason_code": "account_closed",
            "invalidated_at": datetime.now(UTC).isoformat(),
            "reason": None,
        }
        said = {"type": "account.invalidated", "timestamp": datetime.now(UTC).isoformat(), "data": data}
        yield f"evt_{secrets.token_hex(9)}", json.dumps(said, separators=(",", ":")).encode()


async def _send(
    stack: Stack, events: Iterator[tuple[str, bytes]], count: int, a_second: float
) -> tuple[list[float], int]:
    """Each at its own moment, whatever becomes of the others; gives its seconds until the 204, and refusals."""
    secret = Webhook(stack.layout.secrets.callback_secrets[PROVINCE])
    seconds: list[float] = []
    refused = 0

    async def one(http: httpx.AsyncClient, at: float, event_id: str, body: bytes) -> None:
        nonlocal refused
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        while True:
            headers = _heads(secret, event_id, body)
            try:
                answer = await http.post(f"/callbacks/{PROVINCE}", content=body, headers=headers)
            except httpx.TransportError:
                # a line that the server closes at this moment
                continue
            if answer.status_code == 204:
                seconds.append(time.perf_counter() - at)
                return
            refused += 1
            await asyncio.sleep(float(answer.headers["retry-after"]))

    begun = time.perf_counter() + 0.5
    async with AsyncExitStack() as lines:
        pools = [await lines.enter_async_context(_pool(stack)) for _ in range(POOLS)]
        each = (one(pools[place % POOLS], begun + place / a_second, *next(events)) for place in range(count))
        await asyncio.gather(*each)
    return seconds, refused


def _pool(stack: Stack) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    # loopback, no TLS: none is made ready for it
    return httpx.AsyncClient(base_url=stack.layout.api_url, timeout=60, trust_env=False, limits=limits, verify=False)  # noqa: S501


def _heads(secret: Webhook, event_id: str, body: bytes) -> dict[str, str]:
    at = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": secret.sign(msg_id=event_id, timestamp=at, data=body.decode()),
    }


@contextmanager
def _people_asking(stack: Stack) -> Iterator[Counter[int]]:
    """More at once than are worked for and may wait, in a process of their own; counts what they are told."""
    told: Counter[int] = Counter()
    tokens = json.loads(stack.layout.tokens.read_text())
    people = [token for county in tokens.values() for token in county.values() if isinstance(token, str)]
    program = [sys.executable, "-m", "deploy.bench.asking", stack.layout.api_url, str(PEOPLE)]
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        print(json.dumps(people), file=asking.stdin, flush=True)
        asking.stdout.readline()
        try:
            yield told
        finally:
            asking.stdin.close()
            told.update({int(status): count for status, count in json.loads(asking.stdout.read()).items()})


def _until_applied(stack: Stack, count: int) -> int:
    def look() -> dict[str, int]:
        return {"applied": _one(stack, _APPLIED)}

    return int(wait_for(f"{count} 个回调", look, lambda seen: seen["applied"] >= count, _DRAIN_SECONDS)["applied"])


def _one(stack: Stack, statement: str) -> int:
    with stack.layout.cluster.connect(DATABASE) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return int(row[0]) if row else 0


def backpressure_rows(found: Backpressure) -> list[Row]:
    told = "、".join(f"{status} {count:,} 次" for status, count in sorted(found.people.items()))
    lost = found.sent - found.stored
    return [
        Row(
            f"两倍于能办结的回调（每秒 {found.applied_a_second * TIMES:.0f} 个）确认",
            f"p99 {found.p99:.2f} 秒，最长 {max(found.acknowledged):.2f} 秒，先被拒 {found.refused_first} 次",
            f"共 {found.sent:,} 个，存 {found.stored:,}，办 {found.applied:,}；同时 {PEOPLE} 人不停查询：{told}",
            "p99 < 1 秒，不丢",
            found.p99 < 1 and lost == 0 and found.applied == found.sent,
        ),
        Row("　API 内存峰值", f"{found.api_peak_mib:.0f} MiB", "—", "—", None),
    ]

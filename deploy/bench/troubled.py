"""提交材料 while some calls fail: what fails alone is tried again alone, and the order hardly notices."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from deploy.bench import evidence
from deploy.bench.ground import county_play
from deploy.bench.report_rows import Row
from deploy.stack.processes import StackError
from deploy.stack.stack import Stack

LINES = 600
FAILING = 0.03
MOST = 1.5


@dataclass(frozen=True)
class Troubled:
    """Seconds of an order of `LINES` lines, three photos each, without and with failing calls; how many failed."""

    clean: float
    troubled: float
    failed: int

    @property
    def ratio(self) -> float:
        return self.troubled / self.clean


def measure(stack: Stack, flow_no: str) -> Troubled:
    """One after the other, each with its own lines, and with photos that the platform hasn't seen."""
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        play = county_play(stack, http)
        lines = play.county.operator.pages(f"/flows/{flow_no}/lines", payment="paid")
        numbers = [line["application_no"] for line in lines][-2 * LINES :]
        if len(numbers) < 2 * LINES:
            raise StackError(f"发放成功的只有 {len(numbers)} 行，测量要用 {2 * LINES} 行")
        clean = evidence.product(play, flow_no, numbers[:LINES])
        with _failing(stack) as platform:
            troubled = evidence.product(play, flow_no, numbers[LINES:])
            return Troubled(clean, troubled, platform.get("/faults").json()["counts"]["5xx"])


@contextmanager
def _failing(stack: Stack) -> Iterator[httpx.Client]:
    """Meanwhile the platform answers some calls of every kind with 500 or 503, half of these with a Retry-After."""
    with httpx.Client(base_url=f"{stack.layout.simulator_url}/admin", trust_env=False) as platform:
        platform.put("/faults", json={"rates": {"5xx": FAILING}}).raise_for_status()
        try:
            yield platform
        finally:
            platform.put("/faults", json={"rates": {}}).raise_for_status()


def troubled_row(found: Troubled) -> Row:
    return Row(
        f"提交材料，{LINES} 行，{FAILING:.0%} 的调用失败",
        f"{found.troubled:.1f} 秒（{found.failed} 次失败）",
        f"无故障 {found.clean:.1f} 秒（{found.ratio:.2f} 倍）",
        f"≤ {MOST} 倍",
        found.ratio <= MOST,
    )

"""The same batch paid twice, by the bare script and then by the product, so that both meet the same machine."""

from typing import NamedTuple

from deploy.bench import floor, product
from deploy.bench.ground import Batch
from deploy.stack.processes import StackError
from deploy.stack.stack import Stack


class Pair(NamedTuple):
    bare_seconds: float
    product: product.Outcome

    @property
    def ratio(self) -> float:
        return self.product.seconds / self.bare_seconds


def pay_both(stack: Stack, batch: Batch, warm: Batch) -> Pair:
    """StackError where the two don't come to the same lines and fen."""
    bare = floor.pay(stack, batch)
    outcome = product.pay(stack, batch, warm)
    if (bare["paid_lines"], bare["paid_fen"]) != (outcome.paid_lines, outcome.paid_fen):
        raise StackError(f"两边结果不一致：裸脚本 {bare}，本系统 {outcome.paid_lines} 笔 {outcome.paid_fen} 分")
    print(
        f"{len(batch.lines):,} 行：裸脚本 {bare['seconds']:.2f} 秒，本系统 {outcome.seconds:.2f} 秒，"
        f"worker 峰值 {outcome.worker_peak_mib:.0f} MiB，历史事件 {outcome.history_events}",
        flush=True,
    )
    return Pair(float(bare["seconds"]), outcome)

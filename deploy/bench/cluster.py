"""The same work on Temporal's cluster and on its dev server, one after the other; the product is the same."""

from dataclasses import dataclass
from pathlib import Path

from deploy.bench import card_speed, fairness
from deploy.bench.card_speed import Speed
from deploy.bench.fairness import Fairness, fairness_row
from deploy.bench.ground import make_batch, stack_knowing
from deploy.bench.pairs import Pair, pay_both
from deploy.bench.report_rows import Row
from deploy.stack.layout import Options
from deploy.stack.stack import Stack, forget
from deploy.stack.temporal import Kind

_WARM = 100


@dataclass(frozen=True)
class Side:
    """What was measured on one of the two."""

    paid: Pair
    speed: Speed


@dataclass(frozen=True)
class SideBySide:
    lines: int
    dev: Side
    cluster: Side
    fair: Fairness


def measure(home: Path, lines: int, changes: int) -> SideBySide:
    """A stack each, never both at once: they would measure each other."""
    dev, cluster = (_measure(home, kind, lines, changes) for kind in (Kind.DEV, Kind.CLUSTER))
    return SideBySide(lines, dev, cluster, _fair(home))


def _measure(home: Path, kind: Kind, lines: int, changes: int) -> Side:
    batch, warm = make_batch(home / "lines", 1, lines), make_batch(home / "lines", 2, _WARM)
    print(f"Temporal：{kind}", flush=True)
    with stack_knowing(home, [batch, warm], temporal=kind) as stack:
        return Side(pay_both(stack, batch, warm), card_speed.measure(stack, changes))


def _fair(home: Path) -> Fairness:
    """On a cluster that has nothing else to do."""
    forget(home)
    with Stack(home, Options(temporal=Kind.CLUSTER)) as stack:
        stack.start("temporal")
        return fairness.measure(stack)


def cluster_rows(found: SideBySide) -> list[Row]:
    return [
        Row(
            f"导入到流程结束，{found.lines:,} 行",
            f"集群 {found.cluster.paid.product.seconds:.1f} 秒，裸脚本的 {found.cluster.paid.ratio:.2f} 倍",
            f"开发服务器 {found.dev.paid.product.seconds:.1f} 秒，裸脚本的 {found.dev.paid.ratio:.2f} 倍",
            "≤ 3 倍",
            found.cluster.paid.ratio <= 3,
        ),
        Row(
            f"账号变更，申请到待审核，{found.cluster.speed.count} 笔",
            f"集群 {_rate(found.cluster.speed)}",
            f"开发服务器 {_rate(found.dev.speed)}",
            "—",
            None,
        ),
        fairness_row(found.fair),
    ]


def _rate(speed: Speed) -> str:
    rates = "、".join(f"{rate:.1f}" for rate in speed.product)
    return f"{rates} 笔/秒（裸流程的 {speed.ratio:.2f}）"

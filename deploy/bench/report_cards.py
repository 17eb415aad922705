"""What was measured of card changes, as rows of the table."""

import statistics

from deploy.bench.cards import Cards
from deploy.bench.report_rows import Row


def card_rows(cards: Cards) -> list[Row]:
    return [_speed(cards), *_waiting(cards)]


def _speed(cards: Cards) -> Row:
    speed = cards.speed
    spread = "、".join(f"{rate:.1f}" for rate in speed.product)
    return Row(
        f"账号变更，申请到待审核，{speed.count:,} 笔（三次中位数）",
        f"{statistics.median(speed.product):.1f} 笔/秒（{spread}）",
        f"裸流程（{speed.work.activities} 个活动、{speed.work.messages} 条消息）"
        f" {statistics.median(speed.bare):.1f} 笔/秒（{speed.ratio:.2f} 倍）",
        "≥ 0.7 倍",
        speed.ratio >= 0.7,
    )


def _waiting(cards: Cards) -> list[Row]:
    waiting = cards.waiting
    return [
        Row(
            f"{waiting.count:,} 笔待审核时的 worker 内存",
            f"{waiting.rss_after:.0f} MiB，每笔增 {waiting.kib_each:.1f} KiB",
            f"没有时 {waiting.rss_before:.0f} MiB；一半时 {waiting.rss_half:.0f} MiB，每笔增"
            f" {waiting.kib_each_of_half:.1f} KiB",
            "—",
            None,
        ),
        Row(
            "　全部 kill -9 再启动",
            f"{waiting.restart_seconds:.1f} 秒",
            f"启动后 worker {waiting.rss_restarted:.0f} MiB",
            "—",
            None,
        ),
        Row(
            f"　随后审核 {waiting.count:,} 笔，到全部办结",
            f"变更成功 {waiting.applied:,}，不通过 {waiting.refused:,}，用时 {waiting.decided_seconds:.1f} 秒",
            f"结果不符 {waiting.wrong:,}",
            "全部正确",
            waiting.wrong == 0,
        ),
    ]

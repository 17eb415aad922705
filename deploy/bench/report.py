"""The measured figures as a table on the screen, and as BENCHMARKS.md with the machine they were measured on."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from deploy.bench.callbacks import Rates
from deploy.bench.cards import Cards
from deploy.bench.evidence import LINES, Evidence
from deploy.bench.pages import Pages
from deploy.bench.product import Outcome
from deploy.bench.report_cards import card_rows
from deploy.bench.report_pages import page_rows
from deploy.bench.report_rows import Row
from deploy.bench.troubled import Troubled, troubled_row
from deploy.stack import temporal


@dataclass(frozen=True)
class Figures:
    """All that was measured in one go."""

    small: Sequence[Outcome]
    large: Outcome
    bare_small: Sequence[float]
    bare_large: float
    callbacks: Sequence[Rates]
    evidence: Evidence
    troubled: Troubled
    cards: Cards
    pages: Pages

    @property
    def ratio(self) -> float:
        """Median of the pairs' own ratios, as with card changes: both of one pair had the same machine."""
        return statistics.median(self.ratios)

    @property
    def ratios(self) -> list[float]:
        return [run.seconds / bare for run, bare in zip(self.small, self.bare_small, strict=True)]


def _temporal() -> str:
    if temporal.chosen() is temporal.Kind.CLUSTER:
        return "Temporal as a cluster with a PostgreSQL of its own"
    return "Temporal on SQLite with synchronous=FULL"


# Written by hand, below this line.
KEPT = "<!-- make bench rewrites what stands above -->"
HEADERS = ("测量", "本系统", "对照", "要求", "")


def rows(figures: Figures) -> list[Row]:
    orders = _evidence(figures), troubled_row(figures.troubled)
    return [
        *_speed(figures),
        *_growth(figures),
        *_callbacks(figures),
        *orders,
        *card_rows(figures.cards),
        *page_rows(figures.pages),
    ]


def print_table(table_rows: Sequence[Row]) -> None:
    table = Table(title="测速结果")
    for header in HEADERS:
        table.add_column(header)
    for row in table_rows:
        table.add_row(row.what, row.product, row.beside, row.bound, _mark(row))
    Console(width=140).print(table)


def write(path: Path, figures: Figures) -> None:
    """What was measured, anew: the machine, the table, the steps of one run; what stands below them stays."""
    head = ["# Measured figures", "", *machine(), "", *_markdown(rows(figures)), ""]
    steps = ["| 步骤 | 2,000 行（秒） | 20,000 行（秒） |", "| --- | ---: | ---: |", *_steps(figures)]
    small = statistics.median(run.history_events for run in figures.small)
    events = [
        "",
        f"History of the flow's run: {small:.0f} events for {figures.small[0].lines:,} lines,"
        f" {figures.large.history_events} for {figures.large.lines:,}: it grows with the pages that arrive, not with"
        " the lines.",
        "",
    ]
    kept = path.read_text("utf-8").partition(KEPT)[2] if path.exists() else "\n"
    path.write_text("\n".join([*head, "## One run, step by step", "", *steps, *events, KEPT]) + kept, "utf-8")


def machine() -> list[str]:
    memory = psutil.virtual_memory().total / 2**30
    return [
        f"- Date: {date.today().isoformat()}",  # noqa: DTZ011
        f"- Machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}",
        f"- Load average when it was done: {os.getloadavg()[1]:.1f}; the bench alone makes about 2. More than that:"
        " somebody else was working on the machine, and only the ratios tell something",
        f"- Python {platform.python_version()}; PostgreSQL with fsync, {_temporal()},"
        " all parts and the load on this one machine",
    ]


def _speed(figures: Figures) -> list[Row]:
    ours = statistics.median(run.seconds for run in figures.small)
    bare, lines = statistics.median(figures.bare_small), figures.small[0].lines
    large = figures.large
    rate = large.lines / large.seconds
    spread = "、".join(f"{run.seconds:.1f}" for run in figures.small)
    pairs = "、".join(f"{ratio:.2f}" for ratio in figures.ratios)
    return [
        Row(
            f"导入到流程结束，{lines:,} 行（三次中位数）",
            f"{ours:.1f} 秒（{spread}）",
            f"裸脚本 {bare:.1f} 秒",
            "≤ 3 倍",
            figures.ratio <= 3,
        ),
        Row("　倍数，每对自比的中位数", f"{figures.ratio:.2f}（{pairs}）", "", "≤ 3", figures.ratio <= 3),
        Row(f"　{lines:,} 行用时", f"{ours:.1f} 秒", "", "< 40 秒", ours < 40),
        Row(
            f"导入到流程结束，{large.lines:,} 行",
            f"{large.seconds:.1f} 秒，每秒 {rate:.0f} 行",
            f"裸脚本 {figures.bare_large:.1f} 秒（{large.seconds / figures.bare_large:.2f} 倍）",
            "> 150 行/秒，应达 350",
            rate > 150,
        ),
    ]


def _growth(figures: Figures) -> list[Row]:
    large = figures.large
    per_small = statistics.median(run.seconds / run.lines for run in figures.small)
    per_large = large.seconds / large.lines
    peak = statistics.median(run.worker_peak_mib for run in figures.small)
    events = statistics.median(run.history_events for run in figures.small)
    return [
        Row(
            "每行用时，20,000 行对 2,000 行",
            f"{per_large * 1000:.2f} 毫秒",
            f"{per_small * 1000:.2f} 毫秒（{per_large / per_small:.2f} 倍）",
            "≤ 1.05 倍",
            per_large <= 1.05 * per_small,
        ),
        Row(
            "worker 内存峰值，20,000 行对 2,000 行",
            f"{large.worker_peak_mib:.0f} MiB",
            f"{peak:.0f} MiB（{large.worker_peak_mib / peak:.2f} 倍）",
            "≤ 1.3 倍",
            large.worker_peak_mib <= 1.3 * peak,
        ),
        Row("流程历史事件，20,000 行对 2,000 行", f"{large.history_events}", f"{events:.0f}", "只随页数增长", None),
    ]


def _callbacks(figures: Figures) -> list[Row]:
    return [
        Row(
            f"回调确认，{rates.load.name}（{rates.body_bytes / 1024:.1f} KiB）",
            f"{statistics.median(rates.product):.0f} 个/秒",
            f"裸路由 {statistics.median(rates.bare):.0f} 个/秒（{rates.ratio:.2f} 倍）",
            "≥ 0.8 倍",
            rates.ratio >= 0.8,
        )
        for rates in figures.callbacks
    ]


def _evidence(figures: Figures) -> Row:
    evidence = figures.evidence
    return Row(
        f"提交材料，{LINES} 行、每行三张照片",
        f"每秒 {LINES / statistics.median(evidence.product):.0f} 行",
        f"裸脚本每秒 {LINES / statistics.median(evidence.bare):.0f} 行（用时 {evidence.ratio:.2f} 倍）",
        "—",
        None,
    )


def _markdown(table_rows: Sequence[Row]) -> list[str]:
    body = [f"| {row.what} | {row.product} | {row.beside} | {row.bound} | {_mark(row)} |" for row in table_rows]
    return [f"| {' | '.join(HEADERS)} |", "| --- | --- | --- | --- | --- |", *body]


def _mark(row: Row) -> str:
    return {None: "", True: "✓", False: "✗"}[row.kept]


def _steps(figures: Figures) -> list[str]:
    middle = sorted(figures.small, key=lambda run: run.seconds)[len(figures.small) // 2]
    large: dict[str, float] = {}
    small: dict[str, float] = {}
    for steps, told in ((middle.steps, small), (figures.large.steps, large)):
        for name, seconds in steps:
            told[name] = told.get(name, 0.0) + seconds
    return [f"| {name} | {small[name]:.2f} | {large.get(name, 0.0):.2f} |" for name in small]

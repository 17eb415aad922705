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
from deploy.bench.troubled import FAILING, Troubled, troubled_row
from deploy.bench.troubled import LINES as TROUBLED_LINES
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
    """Everything in one file: the machine, the table, the steps of one run."""
    head = ["# Measured figures", "", *machine(), "", *_markdown(rows(figures)), ""]
    steps = ["| 步骤 | 2,000 行（秒） | 20,000 行（秒） |", "| --- | ---: | ---: |", *_steps(figures)]
    small = statistics.median(run.history_events for run in figures.small)
    events = [
        "",
        f"History of the flow's run: {small:.0f} events for {figures.small[0].lines:,} lines,"
        f" {figures.large.history_events} for {figures.large.lines:,}: it grows with the pages that arrive, not with"
        " the lines.",
        "",
        *_notes(),
    ]
    path.write_text("\n".join([*head, "## One run, step by step", "", *steps, *events]) + "\n", "utf-8")


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


def _notes() -> list[str]:
    return [
        "What is compared: the bare script (`deploy/bench/bare.py`) reads the same file and does the same signed calls,"
        " pages, COPYs and UPDATEs into the same columns and indexes, receives the same callbacks and commits each"
        " before it answers. It has no API, Temporal, outbox, journal of instructions, trail, foreign keys, row checks"
        " or second person, and can't be stopped in the middle. The product is driven by people through its API who"
        " wait there until the stage is another one. Policy, indicator and catalogs are there before either clock"
        " starts; the platform is"
        " the simulator without delays and faults; a fresh worker serves each run, which has paid a hundred lines"
        " before.",
        "",
        "The bare workflow of card changes (`deploy/bench/bare_card.py`): started by the same signal-with-start,"
        " as many activities and messages as the history of a card change shows, each activity one INSERT; it stays"
        " open as the request does. It does each activity in the usual way, the product its one within the workflow's"
        " own turn; both have done a hundred before their clocks start. The product's time begins with the first"
        " request's rows and includes outbox,"
        " relay, the bank's word from the simulator, steps and search attributes. A worker keeps 1,000 workflows in"
        " its cache: beyond them a waiting one takes nothing of it. Killed are worker, API, simulator, Temporal, S3"
        " and PostgreSQL; decisions then go through the API, every tenth a refusal. A request counts as right when"
        " its result, the register's account, the lock and its workflow's end are what the decision asks for.",
        "",
        f"提交材料 with failing calls: {TROUBLED_LINES} lines as before, then {TROUBLED_LINES} others while the"
        f" simulator answers {FAILING:.0%} of all calls with 500 or 503, half of these with a Retry-After of a"
        " second. Alone: `python -m deploy.bench --troubled-only`.",
        "",
        "`make bench` measures anew and rewrites this file.",
    ]

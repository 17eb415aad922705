"""Live progress and a table: each step with its lines, its sum and its time."""

import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    step: str
    lines: int | None
    fen: int | None
    seconds: float


class Report:
    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self.rows: list[Row] = []
        self.begun = self._last = time.monotonic()

    def step(self, name: str, lines: int | None = None, fen: int | None = None) -> None:
        """A step is done: note it and say so."""
        now = time.monotonic()
        row = Row(name, lines, fen, now - self._last)
        self.rows.append(row)
        self._last = now
        self.console.print(f"  ✓ {name}{_count(row.lines)}{_yuan(row.fen)}  {row.seconds:.1f} 秒", highlight=False)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def print(self) -> None:
        table = Table(title="补贴流程演示")
        for name, right in (("步骤", False), ("笔数", True), ("金额（元）", True), ("用时（秒）", True)):
            table.add_column(name, justify="right" if right else "left")
        for row in self.rows:
            lines = "" if row.lines is None else f"{row.lines:,}"
            yuan = "" if row.fen is None else f"{row.fen / 100:,.2f}"
            table.add_row(row.step, lines, yuan, f"{row.seconds:.1f}")
        self.console.print(table)


def _count(lines: int | None) -> str:
    return "" if lines is None else f"  {lines:,} 笔"


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"  {fen / 100:,.2f} 元"

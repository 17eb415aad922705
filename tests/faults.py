"""`python -m tests.faults [--seed N] [--case NAME] [--list]`: everything that must be survived, case by case.

The cases are tests in `faults_*.py`, on stacks of their own; rows that the suite of `make test` plays on smaller
grounds are run as they stand there. Prints a line a case, with its seconds and what was done how often, and at the end
the table. Exits 1 when a case or a sentence of the checker fails; the seed and the name repeat it.
"""

import argparse
import os
import secrets
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# Rows whose proof stands in the usual suite: bursts, code that would not replay, days and their borders.
AS_THEY_STAND = ("test_bursts.py", "test_replay.py", "test_time_zone.py", "test_clock.py", "test_temporal_older.py")
# Cases mostly wait for servers: four processes keep two cores busy.
AT_ONCE = 4
# A round of walks on a machine that has other work, too; in the usual suite a test may take less.
LONGEST_S = 900
# Files that take longest begin first, so that at the end no process has one for itself.
LONG = ("restore", "walk", "processes", "callbacks", "load", "platform", "temporal")


@dataclass(frozen=True)
class Line:
    case: str
    outcome: str
    seconds: float
    done: str

    def __str__(self) -> str:
        return f"{self.outcome:8} {self.seconds:7.1f} s  {self.case:60} {self.done}"


@dataclass
class Table:
    """A pytest plugin: a line when a case and the checker after it are over."""

    seed: int
    lines: list[Line] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    # of those that are under way, by their names
    _seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _outcomes: dict[str, str] = field(default_factory=dict)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        # pytest wants to be the first to import xdist
        from tests.fault_shares import Shares

        return Shares(config, log)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if report.outcome != "passed":
            self._outcomes[report.nodeid] = report.outcome
            print(f"\n{report.longreprtext}", flush=True)
        if report.when == "teardown":
            self._note(report)

    def _note(self, report: pytest.TestReport) -> None:
        case = report.nodeid.removeprefix("tests/").replace(".py::test_", " ").replace("::", " ")
        done = dict(report.user_properties).get("injected", {})
        told = ", ".join(f"{what} ×{times}" for what, times in done.items() if times)  # type: ignore[attr-defined]
        outcome = self._outcomes.get(report.nodeid, "passed")
        self.lines.append(Line(case, outcome, self._seconds[report.nodeid], told))
        print(f"\n{self.lines[-1]}", flush=True)

    def pytest_terminal_summary(self) -> None:
        spent, took = sum(line.seconds for line in self.lines), time.monotonic() - self.begun
        print(f"\nseed {self.seed}: {len(self.lines)} cases, {spent:.0f} s of them in {took:.0f} s")
        for line in self.lines:
            print(line)
        for file, seconds in sorted(self._files().items(), key=lambda one: -sum(one[1])):
            print(f"{sum(seconds):7.0f} s  {len(seconds):3} cases of {file}")
        for line in self.lines:
            if line.outcome == "failed":
                print(f"again: make faults SEED={self.seed} CASE='{_pattern(line.case)}'")

    def _files(self) -> dict[str, list[float]]:
        found = defaultdict[str, list[float]](list)
        for line in self.lines:
            found[line.case.partition(" ")[0]].append(line.seconds)
        return found


def _pattern(case: str) -> str:
    """What pytest's -k finds it by."""
    file, _, name = case.partition(" ")
    words = name.replace("[", " ").replace("]", " ").split()
    return " and ".join([file, *words])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="the fault suite")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--case", default="", help="only cases whose name has this in it")
    parser.add_argument("--at-once", type=int, help=f"so many cases side by side; all of them: {AT_ONCE}")
    parser.add_argument("--list", action="store_true", help="what there is")
    given = parser.parse_args()
    os.environ["ONECARD_FAULT_SEED"] = str(given.seed)
    print(f"seed {given.seed}: make faults SEED={given.seed}", flush=True)
    files = [*sorted(HERE.glob("faults_*.py"), key=_place), *(HERE / name for name in AS_THEY_STAND)]
    options = ["-q", "--no-header", "--tb=short", "--show-capture=no", "-k", given.case]
    options += ["-o", f"faulthandler_timeout={LONGEST_S}"]
    options += ["--collect-only"] if given.list else _side_by_side(given.at_once or (1 if given.case else AT_ONCE))
    return int(pytest.main([*map(str, files), *options], plugins=[Table(given.seed)]))


def _place(file: Path) -> tuple[int, str]:
    name = file.stem.removeprefix("faults_")
    return LONG.index(name) if name in LONG else len(LONG), name


def _side_by_side(processes: int) -> list[str]:
    """By files: the cases of one share a stack."""
    return ["-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder"] if processes > 1 else []


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.faults [--seed N] [--case NAME] [--list]`: everything that must be survived, case by case.

The cases are tests in `faults_*.py`, on stacks of their own; rows that the suite of `make test` plays on smaller
grounds are run as they stand there. Prints a line a case, with its seconds and what was done how often, and at the end
the table. Exits 1 when a case or a sentence of the checker fails; the seed and the name repeat it.
"""

import argparse
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Rows whose proof stands in the usual suite: bursts, code that would not replay, days and their borders.
AS_THEY_STAND = ("test_bursts.py", "test_replay.py", "test_time_zone.py", "test_clock.py", "test_temporal_older.py")


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
    _seconds: float = 0.0
    _outcome: str = "passed"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup":
            self._seconds, self._outcome = 0.0, "passed"
        self._seconds += report.duration
        if report.outcome != "passed":
            self._outcome = report.outcome
            print(f"\n{report.longreprtext}", flush=True)
        if report.when == "teardown":
            self._note(report)

    def _note(self, report: pytest.TestReport) -> None:
        case = report.nodeid.removeprefix("tests/").replace(".py::test_", " ").replace("::", " ")
        done = dict(report.user_properties).get("injected", {})
        told = ", ".join(f"{what} ×{times}" for what, times in done.items() if times)  # type: ignore[attr-defined]
        self.lines.append(Line(case, self._outcome, self._seconds, told))
        print(f"\n{self.lines[-1]}", flush=True)

    def pytest_terminal_summary(self) -> None:
        print(f"\nseed {self.seed}: {len(self.lines)} cases, {sum(line.seconds for line in self.lines):.0f} s")
        for line in self.lines:
            print(line)
        for line in self.lines:
            if line.outcome == "failed":
                print(f"again: make faults SEED={self.seed} CASE='{_pattern(line.case)}'")


def _pattern(case: str) -> str:
    """What pytest's -k finds it by."""
    file, _, name = case.partition(" ")
    words = name.replace("[", " ").replace("]", " ").split()
    return " and ".join([file, *words])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="the fault suite")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--case", default="", help="only cases whose name has this in it")
    parser.add_argument("--list", action="store_true", help="what there is")
    given = parser.parse_args()
    os.environ["ONECARD_FAULT_SEED"] = str(given.seed)
    print(f"seed {given.seed}: make faults SEED={given.seed}", flush=True)
    files = [str(path) for path in sorted(HERE.glob("faults_*.py"))] + [str(HERE / name) for name in AS_THEY_STAND]
    options = ["-q", "--no-header", "--tb=short", "--show-capture=no", "-k", given.case]
    return int(
        pytest.main([*files, *options, *(["--collect-only"] if given.list else [])], plugins=[Table(given.seed)])
    )


if __name__ == "__main__":
    sys.exit(main())

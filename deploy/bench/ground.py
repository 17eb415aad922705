"""The stack that is measured: fresh, without faults or delays, and told of all people who will occur."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from deploy.bench.lines import COUNTY, Line, accounts_file, application_file, invent, register_file
from deploy.demo.people import counties
from deploy.demo.play import Ground, Play
from deploy.demo.report import Report
from deploy.stack.layout import Options
from deploy.stack.processes import ROOT, end_leftovers
from deploy.stack.stack import Stack, forget
from models.words.calendar import china_today

HOME = ROOT / "var" / "bench"
# Nothing is asked back and nobody looks around: only what the run itself does is measured.
_QUIET = {"PLATFORM_FIRST_ASK_SECONDS": "86400", "PLATFORM_ASK_SECONDS": "86400", "WATCH_SECONDS": "600"}


@dataclass(frozen=True)
class Batch:
    """A file of lines, and where it lies for whoever reads it from disk."""

    seed: int
    lines: list[Line]
    file: bytes
    path: Path

    @property
    def total_fen(self) -> int:
        return sum(line.amount_fen for line in self.lines)


def make_batch(folder: Path, seed: int, count: int) -> Batch:
    """Lines, file and registers of one run, written below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = invent(seed, count)
    file = application_file(lines)
    path = folder / f"lines-{seed}.xlsx"
    path.write_bytes(file)
    register_of(folder, seed).write_bytes(register_file(lines))
    accounts_of(folder, seed).write_bytes(accounts_file(lines))
    return Batch(seed, lines, file, path)


def register_of(folder: Path, seed: int) -> Path:
    return folder / f"register-{seed}.csv"


def accounts_of(folder: Path, seed: int) -> Path:
    return folder / f"accounts-{seed}.csv"


@contextmanager
def stack_knowing(home: Path, seeds: list[int], settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A fresh, started stack whose platform knows the people of these seeds."""
    end_leftovers(home)
    forget(home)
    folder = home / "lines"
    options = Options(
        time_scale=0,
        seed=1,
        registers=tuple((COUNTY, register_of(folder, seed)) for seed in seeds),
        bank_accounts=tuple(accounts_of(folder, seed) for seed in seeds),
        env=_QUIET | dict(settings or {}),
    )
    with Stack(home, options) as stack:
        stack.start()
        yield stack


def county_play(stack: Stack, http: httpx.Client) -> Play:
    """The county's people at the API's counter."""
    county = counties(http, stack.layout.tokens)[COUNTY]
    return Play(county, china_today().year, Report(Console(quiet=True)))


def more_ground(play: Play, total_fen: int) -> Ground:
    """An approved policy and indicator of one run, prepared before its clock starts."""
    return play.prepare_ground(total_fen, refused_first=False)

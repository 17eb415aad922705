"""The stack that is measured: fresh, without faults or delays, and told of all people who will occur."""

from collections.abc import Iterator, Mapping, Sequence
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
from deploy.stack.temporal import Kind, chosen
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
    county: str = COUNTY

    @property
    def total_fen(self) -> int:
        return sum(line.amount_fen for line in self.lines)


def make_batch(folder: Path, seed: int, count: int, county: str = COUNTY) -> Batch:
    """Lines, file and registers of one run, written below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = invent(seed, count, county)
    file = application_file(lines)
    path = folder / f"lines-{county}-{seed}.xlsx"
    path.write_bytes(file)
    batch = Batch(seed, lines, file, path, county)
    register_of(batch).write_bytes(register_file(lines))
    accounts_of(batch).write_bytes(accounts_file(lines))
    return batch


def register_of(batch: Batch) -> Path:
    return batch.path.with_name(f"register-{batch.county}-{batch.seed}.csv")


def accounts_of(batch: Batch) -> Path:
    return batch.path.with_name(f"accounts-{batch.county}-{batch.seed}.csv")


@contextmanager
def stack_knowing(
    home: Path, batches: Sequence[Batch], settings: Mapping[str, str] | None = None, temporal: Kind | None = None
) -> Iterator[Stack]:
    """A fresh, started stack whose platform knows the people of these batches; `temporal` where not as chosen."""
    end_leftovers(home)
    forget(home)
    options = Options(
        time_scale=0,
        seed=1,
        registers=tuple((batch.county, register_of(batch)) for batch in batches),
        bank_accounts=tuple(accounts_of(batch) for batch in batches),
        env=_QUIET | dict(settings or {}),
        temporal=temporal or chosen(),
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

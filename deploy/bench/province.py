"""A province: lists of 100,000 lines against the bare script, and all of its counties paying at once."""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from rich.console import Console

from deploy.bench import product
from deploy.bench.ground import Batch, make_batch, more_ground, stack_knowing
from deploy.bench.pairs import Pair, pay_both
from deploy.bench.report_rows import Row
from deploy.demo.people import County, figure
from deploy.demo.play import Ground, Play
from deploy.demo.report import Report
from deploy.local_people import LocalPerson, driver_url, put_local_people
from deploy.stack.keys import role_of
from deploy.stack.processes import StackError
from deploy.stack.stack import Stack
from models import tokens
from models.store.vault import LocalVault
from models.words.calendar import china_today

WARM = 100
TENTH = 10
FIRST_COUNTY = 500_201
OFFICE = ("county_admin", "operator", "reviewer", "second_reviewer")
# What the platform and the bank say of a line; all others are paid at last.
UNPAID = {"not_found", "no_account", "pay_fails"}
TIMES_BARE, TIMES_TENTH, PEAK_MIB, PEAK_TIMES, EVENTS = 1.25, 1.1, 300.0, 1.2, 500
LINES_A_SECOND = 240.0


@dataclass(frozen=True)
class Lists:
    """Large ones in turn with the bare script, and one of a tenth of the lines."""

    large: Sequence[Pair]
    tenth: product.Outcome


@dataclass(frozen=True)
class Counties:
    """All at once: seconds of each, of all, and CPU seconds of the parts meanwhile."""

    lines: int
    seconds: float
    each: Sequence[float]
    cpu: dict[str, float]


@dataclass(frozen=True)
class Province:
    lists: Lists
    counties: Counties


def measure_lists(home: Path, lines: int, pairs: int) -> Lists:
    sizes = [lines // TENTH, *([lines] * pairs)]
    batches = [make_batch(home / "lines", seed, count) for seed, count in enumerate(sizes, start=1)]
    warm = [make_batch(home / "lines", len(sizes) + batch.seed, WARM) for batch in batches]
    with stack_knowing(home, [*batches, *warm]) as stack:
        tenth = product.pay(stack, batches[0], warm[0])
        return Lists([pay_both(stack, *both) for both in zip(batches[1:], warm[1:], strict=True)], tenth)


def measure_counties(home: Path, count: int, lines: int) -> Counties:
    """Each with its own four people and its own file; the clock runs from the first import to the last flow.ended."""
    batches = [make_batch(home / "lines", 1, lines, str(FIRST_COUNTY + place)) for place in range(count)]
    with stack_knowing(home, batches) as stack, ThreadPoolExecutor(count) as pool, plays_of(stack, batches) as plays:
        grounds = list(pool.map(_ground, plays, batches))
        before, begun = _cpu(stack), time.perf_counter()
        each = list(pool.map(_paid, plays, grounds, batches))
        seconds = time.perf_counter() - begun
        return Counties(count * lines, seconds, each, {part: now - before[part] for part, now in _cpu(stack).items()})


@contextmanager
def plays_of(stack: Stack, batches: Sequence[Batch]) -> Iterator[list[Play]]:
    """Each batch's county with people of its own."""
    limits = httpx.Limits(max_connections=len(batches), max_keepalive_connections=len(batches))
    with httpx.Client(base_url=stack.layout.api_url, timeout=600.0, trust_env=False, limits=limits) as http:
        year = china_today().year
        offices = [office_of(stack, http, batch.county) for batch in batches]
        yield [Play(office, year, Report(Console(quiet=True))) for office in offices]


def office_of(stack: Stack, http: httpx.Client, county: str) -> County:
    """The county's people, as rows and with tokens."""
    layout = stack.layout
    people = {name: LocalPerson(county, f"{name}-{county}", (role_of(name),), name) for name in OFFICE}
    with psycopg.connect(driver_url(layout.database_url)) as connection:
        put_local_people(connection, LocalVault.from_file(layout.vault_key), people.values())
    minted = {name: tokens.mint(layout.token_key, one.subject, role_of(name), county) for name, one in people.items()}
    return County(http, county, minted)


def _ground(play: Play, batch: Batch) -> Ground:
    return more_ground(play, batch.total_fen * 2)


def _paid(play: Play, ground: Ground, batch: Batch) -> float:
    """Seconds; what was paid must be what the platform's register lets be paid, to the fen."""
    begun = time.perf_counter()
    flow = product.pay_batch(play, ground, batch)
    seconds = time.perf_counter() - begun
    due = [line.amount_fen for line in batch.lines if line.fate not in UNPAID]
    paid = figure(flow["figures"]["payments"], "paid")
    if (paid["count"], paid["fen"]) != (len(due), sum(due)):
        raise StackError(f"{batch.county} 应发 {len(due)} 笔 {sum(due)} 分，实发 {paid['count']} 笔 {paid['fen']} 分")
    return seconds


def _cpu(stack: Stack) -> dict[str, float]:
    """CPU seconds so far, of a part and of what it started."""
    return {part: _cpu_of(psutil.Process(stack.pid(part))) for part in ("api", "worker", "postgres", "temporal")}


def _cpu_of(process: psutil.Process) -> float:
    own, seconds = process.cpu_times(), 0.0
    for child in process.children(recursive=True):
        with_children = child.cpu_times()
        seconds += with_children.user + with_children.system
    return seconds + own.user + own.system + own.children_user + own.children_system


def province_rows(found: Province) -> list[Row]:
    return [*_list_rows(found.lists), _county_row(found.counties)]


def _list_rows(lists: Lists) -> list[Row]:
    runs = [pair.product for pair in lists.large]
    ratios = [pair.ratio for pair in lists.large]
    ratio = statistics.median(ratios)
    seconds = statistics.median(run.seconds for run in runs)
    lines, tenth = runs[0].lines, lists.tenth
    growth = (seconds / lines) / (tenth.seconds / tenth.lines)
    peak, events = max(run.worker_peak_mib for run in runs), max(run.history_events for run in runs)
    said = "、".join(f"{each:.2f}" for each in ratios)
    return [
        Row(
            f"导入到流程结束，{lines:,} 行（{len(runs)} 对中位数）",
            f"{seconds:.0f} 秒，每秒 {lines / seconds:.0f} 行",
            f"裸脚本的 {ratio:.2f} 倍（{said}）",
            f"≤ {TIMES_BARE} 倍",
            ratio <= TIMES_BARE,
        ),
        Row(
            f"每行用时，{lines:,} 行对 {tenth.lines:,} 行",
            f"{seconds / lines * 1000:.2f} 毫秒",
            f"{tenth.seconds / tenth.lines * 1000:.2f} 毫秒（{growth:.2f} 倍）",
            f"≤ {TIMES_TENTH} 倍",
            growth <= TIMES_TENTH,
        ),
        Row(
            "　worker 内存峰值",
            f"{peak:.0f} MiB",
            f"{tenth.worker_peak_mib:.0f} MiB（{peak / tenth.worker_peak_mib:.2f} 倍）",
            f"< {PEAK_MIB:.0f} MiB，≤ {PEAK_TIMES} 倍",
            peak < PEAK_MIB and peak <= PEAK_TIMES * tenth.worker_peak_mib,
        ),
        Row("　流程历史事件", f"{events}", f"{tenth.history_events}", f"< {EVENTS}", events < EVENTS),
    ]


def _county_row(counties: Counties) -> Row:
    speed = counties.lines / counties.seconds
    cpu = "，".join(f"{part} {seconds / counties.lines * 1000:.2f}" for part, seconds in counties.cpu.items())
    return Row(
        f"{len(counties.each)} 个区县同时，各 {counties.lines // len(counties.each):,} 行，逐县核对到分",
        f"每秒 {speed:.0f} 行；每行 CPU 毫秒：{cpu}",
        f"最快的区县 {min(counties.each):.0f} 秒，最慢的 {max(counties.each):.0f} 秒",
        f"≥ {LINES_A_SECOND:.0f} 行/秒",
        speed >= LINES_A_SECOND,
    )

"""`make bench`: a fresh stack, the runs turn about, a table, and BENCHMARKS.md. Needs an idle machine."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from deploy.bench import (
    backpressure,
    callbacks,
    cards,
    cluster,
    evidence,
    first_load,
    lookups,
    open_runs,
    pages,
    patience,
    product,
    province,
    season,
    troubled,
)
from deploy.bench.backpressure import backpressure_rows
from deploy.bench.cluster import cluster_rows
from deploy.bench.first_load import first_load_rows
from deploy.bench.ground import HOME, make_batch, stack_knowing
from deploy.bench.open_runs import open_rows
from deploy.bench.pairs import pay_both
from deploy.bench.patience import patience_rows
from deploy.bench.province import province_rows
from deploy.bench.report import Figures, print_table, rows, write
from deploy.bench.report_cards import card_rows
from deploy.bench.report_lookups import lookup_rows
from deploy.bench.report_pages import page_rows
from deploy.bench.season import season_rows
from deploy.bench.troubled import troubled_row
from deploy.spoken import spoken
from deploy.stack.processes import ROOT

SMALL, LARGE, RUNS = 2_000, 20_000, 3
WARM = 100
CARDS, OPEN = 200, 2_000
PEOPLE = 300
PROVINCE_LINES, COUNTIES, COUNTY_LINES = 100_000, 120, 400


def measure(home: Path, small: int, large: int, runs: int, card_counts: tuple[int, int]) -> Figures:
    """Bare script and product take the same batch one after the other, so that both meet the same machine."""
    sizes = [*([small] * runs), large]
    batches = [make_batch(home / "lines", seed, count) for seed, count in enumerate(sizes, start=1)]
    warm = [make_batch(home / "lines", len(sizes) + batch.seed, WARM) for batch in batches]
    with stack_knowing(home, [*batches, *warm]) as stack:
        pairs = [pay_both(stack, *both) for both in zip(batches, warm, strict=True)]
        *smalls, (bare_large, outcome_large) = pairs
        return Figures(
            small=[outcome for _, outcome in smalls],
            large=outcome_large,
            bare_small=[seconds for seconds, _ in smalls],
            bare_large=bare_large,
            evidence=evidence.measure(stack, smalls[-1][1].flow_no),
            troubled=troubled.measure(stack, smalls[0][1].flow_no),
            callbacks=callbacks.measure(stack),
            cards=cards.measure(stack, *card_counts),
            # last: what is measured before has a county of its own size
            pages=pages.measure(stack, home),
        )


def measure_cards(home: Path, card_counts: tuple[int, int]) -> cards.Cards:
    with stack_knowing(home, []) as stack:
        return cards.measure(stack, *card_counts)


def measure_troubled(home: Path, small: int) -> troubled.Troubled:
    batch, warm = make_batch(home / "lines", 1, small), make_batch(home / "lines", 2, WARM)
    with stack_knowing(home, [batch, warm]) as stack:
        return troubled.measure(stack, product.pay(stack, batch, warm).flow_no)


def measure_pages(home: Path, lines_of_file: int) -> pages.Pages:
    with stack_knowing(home, []) as stack:
        return pages.measure(stack, home, lines_of_file)


def measure_patience(home: Path, people: int) -> patience.Patience:
    ground = patience.prepared(home, people)
    with stack_knowing(home, ground.batches, patience.SETTINGS) as stack:
        return patience.measure(stack, ground, people)


def measure_province(home: Path, said: argparse.Namespace) -> province.Province:
    return province.Province(
        lists=province.measure_lists(home, said.province_lines, said.runs),
        counties=province.measure_counties(home, said.counties, said.county_lines),
    )


def measure_backpressure(home: Path, seconds: int) -> backpressure.Backpressure:
    with stack_knowing(home, []) as stack:
        return backpressure.measure(stack, seconds)


def measure_first_load(home: Path, accounts: int) -> first_load.FirstLoad:
    batch = make_batch(home / "lines", 1, accounts)
    with stack_knowing(home, [batch]) as stack:
        return first_load.measure(stack, batch)


def measure_season(home: Path) -> season.Season:
    batch = make_batch(home / "lines", 1, season.LINES)
    with stack_knowing(home, [batch], season.SETTINGS) as stack:
        return season.measure(stack, batch)


def measure_open(home: Path, count: int) -> open_runs.OpenRuns:
    with stack_knowing(home, []) as stack:
        return open_runs.measure(stack, count)


def _million(said: argparse.Namespace) -> Path:
    """A home of its own, kept from one time to the next: filling it takes minutes."""
    home: Path = said.home.resolve()
    return home.with_name(f"{home.name}-million")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument("--home", type=Path, default=HOME, help="where the measured stack lives (var/bench)")
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--large", type=int, default=LARGE)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--cards", type=int, default=CARDS, help="card changes of a round")
    parser.add_argument("--open", type=int, default=OPEN, help="card changes that wait while everything is killed")
    parser.add_argument("--cards-only", action="store_true", help="card changes alone; writes no file")
    parser.add_argument("--troubled-only", action="store_true", help="evidence with failing calls; writes no file")
    parser.add_argument("--pages-only", action="store_true", help="the pages alone; writes no file")
    parser.add_argument("--patience-only", action="store_true", help="people beside lists that hang; writes no file")
    parser.add_argument("--lookups-only", action="store_true", help="a million applications; writes no file")
    parser.add_argument(
        "--province-only", action="store_true", help="large lists, all counties, the million; writes no file"
    )
    parser.add_argument("--province-lines", type=int, default=PROVINCE_LINES, help="of a large list")
    parser.add_argument("--counties", type=int, default=COUNTIES, help="counties that pay at once")
    parser.add_argument("--county-lines", type=int, default=COUNTY_LINES, help="lines of each")
    parser.add_argument("--cluster-only", action="store_true", help="cluster beside dev server; writes no file")
    parser.add_argument("--open-only", action="store_true", help="runs that wait, --open of them; writes no file")
    parser.add_argument("--firstload-only", action="store_true", help="a county's register; writes no file")
    parser.add_argument("--season-only", action="store_true", help="pre-flight and public list; writes no file")
    parser.add_argument("--accounts", type=int, default=first_load.ACCOUNTS, help="lines of that county's people")
    parser.add_argument(
        "--backpressure-only", action="store_true", help="too many callbacks and people; writes no file"
    )
    parser.add_argument("--seconds", type=int, default=backpressure.SECONDS, help="of twice what can be applied")
    parser.add_argument("--people", type=int, default=PEOPLE, help="sign-ins and policies of that part, one a second")
    parser.add_argument("--lines-of-file", type=int, default=pages.LINES_OF_FILE, help="a fifth of the pages' county")
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md")
    said = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    return spoken("make bench", lambda: _measured(said))


def _measured(said: argparse.Namespace) -> int:
    if said.cards_only:
        print_table(card_rows(measure_cards(said.home.resolve(), (said.cards, said.open))))
        return 0
    if said.troubled_only:
        print_table([troubled_row(measure_troubled(said.home.resolve(), said.small))])
        return 0
    if said.pages_only:
        print_table(page_rows(measure_pages(said.home.resolve(), said.lines_of_file)))
        return 0
    if said.patience_only:
        print_table(patience_rows(measure_patience(said.home.resolve(), said.people)))
        return 0
    if said.lookups_only:
        print_table(lookup_rows(lookups.measure(_million(said))))
        return 0
    if said.province_only:
        rows_of_it = province_rows(measure_province(said.home.resolve(), said))
        print_table([*rows_of_it, *lookup_rows(lookups.measure(_million(said)))])
        return 0
    if said.backpressure_only:
        print_table(backpressure_rows(measure_backpressure(said.home.resolve(), said.seconds)))
        return 0
    if said.cluster_only:
        print_table(cluster_rows(cluster.measure(said.home.resolve(), said.small, said.cards)))
        return 0
    if said.firstload_only:
        print_table(first_load_rows(measure_first_load(said.home.resolve(), said.accounts)))
        return 0
    if said.season_only:
        print_table(season_rows(measure_season(said.home.resolve())))
        return 0
    if said.open_only:
        print_table(open_rows(measure_open(said.home.resolve(), said.open)))
        return 0
    figures = measure(said.home.resolve(), said.small, said.large, said.runs, (said.cards, said.open))
    print_table(rows(figures))
    write(said.out, figures)
    print(f"已写入 {said.out}")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

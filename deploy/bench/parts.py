"""What `make bench PART=…` measures alone; nothing of it is written to BENCHMARKS.md."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.bench import (
    backpressure,
    cards,
    cluster,
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
from deploy.bench.ground import make_batch, stack_knowing
from deploy.bench.report_cards import card_rows
from deploy.bench.report_lookups import lookup_rows
from deploy.bench.report_pages import page_rows
from deploy.bench.report_rows import Row

# Lines that a product run has paid before its clock starts.
WARM = 100


@dataclass(frozen=True)
class Part:
    """`rows` measures on a stack of its own below the home that was said."""

    what: str
    rows: Callable[[argparse.Namespace], list[Row]]


def _cards(said: argparse.Namespace) -> list[Row]:
    with stack_knowing(said.home, []) as stack:
        return card_rows(cards.measure(stack, said.cards, said.open))


def _troubled(said: argparse.Namespace) -> list[Row]:
    batch, warm = make_batch(said.home / "lines", 1, said.small), make_batch(said.home / "lines", 2, WARM)
    with stack_knowing(said.home, [batch, warm]) as stack:
        return [troubled.troubled_row(troubled.measure(stack, product.pay(stack, batch, warm).flow_no))]


def _pages(said: argparse.Namespace) -> list[Row]:
    with stack_knowing(said.home, []) as stack:
        return page_rows(pages.measure(stack, said.home, said.lines_of_file))


def _patience(said: argparse.Namespace) -> list[Row]:
    ground = patience.prepared(said.home, said.people)
    with stack_knowing(said.home, ground.batches, patience.SETTINGS) as stack:
        return patience.patience_rows(patience.measure(stack, ground, said.people))


def _province(said: argparse.Namespace) -> list[Row]:
    found = province.Province(
        lists=province.measure_lists(said.home, said.province_lines, said.runs),
        counties=province.measure_counties(said.home, said.counties, said.county_lines),
    )
    return [*province.province_rows(found), *_lookups(said)]


def _lookups(said: argparse.Namespace) -> list[Row]:
    """In a home of its own, kept from one time to the next: filling it takes minutes."""
    home: Path = said.home
    return lookup_rows(lookups.measure(home.with_name(f"{home.name}-million")))


def _backpressure(said: argparse.Namespace) -> list[Row]:
    with stack_knowing(said.home, []) as stack:
        return backpressure.backpressure_rows(backpressure.measure(stack, said.seconds))


def _cluster(said: argparse.Namespace) -> list[Row]:
    return cluster.cluster_rows(cluster.measure(said.home, said.small, said.cards))


def _first_load(said: argparse.Namespace) -> list[Row]:
    batch = make_batch(said.home / "lines", 1, said.accounts)
    with stack_knowing(said.home, [batch]) as stack:
        return first_load.first_load_rows(first_load.measure(stack, batch))


def _season(said: argparse.Namespace) -> list[Row]:
    batch = make_batch(said.home / "lines", 1, season.LINES)
    with stack_knowing(said.home, [batch], season.SETTINGS) as stack:
        return season.season_rows(season.measure(stack, batch))


def _open(said: argparse.Namespace) -> list[Row]:
    with stack_knowing(said.home, []) as stack:
        return open_runs.open_rows(open_runs.measure(stack, said.open))


PARTS: Mapping[str, Part] = {
    "cards": Part("card changes, --open of them waiting at last", _cards),
    "troubled": Part("evidence with failing calls", _troubled),
    "pages": Part("the pages, five times --lines-of-file applications", _pages),
    "patience": Part("people beside lists that hang or are slow, --people a second each", _patience),
    "province": Part("lists of --province-lines, all --counties at once, the million", _province),
    "lookups": Part("a million applications", _lookups),
    "backpressure": Part("too many callbacks and people, --seconds long", _backpressure),
    "cluster": Part("Temporal's cluster beside its dev server", _cluster),
    "firstload": Part("a county's register of --accounts", _first_load),
    "season": Part("pre-flight and public list", _season),
    "open": Part("runs that wait, --open of them", _open),
}

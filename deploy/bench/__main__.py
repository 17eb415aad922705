"""`make bench`: a fresh stack, the runs turn about, a table, and BENCHMARKS.md. Needs an idle machine."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from deploy.bench import backpressure, callbacks, cards, evidence, first_load, pages, troubled
from deploy.bench.ground import HOME, make_batch, stack_knowing
from deploy.bench.pairs import pay_both
from deploy.bench.parts import PARTS, WARM
from deploy.bench.report import Figures, print_table, rows, write
from deploy.spoken import spoken
from deploy.stack.processes import ROOT

SMALL, LARGE, RUNS = 2_000, 20_000, 3
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


def main() -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    said = _parser().parse_args()
    said.home = said.home.resolve()
    return spoken("make bench", lambda: _measured(said))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = "\n".join(f"{name:<14}{part.what}" for name, part in PARTS.items())
    parser.add_argument("--part", choices=PARTS, help="this alone; writes no file")
    parser.add_argument("--home", type=Path, default=HOME, help="where the measured stack lives (var/bench)")
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md")
    for name, usual in _COUNTS.items():
        parser.add_argument(f"--{name}", type=int, default=usual, help=f"{usual:,} where nothing is said")
    return parser


_COUNTS = {
    "small": SMALL,
    "large": LARGE,
    "runs": RUNS,
    "cards": CARDS,
    "open": OPEN,
    "people": PEOPLE,
    "province-lines": PROVINCE_LINES,
    "counties": COUNTIES,
    "county-lines": COUNTY_LINES,
    "accounts": first_load.ACCOUNTS,
    "seconds": backpressure.SECONDS,
    "lines-of-file": pages.LINES_OF_FILE,
}


def _measured(said: argparse.Namespace) -> int:
    if said.part:
        print_table(PARTS[said.part].rows(said))
        return 0
    figures = measure(said.home, said.small, said.large, said.runs, (said.cards, said.open))
    print_table(rows(figures))
    write(said.out, figures)
    print(f"已写入 {said.out}")
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

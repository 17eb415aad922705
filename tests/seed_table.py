"""The table of proof: for each sentence of the two manuals, what holds the product to it.

`python -m tests.seed_table` prints it whole. A sentence has the number of its place under its heading (`3`; `3a`, `3b`
where it says more than one thing that a person could hold against the product); what a figure shows is numbered beside
the sentences (`f1`). The place of `3` under 2.4.1 of S1 is `s1_2_4_1_3`, and its case is the test of that name.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
KINDS = ("cases", "tests", "nothing", "otherwise", "open")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a manual says, in a few words of ours, and what became of it: one of those below."""

    number: str
    words: str
    # it is played by the case that is named after its place
    played: bool = False
    # other tests that assert just this: `test_flow_lists.py::test_three_counties_queue`
    tests: tuple[str, ...] = ()
    # why nobody could hold it against the product
    nothing: str = ""
    # where the product does otherwise, and what instead
    ours: str = ""
    # what isn't built or isn't proven
    open: str = ""


def case(number: str, words: str, *tests: str) -> Said:
    """Played by a case of its own; other tests may show more of it."""
    return Said(number, words, played=True, tests=tests)


def by(number: str, words: str, *tests: str) -> Said:
    """Asserted by tests that are there for their own sake."""
    return Said(number, words, tests=tests)


def nothing(number: str, words: str, why: str) -> Said:
    return Said(number, words, nothing=why)


def otherwise(number: str, words: str, ours: str) -> Said:
    """Left or narrowed on purpose."""
    return Said(number, words, ours=ours)


def not_yet(number: str, words: str, what: str) -> Said:
    return Said(number, words, open=what)


@dataclass(frozen=True, slots=True)
class Heading:
    """`sentences` and `figures` are what the manual has under it; the rows must be all of them."""

    place: str
    title: str
    said: tuple[Said, ...] = ()
    sentences: int = 0
    figures: int = 0

    def name_of(self, manual: str, one: Said) -> str:
        return "_".join((manual, self.place.replace(".", "_"), one.number))


@dataclass(frozen=True, slots=True)
class Manual:
    """A source document; its cases are in `test_seed_{name}.py`."""

    name: str
    title: str
    headings: tuple[Heading, ...]

    def rows(self) -> Iterator[tuple[str, Heading, Said]]:
        for heading in self.headings:
            for one in heading.said:
                yield heading.name_of(self.name, one), heading, one

    @property
    def file(self) -> str:
        return f"test_seed_{self.name}.py"

    def case_of(self, place: str) -> str | None:
        """The test of this place; one test may play two places that one act shows."""
        return next((test for test in named_in(self.file) if place in places_of(test)), None)


def places_of(test: str) -> tuple[str, ...]:
    """The places that a case's name names: `test_s1_2_7a_1_and_3` plays sentences 1 and 3."""
    found = re.fullmatch(r"test_(s\d(?:_\d+[a-z]?)*)_((?:f?\d+[a-z]?)(?:_and_f?\d+[a-z]?)*)", test)
    if found is None:
        return ()
    heading, numbers = found.groups()
    return tuple(f"{heading}_{number}" for number in numbers.split("_and_"))


@cache
def named_in(file: str) -> frozenset[str]:
    """Names of a file's tests; none where there is no such file."""
    path = TESTS / file
    tree = ast.parse(path.read_text() if path.exists() else "")
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


def is_there(reference: str) -> bool:
    file, _, test = reference.partition("::")
    return test in named_in(file)


def kind_of(one: Said) -> str:
    if one.played or one.tests:
        return "cases" if one.played else "tests"
    return "nothing" if one.nothing else "otherwise" if one.ours else "open"


def counts(said: Sequence[Said]) -> dict[str, int]:
    """How many are held by a case of their own or by other tests, are nothing to test, decided otherwise, or open."""
    kinds = Counter(kind_of(one) for one in said)
    return {kind: kinds[kind] for kind in KINDS}


def summary_of(manual: Manual) -> str:
    """A line a heading: sentences, what its figures show, and what holds them."""
    lines = [
        f"{manual.name.upper()} {manual.title}",
        _line("", "sentences", "figures", *KINDS),
    ]
    for heading in manual.headings:
        told = counts(heading.said)
        lines.append(_line(f"{heading.place} {heading.title}", heading.sentences, heading.figures, *told.values()))
    every = [one for heading in manual.headings for one in heading.said]
    sums = (sum(each.sentences for each in manual.headings), sum(each.figures for each in manual.headings))
    lines.append(_line("", *sums, *counts(every).values()))
    return "\n".join(lines)


def whole_table(manual: Manual) -> str:
    """Every sentence with what holds it."""
    lines = [summary_of(manual), ""]
    shown = None
    for place, heading, one in manual.rows():
        if heading is not shown:
            lines += ["", f"{heading.place} {heading.title}"]
            shown = heading
        lines.append(f"  {place:<16} {one.words}")
        lines += [f"{'':<19}{held}" for held in _held(manual, place, one)]
    return "\n".join(lines)


def _held(manual: Manual, place: str, one: Said) -> list[str]:
    if one.played or one.tests:
        return [*([f"{manual.file}::{manual.case_of(place)}"] if one.played else []), *one.tests]
    why = {
        "nothing": f"nothing to test: {one.nothing}",
        "otherwise": f"otherwise: {one.ours}",
        "open": f"OPEN: {one.open}",
    }
    return [why[kind_of(one)]]


def _line(title: str, *figures: object) -> str:
    return "".join(f"{figure!s:>11}" for figure in figures) + f"   {title}"


if __name__ == "__main__":
    from tests.seed_s1 import S1
    from tests.seed_s2 import S2

    print("\n\n".join(whole_table(manual) for manual in (S1, S2)))

"""The table of proof is whole and true: each sentence of the manuals once, and what holds it is there."""

from string import ascii_lowercase

import pytest

from tests.seed_s1 import S1
from tests.seed_s2 import S2
from tests.seed_table import Manual, is_there, named_in, places_of, summary_of

MANUALS = pytest.mark.parametrize("manual", [S1, S2], ids=lambda manual: manual.name)
# What isn't built or proven yet; the aim is none.
OPEN: set[str] = set()


@MANUALS
def test_every_sentence_is_there_once(manual: Manual) -> None:
    print(f"\n{summary_of(manual)}")
    for heading in manual.headings:
        numbers = [one.number for one in heading.said]
        assert len(set(numbers)) == len(numbers), heading.place
        assert _counted(numbers, figures=False) == set(range(1, heading.sentences + 1)), heading.place
        assert _counted(numbers, figures=True) == set(range(1, heading.figures + 1)), heading.place
        assert all(one.words for one in heading.said), heading.place


def _counted(numbers: list[str], *, figures: bool) -> set[int]:
    """The sentences, or what figures show, whichever part of them is named."""
    return {int(number.strip(ascii_lowercase)) for number in numbers if number.startswith("f") == figures}


@MANUALS
def test_what_holds_a_sentence_is_there(manual: Manual) -> None:
    for place, _, one in manual.rows():
        held = (one.played or bool(one.tests), bool(one.nothing), bool(one.ours), bool(one.open))
        assert sum(held) == 1, place
        assert (manual.case_of(place) is not None) == one.played, place
        assert [test for test in one.tests if not is_there(test)] == [], place


@MANUALS
def test_every_case_is_a_sentences(manual: Manual) -> None:
    places = {place for place, _, _ in manual.rows()}
    named = {test: places_of(test) for test in named_in(manual.file)}
    assert [test for test, found in named.items() if not found or not set(found) <= places] == []


def test_what_is_open_is_known() -> None:
    assert {place for manual in (S1, S2) for place, _, one in manual.rows() if one.open} == OPEN

"""What must be true after whatever broke (DURABILITY.md, "After each"): asked of the platform, our rows and Temporal.

`Checker(ground).violations()` gives all that isn't; `settled()` looks until nothing is left or its time is up. With
`at_rest=False` only what holds at every moment is asked: callbacks may be under way and runs on the move.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deploy.demo.people import County, Json
from tests import checker_counties, checker_effects, checker_money, checker_runs, checker_season
from tests.checker_privacy import Heard, named_in
from tests.flow_books import Books
from tests.tallies import UNLIKE_LINES

Rows = Callable[[str], list[tuple[Any, ...]]]
LOOK_EVERY_SECONDS = 0.25


class Law(StrEnum):
    """The sentences at the end of DURABILITY.md, in their order, and the one of its second section."""

    PAID_ONCE = "per application payments - returns <= its amount"
    FIGURES = "sums and counts balance"
    ONE_EFFECT = "every acknowledged callback has exactly one effect"
    NOT_STUCK = "no workflow is stuck"
    TRAIL = "the audit trail verifies"
    PRIVATE = "no id, account or phone outside"
    OWN_ROWS = "no other county's rows"
    STORED = "no 2xx without a durable row"


# What is under way may hold these up for a moment, so they are asked again and again; the others are dearer, and wait.
SOON = (Law.PAID_ONCE, Law.FIGURES, Law.ONE_EFFECT, Law.NOT_STUCK)
LATER = tuple(law for law in Law if law not in SOON)


@dataclass(frozen=True, order=True)
class Violation:
    law: Law
    what: str

    def __str__(self) -> str:
        return f"{self.law.value}: {self.what}"


@dataclass(frozen=True)
class Ground:
    """What the checker may ask of a running stack or province; see `checker_grounds`."""

    rows: Rows
    # GET below the simulator's /admin; of several provinces the answers are this one's.
    platform: Callable[[str], Json]
    counties: Callable[[], Mapping[str, County]]
    executions: Callable[[Collection[str]], Mapping[str, checker_runs.Execution]]
    # Runs that would go on if only they looked (`checker_looks`).
    owed: Callable[[], Collection[str]]
    # Ids, accounts and phones that are in the rows, and places in which they must not be.
    secrets: Callable[[], set[str]]
    written: Callable[[], Iterator[tuple[str, bytes]]]
    heard: Heard
    # Callbacks that were acknowledged in minutes which a restored database has lost: learned by asking.
    lost: set[str] = field(default_factory=set)


class Checker:
    """Remembers how flows ended: no later one may change that."""

    def __init__(self, ground: Ground, secrets: Collection[str] = ()) -> None:
        self.ground = ground
        self._secrets = set(secrets)
        self._books = Books()

    def violations(self, *laws: Law, at_rest: bool = True) -> list[Violation]:
        """Of these laws, or of all. `at_rest`: nothing is under way any more, and whoever waits, waits for a person."""
        return sorted(Violation(law, what) for law in laws or tuple(Law) for what in self._found(law, at_rest))

    def settled(self, seconds: float = 60.0, later: Collection[Law] = LATER) -> list[Violation]:
        """What is left when all that can end has ended, or when the time is up; `later` is asked once all is well."""
        deadline = time.monotonic() + seconds
        while checker_runs.moves(self.ground.rows, self.ground.platform) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
        while (found := self._wrong(later)) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
        return found

    def _wrong(self, later: Collection[Law]) -> list[Violation]:
        return self.violations(*SOON) or (self.violations(*later) if later else [])

    def _found(self, law: Law, at_rest: bool) -> Iterator[str]:
        rows, platform = self.ground.rows, self.ground.platform
        match law:
            case Law.PAID_ONCE:
                yield from checker_money.overpaid(rows, platform, at_rest)
            case Law.FIGURES:
                yield from self._books.found(rows)
                yield from (f"{kind} {number} is tallied otherwise" for kind, number in rows(UNLIKE_LINES))
                yield from checker_money.unbalanced(rows, platform, self._flows(), at_rest)
            case Law.ONE_EFFECT:
                yield from checker_effects.found(rows, platform, at_rest, self.ground.lost)
                yield from checker_season.found(rows, at_rest)
            case Law.NOT_STUCK if at_rest:
                stuck = [*checker_runs.stuck(rows, platform, self.ground.executions)]
                yield from stuck or self.ground.owed()
            case Law.TRAIL:
                yield from self._broken_trails()
            case Law.PRIVATE:
                yield from self._learned()
            case Law.OWN_ROWS:
                yield from checker_counties.found(rows, self.ground.counties())
            case Law.STORED:
                yield from self._forgotten()

    def _flows(self) -> Iterator[Json]:
        """Each as its county is shown it."""
        for county in self.ground.counties().values():
            for flow in county.operator.pages("/flows"):
                yield county.operator.get(f"/flows/{flow['flow_no']}")

    def _broken_trails(self) -> Iterator[str]:
        for code, county in self.ground.counties().items():
            told = county.admin.get("/trail/verification")
            if not told["intact"]:
                yield f"{code}: {told}"

    def _learned(self) -> Iterator[str]:
        """Named by what kind of place: the finding itself may go into a log."""
        secrets = self._secrets | self.ground.secrets()
        for place, content in (*self.ground.written(), *self.ground.heard.refusals):
            if found := named_in(content, secrets):
                yield f"{place}: {len(found)} of {len(secrets)}, one ends with {min(found)[-3:]}"

    def _forgotten(self) -> Iterator[str]:
        stored = {str(row[0]) for row in self.ground.rows("SELECT key FROM idempotent_answer")}
        yield from (f"{path} was answered and isn't kept" for key, path in self.ground.heard.done if key not in stored)

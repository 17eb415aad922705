"""What must be true after whatever broke (DURABILITY.md, "After each"): asked of the platform, our rows and Temporal.

`Checker(ground).violations()` gives all that isn't; `settled()` looks until nothing is left or its time is up. With
`at_rest=False` only what holds at every moment is asked: callbacks may be under way and runs on the move.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploy.demo.people import County, Json, Refused
from tests import checker_effects, checker_money, checker_runs
from tests.checker_privacy import Heard, named_in
from tests.flow_books import Books
from tests.tallies import UNLIKE_LINES

Rows = Callable[[str], list[tuple[Any, ...]]]
LISTS = (
    *("/applications", "/application-imports", "/batches", "/beneficiary-lists", "/flows", "/orders", "/policies"),
    *("/indicators", "/register", "/card-changes", "/village-entries", "/account-checks", "/runs", "/trail", "/inbox"),
)
# Each with its county; no row of one may lie below a row of another.
_STRANGERS = """
SELECT 'application of another batch', a.application_no FROM application a JOIN batch b ON b.id = a.batch_id
  WHERE a.county_code <> b.county_code
UNION ALL SELECT 'line of another flow', l.application_no FROM flow_line l JOIN flow f ON f.id = l.flow_id
  JOIN application a ON a.id = l.application_id JOIN indicator i ON i.id = l.indicator_id
  WHERE l.county_code <> f.county_code OR l.county_code <> a.county_code OR l.county_code <> i.county_code
UNION ALL SELECT 'flow of another batch', f.flow_no FROM flow f JOIN batch b ON b.id = f.batch_id
  WHERE f.county_code <> b.county_code
UNION ALL SELECT 'list of another county', d.reference FROM dataset d JOIN dataset_line n ON n.dataset_id = d.id
  JOIN application a ON a.id = n.application_id WHERE a.county_code <> d.county_code
UNION ALL SELECT 'order of another flow', o.order_no FROM operator_order o JOIN flow f ON f.id = o.flow_id
  WHERE o.county_code <> f.county_code
UNION ALL SELECT 'photo of another county', a.application_no FROM application_photo p
  JOIN application a ON a.id = p.application_id JOIN stored_file s ON s.id = p.file_id
  WHERE a.county_code <> s.county_code
"""
# One thing of each kind and county, and where it is asked for.
_THINGS = """
SELECT county_code, '/flows/' || max(flow_no) FROM flow GROUP BY 1
UNION ALL SELECT county_code, '/batches/' || max(batch_no) FROM batch GROUP BY 1
UNION ALL SELECT county_code, '/applications/' || max(application_no) FROM application GROUP BY 1
UNION ALL SELECT county_code, '/indicators/' || max(indicator_no) FROM indicator GROUP BY 1
"""
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
    # Ids, accounts and phones that are in the rows, and places in which they must not be.
    secrets: Callable[[], set[str]]
    written: Callable[[], Iterator[tuple[str, bytes]]]
    heard: Heard


class Checker:
    """Remembers how flows ended: no later one may change that."""

    def __init__(self, ground: Ground, secrets: Collection[str] = ()) -> None:
        self._ground = ground
        self._secrets = set(secrets)
        self._books = Books()

    def violations(self, *laws: Law, at_rest: bool = True) -> list[Violation]:
        """Of these laws, or of all. `at_rest`: nothing is under way any more, and whoever waits, waits for a person."""
        return sorted(Violation(law, what) for law in laws or tuple(Law) for what in self._found(law, at_rest))

    def settled(self, seconds: float = 60.0) -> list[Violation]:
        """What is left when all that can end has ended, or when the time is up."""
        deadline = time.monotonic() + seconds
        while checker_runs.moves(self._ground.rows, self._ground.platform) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
        while (found := self.violations()) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_SECONDS)
        return found

    def _found(self, law: Law, at_rest: bool) -> Iterator[str]:
        rows, platform = self._ground.rows, self._ground.platform
        match law:
            case Law.PAID_ONCE:
                yield from checker_money.overpaid(rows, platform, at_rest)
            case Law.FIGURES:
                yield from self._books.found(rows)
                yield from (f"{kind} {number} is tallied otherwise" for kind, number in rows(UNLIKE_LINES))
                yield from checker_money.unbalanced(rows, platform, self._flows(), at_rest)
            case Law.ONE_EFFECT:
                yield from checker_effects.found(rows, platform, at_rest)
            case Law.NOT_STUCK if at_rest:
                yield from checker_runs.stuck(rows, platform, self._ground.executions)
            case Law.TRAIL:
                yield from self._broken_trails()
            case Law.PRIVATE:
                yield from self._learned()
            case Law.OWN_ROWS:
                yield from self._foreign()
            case Law.STORED:
                yield from self._forgotten()

    def _flows(self) -> Iterator[Json]:
        """Each as its county is shown it."""
        for county in self._ground.counties().values():
            for flow in county.operator.pages("/flows"):
                yield county.operator.get(f"/flows/{flow['flow_no']}")

    def _broken_trails(self) -> Iterator[str]:
        for code, county in self._ground.counties().items():
            told = county.admin.get("/trail/verification")
            if not told["intact"]:
                yield f"{code}: {told}"

    def _learned(self) -> Iterator[str]:
        """Named by what kind of place: the finding itself may go into a log."""
        secrets = self._secrets | self._ground.secrets()
        for place, content in (*self._ground.written(), *self._ground.heard.refusals):
            if found := named_in(content, secrets):
                yield f"{place}: {len(found)} of {len(secrets)}, one ends with {min(found)[-3:]}"

    def _foreign(self) -> Iterator[str]:
        yield from (f"{what}: {number}" for what, number in self._ground.rows(_STRANGERS))
        counties = self._ground.counties()
        things = [(str(code), str(path)) for code, path in self._ground.rows(_THINGS)]
        for code, county in counties.items():
            others = [f"{other}-" for other in counties if other != code]
            for path in LISTS:
                shown = repr(county.reviewer.pages(path))
                yield from (f"{path} shows {code} something of {other}" for other in others if other in shown)
            for other, path in things:
                if other != code and (status := _status(county, path)) != 404:
                    yield f"{path} answers {code} with {status}"

    def _forgotten(self) -> Iterator[str]:
        stored = {str(row[0]) for row in self._ground.rows("SELECT key FROM idempotent_answer")}
        yield from (f"{path} was answered and isn't kept" for key, path in self._ground.heard.done if key not in stored)


def _status(county: County, path: str) -> int:
    try:
        county.operator.get(path)
    except Refused as refused:
        return refused.status
    return 200

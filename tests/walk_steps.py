"""What every step of a walk has at hand: who acts, upon what, why it must be refused, and what was seen of the rows."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from models.words.staff import Role
from tests.walk_counter import Counter, Hand
from tests.walk_county import STAFF, Place
from tests.walk_model import Model

Found = TypeVar("Found")
WHERE = st.sampled_from((0, 1))
# Three who have the role, in turn more often than those who haven't, an applicant, somebody of the other county.
HANDS = st.sampled_from((0, 1, 2, 0, 1, 2, 3, 4, 5, 6))
APPLICANT, OTHER_ROLE, OTHER_COUNTY, AUDITOR = 3, 4, 5, 6
# Six of eight mean something that fits, where there is any; the rest whatever there is.
PICK = st.integers(0, 7)
FITTING = 6
# Numbers that nobody has been given.
NOWHERE = "S2026-9999999"


class Line(NamedTuple):
    number: str
    stage: str
    version: int
    batch_no: str | None
    is_approved: bool
    entered_by: str


class Batch(NamedTuple):
    number: str
    stage: str
    is_publicised: bool


class Flow(NamedTuple):
    number: str
    stage: str


class Order(NamedTuple):
    number: str
    kind: str
    state: str


class Part(NamedTuple):
    number: str
    stage: str


def nowhere(place: Place) -> Line:
    return Line(f"{place.code}-{NOWHERE}", "nowhere", 1, None, is_approved=False, entered_by="")


def step(**drawn: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A rule whose failure is noted with the story so far, and after which everything is looked at."""

    def taken(act: Callable[..., None]) -> Callable[..., None]:
        @rule(**drawn)
        @functools.wraps(act)
        def run(self: "Steps", **chosen: Any) -> None:
            self.take(act, chosen)

        return run

    return taken


def as_often(taken: Callable[..., None], name: str) -> Callable[..., None]:
    """The same rule under another name: all are drawn alike, so one that has two is drawn twice as often."""
    known = taken.hypothesis_stateful_rule  # type: ignore[attr-defined]

    def run(self: "Steps", **chosen: Any) -> None:
        taken(self, **chosen)

    run.__name__ = name
    return rule(**known.arguments)(run)


class Steps(RuleBasedStateMachine):
    places: Sequence[Place]
    counter: Counter
    model: Model
    # who takes the county's next step instead of somebody who may
    instead: int | None = None

    def take(self, act: Callable[..., None], chosen: dict[str, Any]) -> None:
        raise NotImplementedError

    def lull(self, seconds: float = 0.0) -> bool:
        raise NotImplementedError

    def goes_on(self, place: Place) -> None:
        raise NotImplementedError

    # who

    def hand(self, where: int, which: int, *roles: Role) -> Hand:
        """Somebody who asks something of this county: in the first of the roles, or one who may not."""
        place, wanted = self.places[where], roles[0]
        if which == APPLICANT:
            return Hand(place, "liu", Role.APPLICANT)
        if which == AUDITOR or (which == OTHER_ROLE and {Role.OPERATOR, Role.REVIEWER} <= set(roles)):
            return Hand(place, "zheng", Role.AUDITOR)
        if which == OTHER_ROLE:
            other = next(role for role in (Role.REVIEWER, Role.OPERATOR, Role.COUNTY_ADMIN) if role not in roles)
            return Hand(place, "li", other)
        if which == OTHER_COUNTY:
            return Hand(self.places[1 - where], "wang", wanted)
        return Hand(place, STAFF[which], wanted)

    def proper(self, place: Place, role: Role, barred: Iterable[str] = ()) -> Hand | None:
        """Somebody of the county who may, if anybody may; or whoever does it `instead`."""
        closed = set(barred)
        if self.instead is not None:
            return self.hand(self.places.index(place), self.instead, role)
        subject = next((who for who in STAFF if who not in closed), None)
        return Hand(place, subject, role) if subject else None

    def barred(self, hand: Hand, place: Place, *roles: Role) -> str | None:
        if hand.role not in roles:
            return f"{hand.role.value} may not"
        return None if hand.place is place else "it is another county's"

    # what

    def pick(self, found: Sequence[Found], fits: Callable[[Found], bool], which: int) -> Found | None:
        fitting = [one for one in found if fits(one)]
        pool = fitting if fitting and which < FITTING else found
        return pool[which % len(pool)] if pool else None

    def rows(self, place: Place, statement: LiteralString) -> list[tuple[Any, ...]]:
        return self.counter.ground.rows(statement, {"code": place.code})

    def lines(self, place: Place) -> list[Line]:
        statement: LiteralString = """
            SELECT application_no, a.stage, version, batch_no, reviewed_by IS NOT NULL, entered_by FROM application a
            LEFT JOIN batch b ON b.id = a.batch_id WHERE a.county_code = %(code)s ORDER BY a.id"""
        return [Line(*row) for row in self.rows(place, statement)]

    def batches(self, place: Place) -> list[Batch]:
        statement: LiteralString = (
            "SELECT batch_no, stage, publicity_start IS NOT NULL FROM batch WHERE county_code = %(code)s ORDER BY id"
        )
        return [Batch(*row) for row in self.rows(place, statement)]

    def flows(self, place: Place) -> list[Flow]:
        """The newest first."""
        statement: LiteralString = "SELECT flow_no, stage FROM flow WHERE county_code = %(code)s ORDER BY id DESC"
        return [Flow(*row) for row in self.rows(place, statement)]

    def orders(self, place: Place) -> list[Order]:
        statement: LiteralString = (
            "SELECT order_no, kind, state FROM operator_order WHERE county_code = %(code)s ORDER BY id DESC"
        )
        return [Order(*row) for row in self.rows(place, statement)]

    def parts(self, place: Place) -> list[Part]:
        statement: LiteralString = (
            "SELECT part_no, stage FROM card_change_part WHERE county_code = %(code)s ORDER BY id DESC"
        )
        return [Part(*row) for row in self.rows(place, statement)]

    def lines_of_flow(self, flow_no: str) -> frozenset[str]:
        statement: LiteralString = (
            "SELECT application_no FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE f.flow_no = %(flow)s"
        )
        return frozenset(str(row[0]) for row in self.counter.ground.rows(statement, {"flow": flow_no}))

"""Steps with 公示异议: entered until the flow starts, decided by somebody else (DOMAIN 3, Publicity)."""

from typing import LiteralString, NamedTuple

from hypothesis import strategies as st

from models.words.staff import Role
from tests.walk_counter import Hand, Request
from tests.walk_county import STAFF, YEAR, Place
from tests.walk_model import BEFORE_FLOW, can_be
from tests.walk_steps import HANDS, PICK, WHERE, Line, Steps, nowhere, step

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
_ALL: LiteralString = """
    SELECT objection_no, state, o.entered_by, application_no FROM objection o
    WHERE o.county_code = %(code)s ORDER BY o.id DESC"""


class Objection(NamedTuple):
    number: str
    state: str
    entered_by: str
    application_no: str


class ObjectionSteps(Steps):
    def objections(self, place: Place) -> list[Objection]:
        """The newest first."""
        return [Objection(*row) for row in self.rows(place, _ALL)]

    def object_to(self, hand: Hand, place: Place, line: Line) -> bool:
        barred = self.barred(hand, place, OPERATOR)
        barred = barred or (None if can_be(line.stage, BEFORE_FLOW) else f"it is {line.stage}")
        body = {"application_no": line.number, "reason": "该地已流转"}
        # not twice at once: a line may have several objections
        request = Request(f"objects to {line.number} ({line.stage})", "/objections", body)
        return self.counter.act(hand, request, barred) is not None

    def decide_objection(self, hand: Hand, place: Place, objection: Objection, *, upheld: bool) -> None:
        barred = self.barred(hand, place, REVIEWER)
        barred = barred or (f"it is {objection.state}" if objection.state != "open" else None)
        barred = barred or ("the same person entered it" if objection.entered_by == hand.subject else None)
        body = {"upheld": upheld, "opinion": "已核实"}
        words = f"{'upholds' if upheld else 'dismisses'} {objection.number} ({objection.state})"
        self.counter.act_twice(hand, Request(words, f"/objections/{objection.number}/decision", body), barred)

    @step(where=WHERE, which=HANDS, pick=PICK)
    def objects(self, where: int, which: int, pick: int) -> None:
        place = self.places[where]
        line = self.pick(self.lines(place), lambda one: one.stage in BEFORE_FLOW, pick) or nowhere(place)
        self.object_to(self.hand(where, which, OPERATOR), place, line)

    @step(where=WHERE, which=HANDS, pick=PICK, upheld=st.booleans())
    def decides_objection(self, where: int, which: int, pick: int, upheld: bool) -> None:
        """One is entered where there is none."""
        place = self.places[where]
        if not any(one.state == "open" for one in self.objections(place)):
            public = next((one for one in self.lines(place) if one.stage in BEFORE_FLOW), nowhere(place))
            self.object_to(Hand(place, STAFF[pick % len(STAFF)], OPERATOR), place, public)
        chosen = self.pick(self.objections(place), lambda one: one.state == "open", pick)
        chosen = chosen or Objection(f"{place.code}-Y{YEAR}-9999", "nowhere", "", "")
        self.decide_objection(self.hand(where, which, REVIEWER), place, chosen, upheld=upheld)

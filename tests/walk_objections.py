"""Steps with 公示异议: entered until the flow starts, decided by somebody else (DOMAIN 3, Publicity)."""

from typing import LiteralString, NamedTuple

from hypothesis import strategies as st

from models.words.stages import Role
from tests.walk_counter import Request
from tests.walk_county import YEAR
from tests.walk_model import BEFORE_FLOW, can_be
from tests.walk_steps import HANDS, NOWHERE, PICK, WHERE, Line, Steps, step

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
_OPEN: LiteralString = (
    "SELECT objection_no, state, entered_by FROM objection WHERE county_code = %(code)s ORDER BY id DESC"
)


class Objection(NamedTuple):
    number: str
    state: str
    entered_by: str


class ObjectionSteps(Steps):
    @step(where=WHERE, which=HANDS, pick=PICK)
    def objects(self, where: int, which: int, pick: int) -> None:
        place, hand = self.places[where], self.hand(where, which, OPERATOR)
        line = self.pick(self.lines(place), lambda one: one.stage in BEFORE_FLOW, pick)
        line = line or Line(f"{place.code}-{NOWHERE}", "nowhere", 0, None, False, "")
        barred = self.barred(hand, place, OPERATOR)
        barred = barred or (None if can_be(line.stage, BEFORE_FLOW) else f"it is {line.stage}")
        body = {"application_no": line.number, "reason": "该地已流转"}
        self.counter.act_twice(hand, Request(f"objects to {line.number} ({line.stage})", "/objections", body), barred)

    @step(where=WHERE, which=HANDS, pick=PICK, upheld=st.booleans())
    def decides_objection(self, where: int, which: int, pick: int, upheld: bool) -> None:
        place, hand = self.places[where], self.hand(where, which, REVIEWER)
        found = [Objection(*row) for row in self.rows(place, _OPEN)]
        chosen = self.pick(found, lambda one: one.state == "open", pick)
        chosen = chosen or Objection(f"{place.code}-Y{YEAR}-9999", "nowhere", "")
        barred = self.barred(hand, place, REVIEWER)
        barred = barred or (f"it is {chosen.state}" if chosen.state != "open" else None)
        barred = barred or ("the same person entered it" if chosen.entered_by == hand.subject else None)
        body = {"upheld": upheld, "opinion": "已核实"}
        words = f"{'upholds' if upheld else 'dismisses'} {chosen.number} ({chosen.state})"
        self.counter.act_twice(hand, Request(words, f"/objections/{chosen.number}/decision", body), barred)

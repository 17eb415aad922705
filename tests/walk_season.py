"""The natural next step of a county, as its people would take it: what brings a walk from entry to payment."""

from collections.abc import Callable, Iterable, Sequence

from hypothesis import strategies as st

from models.words.stages import Role
from tests.walk_batches import BatchSteps
from tests.walk_counter import Hand
from tests.walk_county import Place
from tests.walk_flows import FlowSteps
from tests.walk_locks import LockSteps
from tests.walk_objections import ObjectionSteps
from tests.walk_platform import PlatformSteps
from tests.walk_steps import (
    APPLICANT,
    AUDITOR,
    OTHER_COUNTY,
    OTHER_ROLE,
    SAME_HAND,
    WHERE,
    Batch,
    Flow,
    Line,
    as_often,
    step,
)

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
# What an operator orders when the flow waits for one, the most harmless first.
ORDERS = ("confirmed", "unverified", "repayment", "modified", "withdrawal")


class SeasonSteps(LockSteps, BatchSteps, ObjectionSteps, FlowSteps, PlatformSteps):
    # Of one argument, so the first of all rules in hypothesis's order: what a failing walk is made simple to is a
    # season without trouble
    @step(where=WHERE)
    def county_goes_on(self, where: int) -> None:
        self.counter.is_proper = True
        try:
            self.goes_on(self.places[where])
        finally:
            self.counter.is_proper = False

    @step(where=WHERE, which=st.sampled_from((SAME_HAND, SAME_HAND, OTHER_ROLE, OTHER_COUNTY, AUDITOR, APPLICANT)))
    def wrong_one_goes_on(self, where: int, which: int) -> None:
        """The next step, when it is due, by somebody who may not take it: who did the one before, or has no say."""
        self.instead = which
        try:
            self.goes_on(self.places[where])
        finally:
            self.instead = None

    def goes_on(self, place: Place) -> None:
        flow = next((one for one in self.flows(place) if one.stage != "ended"), None)
        if self._decide_what_waits(place):
            return
        if flow is not None and self._in_flow(place, flow):
            return
        if not self._with_batch(place) and not self._with_lines(place):
            self._after_the_end(place)

    def _decide_what_waits(self, place: Place) -> bool:
        order = next((one for one in self.orders(place) if one.state == "entered"), None)
        hand = order and self.proper(place, REVIEWER, {self.model.ordered_by.get(order.number, "")})
        if order and hand:
            self.decide_order(hand, place, order, confirmed=True)
            return True
        part = next((one for one in self.parts(place) if one.stage == "in_review"), None)
        if part and (reviewer := self.proper(place, REVIEWER)):
            self.decide_part(reviewer, place, part, "pass")
        return part is not None

    def _in_flow(self, place: Place, flow: Flow) -> bool:
        """Whether there was something to do for somebody."""
        memo = self.model.flow(flow.number)
        match flow.stage:
            case "settling":
                return self._settle(place, flow)
            case "county_review":
                return self._with(
                    place, REVIEWER, {memo.started_by}, lambda hand: self.review(hand, place, flow, passed=True)
                )
            case "county_passed":
                return self._with(place, OPERATOR, {memo.reviewed_by}, lambda hand: self.submit(hand, place, flow))
            case "summary_approved":
                barred = self.model.not_to_pay(flow.number)
                return self._with(place, REVIEWER, barred, lambda hand: self.pay(hand, place, flow))
            case "waiting_county":
                self.end_by_hand()
                return True
            case _:
                return False

    def _settle(self, place: Place, flow: Flow) -> bool:
        """By what the flow's own page offers."""
        acts = place.operator.get(f"/flows/{flow.number}/acts")["items"]
        offered = {one["act"] for one in acts if one["allowed"] and one["count"]}
        kind = next((kind for kind in ORDERS if kind in offered), None)
        operator = self.proper(place, OPERATOR)
        if operator and "deferral" in offered:
            self.defer(operator, place, flow)
        elif operator and kind:
            self.order(
                operator, place, flow, kind, self._rejected(flow) if kind in ("modified", "withdrawal") else None
            )
        return operator is not None and bool(kind or "deferral" in offered)

    def _rejected(self, flow: Flow) -> list[str]:
        found = self.counter.ground.rows(
            "SELECT application_no FROM flow_line l JOIN flow f ON f.id = l.flow_id"
            " WHERE f.flow_no = %(flow)s AND l.state IN ('rejected', 'held', 'unsent') ORDER BY l.id",
            {"flow": flow.number},
        )
        return [str(row[0]) for row in found[:1]]

    def _with_batch(self, place: Place) -> bool:
        if any(flow.stage != "ended" for flow in self.flows(place)):
            return False
        lines = self.lines(place)
        for batch in self.batches(place):
            within = [one for one in lines if one.batch_no == batch.number and one.stage == "in_batch"]
            if batch.stage == "verified" and within:
                return self._with(place, OPERATOR, (), lambda hand, batch=batch: self._towards_flow(hand, place, batch))
            if batch.stage == "open" and within and not any(one.stage == "pending_settlement" for one in lines):
                return self._with(place, OPERATOR, (), lambda hand, batch=batch: self.verify(hand, place, batch))
        return False

    def _towards_flow(self, hand: Hand, place: Place, batch: Batch) -> None:
        if batch.is_publicised:
            self.start(hand, place, batch)
        else:
            self.publicise(hand, place, batch)

    def _with_lines(self, place: Place) -> bool:
        """The first line that somebody can bring on, with all others at its stage."""
        lines = self.lines(place)
        for stage, act, role in WAYS:
            same = [one for one in lines if one.stage == stage and (act != "approve" or not one.is_approved)]
            same = [one for one in same if act != "publicise" or one.is_approved]
            barred = self.model.makers_of(one.number for one in same) if act == "approve" else ()
            if same and (hand := self.proper(place, role, barred)):
                if act == "initialise":
                    self.initialise(hand, place, same)
                elif act == "join":
                    self._into_batch(hand, place, same)
                else:
                    self.do(hand, place, act, same)
                return True
        return False

    def _into_batch(self, hand: Hand, place: Place, lines: Sequence[Line]) -> None:
        batch = next((one for one in self.batches(place) if one.stage == "open"), None)
        if batch is None:
            self.open_batch(hand)
        else:
            self.join(hand, place, batch, lines)

    def _after_the_end(self, place: Place) -> None:
        """Nothing is left to do: evidence for what was paid, failed lines once more, or somebody new."""
        lines, operator = self.lines(place), self.proper(place, OPERATOR)
        if operator is None:
            return
        failed = [one for one in lines if one.stage == "failed"]
        if failed and not any(flow.stage != "ended" for flow in self.flows(place)):
            self._into_batch(operator, place, failed)
        else:
            self.enter(operator, place, len(lines) % 6)

    def _with(self, place: Place, role: Role, barred: Iterable[str], act: Callable[[Hand], None]) -> bool:
        hand = self.proper(place, role, barred)
        if hand is not None:
            act(hand)
        return hand is not None


WAYS = (
    ("pending_settlement", "join", OPERATOR),
    ("matched", "material", OPERATOR),
    ("publicised", "initialise", OPERATOR),
    ("in_review", "publicise", OPERATOR),
    ("in_review", "approve", REVIEWER),
    ("draft", "submit", OPERATOR),
    ("unmatched", "withdraw", OPERATOR),
)

# All rules are drawn alike: under more names one is drawn more often, or no walk would come to a payment, and few who
# may not would stand where the next step is due.
for often, times in (("county_goes_on", 7), ("wrong_one_goes_on", 4)):
    for name in [f"{often}_{time}" for time in range(2, times + 1)]:
        setattr(SeasonSteps, name, as_often(getattr(SeasonSteps, often), name))

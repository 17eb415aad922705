"""The natural next step of a county, as its people would take it: what brings a walk from entry to payment."""

from collections.abc import Callable, Collection, Sequence

from hypothesis import strategies as st

from models.words.staff import Role
from tests.walk_cards import CITIZENS
from tests.walk_counter import Hand
from tests.walk_county import STAFF, Place
from tests.walk_flows import CHANGEABLE
from tests.walk_looks import LookSteps
from tests.walk_platform import PlatformSteps
from tests.walk_steps import (
    APPLICANT,
    AUDITOR,
    OTHER_COUNTY,
    OTHER_ROLE,
    WHERE,
    Batch,
    Flow,
    Line,
    Order,
    as_often,
    step,
)
from tests.walk_strangers import StrangerSteps

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
# What an operator orders when the flow waits for one, the most harmless first.
ORDERS = ("confirmed", "unverified", "repayment", "modified", "withdrawal")


class SeasonSteps(StrangerSteps, LookSteps, PlatformSteps):
    # Of one argument, so the first of all rules in hypothesis's order: what a failing walk is made simple to is a
    # season without trouble
    @step(where=WHERE)
    def county_goes_on(self, where: int) -> None:
        self.counter.is_proper = True
        # what is due is seen once the platform has had its word
        self.lull(DUE_SECONDS)
        try:
            self.goes_on(self.places[where])
        finally:
            self.counter.is_proper = False

    @step(where=WHERE, which=st.sampled_from((OTHER_ROLE, OTHER_COUNTY, AUDITOR, APPLICANT)))
    def wrong_one_goes_on(self, where: int, which: int) -> None:
        """The next step, when it is due, by somebody who has no say in it."""
        self.instead = which
        try:
            self.goes_on(self.places[where])
        finally:
            self.instead = None

    @step(where=WHERE, who=CITIZENS)
    def brings_lines_on_beside_a_change(self, where: int, who: int) -> None:
        """Somebody's account is being changed, and nobody decides about it: what goes out leaves that line out."""
        place = self.places[where]
        self.lock_account(place, who)
        for _ in range(ON_AT_ONCE):
            self.lull()
            self._bring_on(place, self._open_flow(place))

    def goes_on(self, place: Place) -> None:
        flow = self._open_flow(place)
        if not self._load_register(place) and not self._decide_what_waits(place, flow):
            self._bring_on(place, flow)

    def _bring_on(self, place: Place, flow: Flow | None) -> None:
        if flow is not None and self._in_flow(place, flow):
            return
        if not self._with_batch(place) and not self._with_lines(place):
            self._after_the_end(place)

    def _open_flow(self, place: Place) -> Flow | None:
        return next((one for one in self.flows(place) if one.stage != "ended"), None)

    def _decide_what_waits(self, place: Place, flow: Flow | None) -> bool:
        order = next((one for one in self.orders(place) if one.state == "entered"), None)
        if order and self._decide_order(place, order):
            return True
        decided = self.objections(place)
        objection = next((one for one in decided if one.state == "open"), None)
        if objection and flow:
            # the first is dismissed and its line goes out, the next one is upheld, and so on
            upheld = sum(one.state != "open" for one in decided) % 2 == 1
            return self._with(
                place,
                REVIEWER,
                {objection.entered_by},
                lambda hand: self.decide_objection(hand, place, objection, upheld=upheld),
            )
        load = next((one for one in self.loads(place) if one.stage == "entered"), None)
        if load:
            return self._with(
                place, REVIEWER, load.makers, lambda hand: self.decide_load(hand, place, load, "confirmation")
            )
        part = next((one for one in self.parts(place) if one.stage == "in_review"), None)
        return part is not None and self._with(
            place, REVIEWER, (), lambda hand: self.decide_part(hand, place, part, "pass")
        )

    def _decide_order(self, place: Place, order: Order) -> bool:
        entered_by = {self.model.ordered_by.get(order.number, "")}
        return self._with(
            place, REVIEWER, entered_by, lambda hand: self.decide_order(hand, place, order, confirmed=True)
        )

    def _load_register(self, place: Place) -> bool:
        """Once, while somebody's account is being changed."""
        if self.loads(place):
            return False
        if not self.parts(place):
            self.ask_for_card(LOCKED, [place])
        return self._with(place, OPERATOR, (), lambda hand: self.hand_in_load(hand, "new"))

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
        """By what the flow's own page offers; of several lines one is taken out, once the money is reserved."""
        acts = place.operator.get(f"/flows/{flow.number}/acts")["items"]
        offered = {one["act"] for one in acts if one["allowed"] and one["count"]}
        kind = next((kind for kind in ORDERS if kind in offered), None)
        if gone := self.lines_at(flow, "withdrawn"):
            self._with(place, OPERATOR, (), lambda hand: self.order(hand, place, flow, "withdrawal", gone[:1]))
        if one := self._to_take_out(flow):
            return self._with(place, OPERATOR, (), lambda hand: self.take_out(hand, place, flow, one))
        if "deferral" in offered:
            return self._with(place, OPERATOR, (), lambda hand: self.defer(hand, place, flow))
        if kind is None:
            return False
        chosen = self.lines_at(flow, "rejected", "held", "unsent")[:1] if kind in ("modified", "withdrawal") else None
        return self._with(place, OPERATOR, (), lambda hand: self.order(hand, place, flow, kind, chosen))

    def _to_take_out(self, flow: Flow) -> str | None:
        living = self.lines_at(flow, "unsent", "under_review", "rejected", "held", "accepted")
        if len(living) < 2 or "withdrawal" in self.model.flow(flow.number).ordered:
            return None
        return next(iter(self.lines_at(flow, "unsent", "rejected", "accepted")), None)

    def call_off(self, place: Place) -> None:
        """The flow, where it still may be: ordered by one, confirmed by another."""
        flow = self._open_flow(place)
        if flow and flow.stage in CHANGEABLE:
            self._with(place, OPERATOR, (), lambda hand: self.order(hand, place, flow, "cancellation", None))
            for order in self.orders(place):
                if (order.kind, order.state) == ("cancellation", "entered"):
                    self._decide_order(place, order)

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
        if not batch.is_publicised:
            self.publicise(hand, place, batch)
            return
        lines = [one for one in self.lines(place) if one.batch_no == batch.number and one.stage == "in_batch"]
        if not {one.application_no for one in self.objections(place)} & {one.number for one in lines}:
            self.object_to(hand, place, lines[-1])
        self.start(hand, place, batch)

    def _with_lines(self, place: Place) -> bool:
        """The first line that somebody can bring on, with all others at its stage."""
        lines = self.lines(place)
        for stage, act, role in WAYS:
            same = [one for one in lines if one.stage == stage and (act != "approve" or not one.is_approved)]
            same = [one for one in same if act != "publicise" or one.is_approved]
            barred = self.model.makers_of(one.number for one in same) if act == "approve" else ()
            if same and self._with(place, role, barred, self._way(place, act, same)):
                return True
        return False

    def _way(self, place: Place, act: str, lines: Sequence[Line]) -> Callable[[Hand], object]:
        match act:
            case "initialise":
                return lambda hand: self.initialise(hand, place, lines)
            case "join":
                return lambda hand: self._into_batch(hand, place, lines)
            case _:
                return lambda hand: self.do(hand, place, act, lines)

    def _into_batch(self, hand: Hand, place: Place, lines: Sequence[Line]) -> None:
        batch = next((one for one in self.batches(place) if one.stage == "open"), None)
        if batch is None:
            self.open_batch(hand)
        else:
            self.join(hand, place, batch, lines)
            if any(line.stage == "failed" for line in lines):
                # now it turns out to be paid after all
                self.banks_speak()

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

    def _with(self, place: Place, role: Role, closed: Collection[str], act: Callable[[Hand], object]) -> bool:
        """Everybody to whom it is closed tries first, in vain; then somebody who may, if anybody."""
        proper, self.counter.is_proper = self.counter.is_proper, False
        for subject in STAFF if self.instead is None else ():
            if subject in closed:
                act(Hand(place, subject, role))
        self.counter.is_proper = proper
        hand = self.proper(place, role, closed)
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

# The platform's word has come by then, unless the weather is rough.
DUE_SECONDS = 2.0
# From a batch to its flow: verified, publicised, started.
ON_AT_ONCE = 3
# Whose card is being changed while the register is loaded.
LOCKED = 3

# All rules are drawn alike: under more names one is drawn more often, or no walk would come to a payment, and few who
# may not would stand where the next step is due.
OFTEN = {
    "county_goes_on": 7,
    "wrong_one_goes_on": 3,
    "touches_what_is_in_flow": 2,
    "brings_lines_on_beside_a_change": 2,
}
for often, times in OFTEN.items():
    for name in [f"{often}_{time}" for time in range(2, times + 1)]:
        setattr(SeasonSteps, name, as_often(getattr(SeasonSteps, often), name))

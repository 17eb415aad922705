"""Steps with flows: start, orders, summary, 确认发放, and what comes after the end (DOMAIN 3, the flow)."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from deploy.demo.people import Json, Refused
from models.words.staff import Role
from tests.walk_counter import Hand, Request
from tests.walk_county import YEAR, Place
from tests.walk_steps import HANDS, NOWHERE, PICK, WHERE, Batch, Flow, Order, Steps, step

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
KINDS = (
    "withdrawal",
    "confirmed",
    "unverified",
    "modified",
    "repayment",
    "cancellation",
    "evidence",
    "name_correction",
)
OF_NO_LINE = ("cancellation", "name_correction")
# Who has left a flow never comes back into it.
LEFT = ("withdrawn", "deferred", "cancelled")
# Nothing brings a flow out of these but an act of the county's people.
WAITS_FOR_PEOPLE = frozenset({"county_review", "county_passed", "summary_approved"})
CHANGEABLE = frozenset({"settling", "county_review"})
FIXED = frozenset({"county_passed", "summary_approved", "paying", "ended"})
PAID_FOR = frozenset({"summary_approved", "paying", "ended"})


class FlowSteps(Steps):
    # start

    def start(self, hand: Hand, place: Place, batch: Batch) -> None:
        body = {
            "batch_no": batch.number,
            "policy_nos": [place.laid.policy_no],
            "indicator_nos": [place.laid.indicator_no],
        }
        waiting = [flow for flow in self.flows(place) if flow.stage in WAITS_FOR_PEOPLE]
        barred = self.barred(hand, place, OPERATOR) or (f"{waiting[0].number} is open" if waiting else None)
        if batch.stage not in ("verified", "verifying"):
            barred = barred or f"the batch is {batch.stage}"
        barred = barred or (None if batch.is_publicised else "it was never publicised")
        foreseen = self._foreseen(hand, body)
        if foreseen is False:
            barred = barred or "its readiness says that it can't be"
        answer = self.counter.act_twice(hand, Request(f"starts a flow of {batch.number}", "/flows", body), barred)
        assert answer or barred or not foreseen, "refused, although its readiness says that it can be"
        if answer:
            flow_no = str(answer["flow_no"])
            memo = self.model.flow(flow_no)
            memo.started_by, memo.lines = hand.subject, self.lines_of_flow(flow_no)

    def _foreseen(self, hand: Hand, body: Json) -> bool | None:
        """What a start would say; None where something moves, or this person may not look."""
        if not self.counter.moves()[0]:
            return None
        try:
            return bool(hand.person.get("/flow-readiness", **body)["ready"])
        except Refused:
            return None

    @step(where=WHERE, which=HANDS, pick=PICK)
    def starts_flow(self, where: int, which: int, pick: int) -> None:
        place = self.places[where]
        batch = self.pick(self.batches(place), lambda one: one.stage == "verified", pick)
        batch = batch or Batch(f"{place.code}-P{YEAR}-9999", "nowhere", is_publicised=False)
        self.start(self.hand(where, which, OPERATOR), place, batch)

    # orders

    def lines_at(self, flow: Flow, *states: str) -> list[str]:
        found = self.counter.ground.rows(
            "SELECT application_no FROM flow_line l JOIN flow f ON f.id = l.flow_id"
            " WHERE f.flow_no = %(flow)s AND l.state = ANY(%(states)s) ORDER BY l.id",
            {"flow": flow.number, "states": list(states)},
        )
        return [str(row[0]) for row in found]

    def take_out(self, hand: Hand, place: Place, flow: Flow, number: str) -> None:
        """Ordered, and ordered once more before anybody has decided: a line leaves its flow once."""
        if self.order(hand, place, flow, "withdrawal", [number]):
            self.order(hand, place, flow, "withdrawal", [number], "it is ordered already")

    def order(
        self,
        hand: Hand,
        place: Place,
        flow: Flow,
        kind: str,
        numbers: Sequence[str] | None,
        barred: str | None = None,
    ) -> bool:
        body: Json = {"kind": kind, "reason": "已核实"}
        if kind != "name_correction":
            body["flow_no"] = flow.number
        if kind == "modified":
            changes = {"phone": "13900005678", "amount_fen": 9_000}
            body["corrections"] = [{"application_no": number, **changes} for number in numbers or [NOWHERE]]
        elif kind != "cancellation" and numbers is not None:
            body["selection"] = {"application_nos": list(numbers)}
        told = f"orders {kind} in {flow.number} ({flow.stage})" + (f" of {', '.join(numbers)}" if numbers else "")
        barred = barred or self.barred(hand, place, OPERATOR) or self._not_to_order(flow, kind, numbers or ())
        answer = self.counter.act(hand, Request(told, "/orders", body), barred)
        if answer:
            self.model.ordered_by[str(answer["order_no"])] = hand.subject
            if kind != "name_correction":
                memo = self.model.flow(flow.number)
                memo.orders_by.add(hand.subject)
                memo.ordered.add(kind)
        return answer is not None

    def _not_to_order(self, flow: Flow, kind: str, numbers: Sequence[str]) -> str | None:
        closed = {"evidence": WAITS_FOR_PEOPLE, "cancellation": PAID_FOR, "name_correction": frozenset[str]()}
        if flow.stage in closed.get(kind, FIXED):
            return f"the flow is {flow.stage}"
        left = {*numbers} & {*self.lines_at(flow, *LEFT)} if kind not in OF_NO_LINE else ()
        return f"{min(left)} has left the flow" if left else None

    @step(where=WHERE, which=HANDS, kind=st.sampled_from(KINDS), pick=PICK, line=PICK)
    def orders_something(self, where: int, which: int, kind: str, pick: int, line: int) -> None:
        place = self.places[where]
        flow = self.pick(self.flows(place), lambda one: one.stage != "ended", pick) or _nowhere(place)
        numbers = sorted(self.lines_of_flow(flow.number)) or [f"{place.code}-{NOWHERE}"]
        chosen = None if line == FITTING_ALL else [numbers[line % len(numbers)]]
        self.order(self.hand(where, which, OPERATOR), place, flow, kind, chosen)

    def decide_order(self, hand: Hand, place: Place, order: Order, *, confirmed: bool) -> None:
        path, body = ("confirmation", {}) if confirmed else ("refusal", {"remark": "再核实"})
        barred = self.barred(hand, place, REVIEWER)
        barred = barred or (f"it is {order.state}" if order.state != "entered" else None)
        if self.model.ordered_by.get(order.number) == hand.subject:
            barred = barred or "the same person entered it"
        words = f"{'confirms' if confirmed else 'refuses'} {order.kind} {order.number} ({order.state})"
        self.counter.act_twice(hand, Request(words, f"/orders/{order.number}/{path}", body), barred)

    @step(where=WHERE, which=HANDS, pick=PICK, confirmed=st.sampled_from((True, True, False)))
    def decides_order(self, where: int, which: int, pick: int, confirmed: bool) -> None:
        place = self.places[where]
        order = self.pick(self.orders(place), lambda one: one.state == "entered", pick)
        order = order or Order(f"{place.code}-O{YEAR}-9999", "withdrawal", "nowhere")
        self.decide_order(self.hand(where, which, REVIEWER), place, order, confirmed=confirmed)

    @step(where=WHERE, kind=st.sampled_from(("withdrawal", "modified")), pick=PICK, hasty=st.booleans())
    def takes_out_or_corrects(self, where: int, kind: str, pick: int, hasty: bool) -> None:
        """An order about a line that may still be changed, decided at once, by another person or by the same."""
        place = self.places[where]
        flow = next((one for one in self.flows(place) if one.stage in CHANGEABLE), None)
        numbers = sorted(self.lines_of_flow(flow.number)) if flow else []
        if flow is None or not numbers:
            self.goes_on(place)
            return
        self.order(Hand(place, "li", OPERATOR), place, flow, kind, [numbers[pick % len(numbers)]])
        order = next((one for one in self.orders(place) if one.state == "entered"), None)
        if order:
            self.decide_order(Hand(place, "li" if hasty else "wang", REVIEWER), place, order, confirmed=True)

    # summary

    def review(self, hand: Hand, place: Place, flow: Flow, *, passed: bool) -> None:
        memo = self.model.flow(flow.number)
        barred = self.barred(hand, place, REVIEWER)
        closed = FIXED if passed else PAID_FOR
        barred = barred or (f"the flow is {flow.stage}" if flow.stage in closed else None)
        barred = barred or ("the same person started it" if memo.started_by == hand.subject else None)
        body = {"passed": passed, "opinion": "同意" if passed else "再核实"} | (
            {"form_file_id": place.file("form", hand.person)} if passed else {}
        )
        words = f"{'passes' if passed else 'sends back'} the summary of {flow.number} ({flow.stage})"
        if self.counter.act_twice(hand, Request(words, f"/flows/{flow.number}/summary/review", body), barred):
            memo.reviewed_by, memo.submitted_by = hand.subject if passed else "", ""

    def submit(self, hand: Hand, place: Place, flow: Flow) -> None:
        memo = self.model.flow(flow.number)
        barred = self.barred(hand, place, OPERATOR)
        barred = barred or (f"the flow is {flow.stage}" if flow.stage != "county_passed" else None)
        barred = barred or ("the same person reviewed it" if memo.reviewed_by == hand.subject else None)
        words = f"submits the summary of {flow.number} ({flow.stage})"
        if self.counter.act_twice(hand, Request(words, f"/flows/{flow.number}/summary/submission"), barred):
            memo.submitted_by = hand.subject

    def pay(self, hand: Hand, place: Place, flow: Flow, *, wrong: bool = False) -> None:
        memo, figures = self.model.flow(flow.number), self.summed(place, flow)
        barred = self.barred(hand, place, REVIEWER)
        if flow.stage not in ("summary_submitted", "summary_approved"):
            barred = barred or f"the flow is {flow.stage}"
        if hand.subject in self.model.not_to_pay(flow.number):
            barred = barred or "the same person had a hand in it"
        barred = barred or ("the figures are others" if wrong else None)
        body = {"application_count": figures[0], "total_fen": figures[1] + wrong}
        told = f"{body['application_count']} lines of {body['total_fen']} fen"
        words = f"confirms the payment of {flow.number} ({flow.stage}), {told}"
        request = Request(words, f"/flows/{flow.number}/summary/payment-confirmation", body)
        if self.counter.act_twice(hand, request, barred):
            assert memo.confirmed is None, "the payment is confirmed a second time"
            memo.confirmed = figures

    def summed(self, place: Place, flow: Flow) -> tuple[int, int]:
        if flow.stage == "nowhere":
            return 0, 0
        figures: Any = place.operator.get(f"/flows/{flow.number}/summary").get("figures") or {}
        return figures.get("application_count", 0), figures.get("total_fen", 0)

    @step(
        where=WHERE,
        which=HANDS,
        act=st.sampled_from(("pass", "submit", "pay", "pay wrongly", "send back")),
        pick=PICK,
    )
    def acts_on_summary(self, where: int, which: int, act: str, pick: int) -> None:
        place = self.places[where]
        hand = self.hand(where, which, OPERATOR if act == "submit" else REVIEWER)
        flow = self.pick(self.flows(place), lambda one: one.stage != "ended", pick) or _nowhere(place)
        match act:
            case "submit":
                self.submit(hand, place, flow)
            case "pay" | "pay wrongly":
                self.pay(hand, place, flow, wrong=act == "pay wrongly")
            case _:
                self.review(hand, place, flow, passed=act == "pass")

    # what a person settles

    @step(where=WHERE, which=HANDS, act=st.sampled_from(("defer", "settle")), pick=PICK)
    def puts_off_or_settles(self, where: int, which: int, act: str, pick: int) -> None:
        place = self.places[where]
        flow = self.pick(self.flows(place), lambda one: one.stage in ("settling", "ended"), pick) or _nowhere(place)
        if act == "defer":
            hand = self.hand(where, which, OPERATOR)
            self.defer(hand, place, flow)
            return
        hand = self.hand(where, which, REVIEWER)
        body = {
            "selection": {"filter": {}},
            "status": "paid",
            "reason": "银行回单",
            "proof_file_id": place.file("form", hand.person),
        }
        barred = self.barred(hand, place, REVIEWER)
        if hand.subject in self.model.not_to_settle(flow.number):
            barred = barred or "the same person had a hand in it"
        words = f"settles what has no result in {flow.number} ({flow.stage})"
        self.counter.act(hand, Request(words, f"/flows/{flow.number}/settlements", body), barred)

    def defer(self, hand: Hand, place: Place, flow: Flow) -> None:
        barred = self.barred(hand, place, OPERATOR) or (f"it is {flow.stage}" if flow.stage in FIXED else None)
        words = f"puts off what is held in {flow.number} ({flow.stage})"
        self.counter.act(hand, Request(words, f"/flows/{flow.number}/deferrals", {"reason": "转入下批"}), barred)

    @step(where=WHERE, which=HANDS, pick=PICK, take=st.sampled_from(("applied", "claimed")))
    def decides_contradiction(self, where: int, which: int, pick: int, take: str) -> None:
        place, hand = self.places[where], self.hand(where, which, REVIEWER)
        found = self.rows(
            place, "SELECT id, number, kind, state FROM contradiction WHERE county_code = %(code)s ORDER BY id DESC"
        )
        chosen = self.pick(found, lambda one: one[3] == "open", pick) or (999_999_999, "", "none", "nowhere")
        barred = self.barred(hand, place, REVIEWER)
        barred = barred or (f"it is {chosen[3]}" if chosen[3] != "open" else None)
        if hand.subject in self.model.not_to_settle(str(chosen[1])) and chosen[1] in self.model.flows:
            barred = barred or "the same person had a hand in it"
        words = f"takes what was {take} of a contradiction about {chosen[1]} {chosen[2]} ({chosen[3]})"
        body = {"take": take, "reason": "已与平台核实"}
        self.counter.act_twice(hand, Request(words, f"/contradictions/{chosen[0]}/decision", body), barred)


# Of the picks, the one that means all lines.
FITTING_ALL = 6


def _nowhere(place: Place) -> Flow:
    return Flow(f"{place.code}-L{YEAR}-9999", "nowhere")

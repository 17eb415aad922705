"""Steps of strangers: somebody of one county, with whatever there is in the other one (DOMAIN 6.5).

Each act would be open to somebody of the own county, so nothing but whose it is can be in its way.
"""

from collections.abc import Iterator, Sequence

from models.words.calendar import china_today
from models.words.staff import Role
from tests.walk_applications import picture
from tests.walk_counter import Hand, Request
from tests.walk_county import Place
from tests.walk_flows import FlowSteps
from tests.walk_loads import LoadSteps
from tests.walk_locks import LockSteps
from tests.walk_model import BEFORE_FLOW, LINE_ACTS
from tests.walk_steps import WHERE, step

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
# Of the own county nobody's maker as a rule: that an act is closed to its maker must not hide whose it is.
STRANGER = "zhao"
Attempt = tuple[Role, Request]


class StrangerSteps(LockSteps, LoadSteps, FlowSteps):
    @step(where=WHERE)
    def stranger_meddles(self, where: int) -> None:
        self.meddle(self.places[where], self.places[1 - where])

    def meddle(self, place: Place, home: Place) -> None:
        """One who is at home elsewhere tries all that there is to do here; a draft is entered where there is none."""
        if not any(line.stage == "draft" for line in self.lines(place)):
            self.enter(Hand(place, "li", OPERATOR), place, 0)
        attempts = [
            *self._line_acts(place, home),
            *self._batch_acts(place, home),
            *self._flow_acts(place, home),
            *self._account_acts(place),
        ]
        hands = [(Hand(home, STRANGER, role), request) for role, request in attempts]
        told = f"{home.name} {STRANGER} does in vain what is to be done in {place.name}"
        self.counter.try_in_vain(told, hands, "it is another county's")

    def _line_acts(self, place: Place, home: Place) -> Iterator[Attempt]:
        lines = self.lines(place)
        for name, act in LINE_ACTS.items():
            if line := next((one for one in lines if one.stage in act.stages), None):
                body = {"selection": {"application_nos": [line.number]}} | ({"reason": "x"} if act.with_reason else {})
                yield act.roles[0], Request(f"{name} {line.number}", act.path, body)
        for line in [one for one in lines if one.stage == "draft"][:1]:
            path = f"/applications/{line.number}"
            yield OPERATOR, Request(f"edit {line.number}", path, {"version": line.version, "form": home.form(0)}, "PUT")
            yield OPERATOR, picture(line.number)
        for line in [one for one in lines if one.stage in BEFORE_FLOW][:1]:
            body = {"application_no": line.number, "reason": "该地已流转"}
            yield OPERATOR, Request(f"object to {line.number}", "/objections", body)
        for line in [one for one in lines if one.stage == "publicised"][:1]:
            body = {"selection": {"application_nos": [line.number]}}
            yield OPERATOR, Request(f"initialise {line.number}", "/beneficiary-lists", body)

    def _batch_acts(self, place: Place, home: Place) -> Iterator[Attempt]:
        lines = {True: self.lines(place), False: self.lines(home)}
        for batch in self.batches(place)[-2:]:
            path = f"/batches/{batch.number}"
            yield OPERATOR, Request(f"verify {batch.number}", f"{path}/verifications")
            notice = {"start_date": china_today().isoformat(), "address": "x"}
            notice |= {"image_file_ids": [home.file("notice", home.person(STRANGER, OPERATOR))]}
            yield OPERATOR, Request(f"publicise {batch.number}", f"{path}/publicity", notice, "PUT")
            for is_theirs, act in ((True, "removals"), (False, "applications")):
                numbers = [one.number for one in lines[is_theirs]][-1:]
                if numbers:
                    yield OPERATOR, Request(f"{act} of {batch.number}", f"{path}/{act}", _named(numbers))
            names = {"policy_nos": [home.laid.policy_no], "indicator_nos": [home.laid.indicator_no]}
            yield OPERATOR, Request(f"start {batch.number}", "/flows", {"batch_no": batch.number} | names)

    def _flow_acts(self, place: Place, home: Place) -> Iterator[Attempt]:
        for flow in self.flows(place)[:1]:
            path, form = f"/flows/{flow.number}", home.file("form", home.person(STRANGER, REVIEWER))
            told = f"of {flow.number} ({flow.stage})"
            review = {"passed": True, "opinion": "同意", "form_file_id": form}
            yield REVIEWER, Request(f"review the summary {told}", f"{path}/summary/review", review)
            yield OPERATOR, Request(f"submit the summary {told}", f"{path}/summary/submission")
            paid = dict(zip(("application_count", "total_fen"), self.summed(place, flow), strict=True))
            yield REVIEWER, Request(f"confirm the payment {told}", f"{path}/summary/payment-confirmation", paid)
            order = {"kind": "cancellation", "flow_no": flow.number, "reason": "x"}
            yield OPERATOR, Request(f"cancellation {told}", "/orders", order)
            for number in self.lines_at(flow, "unsent", "rejected", "accepted")[:1]:
                order = {"kind": "withdrawal", "flow_no": flow.number, "reason": "x"} | _named([number])
                yield OPERATOR, Request(f"withdrawal {told}", "/orders", order)
            yield OPERATOR, Request(f"defer what is held {told}", f"{path}/deferrals", {"reason": "x"})
        for order in [one for one in self.orders(place) if one.state == "entered"][:1]:
            yield REVIEWER, Request(f"confirm {order.number}", f"/orders/{order.number}/confirmation", {})

    def _account_acts(self, place: Place) -> Iterator[Attempt]:
        opinion = {"upheld": True, "opinion": "x"}
        for objection in [one for one in self.objections(place) if one.state == "open"][:1]:
            path = f"/objections/{objection.number}/decision"
            yield REVIEWER, Request(f"uphold {objection.number}", path, opinion)
        for part in [one for one in self.parts(place) if one.stage == "in_review"][:1]:
            yield REVIEWER, Request(f"pass {part.number}", f"/card-changes/{part.number}/decision", {"passed": True})
        for number in [number for number, stage in self.entries(place) if stage == "entered"][:1]:
            yield REVIEWER, Request(f"confirm {number}", f"/village-entries/{number}/confirmation", {})
        for load in [one for one in self.loads(place) if one.stage == "entered"][:1]:
            yield REVIEWER, Request(f"confirm {load.number}", f"/register-loads/{load.number}/confirmation", {})


def _named(numbers: Sequence[str]) -> dict[str, object]:
    return {"selection": {"application_nos": list(numbers)}}

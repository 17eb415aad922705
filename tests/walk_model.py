"""What must be true whatever is done in which order: who may, from which stage, to which, and how much money (DOMAIN).

Deliberately little: no second product. Where it is silent the product may do the act or refuse it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from models.words.staff import Role

# An application's life (DOMAIN 3). Nothing leaves the last two, but that the platform pays late.
LIFE: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"in_review", "withdrawn"}),
    "in_review": frozenset({"draft", "publicised", "withdrawn"}),
    "publicised": frozenset({"matched", "unmatched", "in_review", "draft", "withdrawn"}),
    "unmatched": frozenset({"publicised", "in_review", "draft", "withdrawn"}),
    "matched": frozenset({"pending_settlement", "in_review", "draft", "withdrawn"}),
    "pending_settlement": frozenset({"in_batch", "draft", "withdrawn", "paid"}),
    # what turns out to be paid after all leaves its batch, or would be paid twice
    "in_batch": frozenset({"in_flow", "pending_settlement", "draft", "withdrawn", "failed", "paid"}),
    "in_flow": frozenset({"paid", "failed", "pending_settlement", "in_batch", "withdrawn"}),
    "paid": frozenset({"evidence_sent", "failed"}),
    "evidence_sent": frozenset({"failed", "paid"}),
    "failed": frozenset({"in_batch", "closed", "paid"}),
    "withdrawn": frozenset(),
    "closed": frozenset({"paid"}),
}
# What happens to it without anybody of the county: these are passed while one looks away.
BY_ITSELF: Mapping[str, frozenset[str]] = {
    "publicised": frozenset({"matched", "unmatched"}),
    "unmatched": frozenset({"matched", "publicised"}),
    "matched": frozenset({"unmatched"}),
    "in_flow": frozenset({"paid", "failed", "pending_settlement", "in_batch", "withdrawn"}),
    "paid": frozenset({"failed", "evidence_sent"}),
    "evidence_sent": frozenset({"failed", "paid"}),
    "failed": frozenset({"paid"}),
    "pending_settlement": frozenset({"paid"}),
    "in_batch": frozenset({"paid"}),
    "closed": frozenset({"paid"}),
}
# Once a flow has paid a line, or tried to: it never begins anew.
TRIED = frozenset(
    {"paid", "evidence_sent", "failed", "in_batch", "in_flow", "pending_settlement", "closed", "withdrawn"}
)
OPERATOR, REVIEWER, APPLICANT = Role.OPERATOR, Role.REVIEWER, Role.APPLICANT


@dataclass(frozen=True)
class LineAct:
    """An act on applications: its address, who may, from which stages."""

    path: str
    roles: tuple[Role, ...]
    stages: frozenset[str]
    with_reason: bool = False


BEFORE_FLOW = frozenset({"publicised", "unmatched", "matched", "pending_settlement", "in_batch"})
# Later ones are returned first; an applicant's edit returns by itself.
EDITED_BY: Mapping[Role, frozenset[str]] = {
    OPERATOR: frozenset({"draft", "publicised", "unmatched", "matched"}),
    APPLICANT: BEFORE_FLOW | {"draft", "in_review"},
}
LINE_ACTS: Mapping[str, LineAct] = {
    "submit": LineAct("/application-submissions", (OPERATOR, APPLICANT), frozenset({"draft"})),
    "approve": LineAct("/application-approvals", (REVIEWER,), frozenset({"in_review"})),
    "publicise": LineAct("/application-publicisings", (OPERATOR,), frozenset({"in_review"})),
    "material": LineAct("/settlement-materials", (OPERATOR,), frozenset({"matched"})),
    "return": LineAct("/application-returns", (REVIEWER,), BEFORE_FLOW | {"in_review"}, True),
    "withdraw": LineAct("/application-withdrawals", (OPERATOR, APPLICANT), BEFORE_FLOW | {"draft", "in_review"}, True),
    "close": LineAct("/application-closings", (OPERATOR,), frozenset({"failed"}), True),
}


def later(stage: str, steps: Mapping[str, frozenset[str]] = LIFE) -> frozenset[str]:
    """The stage and all that may come of it."""
    found = {stage}
    while more := {after for each in found for after in steps.get(each, ())} - found:
        found |= more
    return frozenset(found)


def can_be(stage: str, wanted: Iterable[str]) -> bool:
    """Whether what was seen at a stage may be at one of the wanted ones by now, without anybody's act."""
    return not later(stage, BY_ITSELF).isdisjoint(wanted)


@dataclass
class FlowMemo:
    """Who did what for a flow, and what was confirmed to be paid."""

    started_by: str = ""
    orders_by: set[str] = field(default_factory=set)
    ordered: set[str] = field(default_factory=set)
    reviewed_by: str = ""
    submitted_by: str = ""
    lines: frozenset[str] = frozenset()
    confirmed: tuple[int, int] | None = None


@dataclass
class Model:
    """What the walk itself has seen done; people are named within their county, whose alone a thing is."""

    makers: dict[str, set[str]] = field(default_factory=dict)
    flows: dict[str, FlowMemo] = field(default_factory=dict)
    ordered_by: dict[str, str] = field(default_factory=dict)
    entered_by: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    def made(self, numbers: Iterable[str], subject: str) -> None:
        for number in numbers:
            self.makers.setdefault(number, set()).add(subject)

    def makers_of(self, numbers: Iterable[str]) -> set[str]:
        return {maker for number in numbers for maker in self.makers.get(number, ())}

    def flow(self, flow_no: str) -> FlowMemo:
        return self.flows.setdefault(flow_no, FlowMemo())

    def not_to_settle(self, flow_no: str) -> set[str]:
        """Who made a line, or started the flow."""
        memo = self.flow(flow_no)
        return self.makers_of(memo.lines) | {memo.started_by}

    def not_to_pay(self, flow_no: str) -> set[str]:
        memo = self.flow(flow_no)
        return self.not_to_settle(flow_no) | memo.orders_by | {memo.reviewed_by, memo.submitted_by}

    def watch(self, seen: Mapping[str, str], county: str) -> Iterable[str]:
        """What the applications' stages of a county tell that can't be, since they were looked at last."""
        for number, stage in seen.items():
            before = self.stages.get(number, stage)
            if stage not in later(before):
                yield f"{number} was {before} and is {stage}"
            if number in self.tried and stage not in TRIED:
                yield f"{number} was paid or tried to be, and is {stage} again"
            if stage in ("paid", "evidence_sent", "failed"):
                self.tried.add(number)
        yield from (f"{number} is gone" for number in self.stages.keys() - seen.keys() if number.startswith(county))
        self.stages.update(seen)

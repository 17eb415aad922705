"""Which lines of a flow an order may name, judged alike when it is entered and when it is confirmed (S1 2.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.acts import EXAMPLES, LeftOut
from models.store.applications.rules import ordered
from models.store.register.lock_rules import LockedAct, lock_rule
from models.store.selection import Rule
from models.store.sql import TO_THE_END, Value, fetch, looked_at
from models.words.refusals import Refusal
from models.words.stages import FlowStage, LineState, OrderKind, PaymentState, Verification

MOST_NUMBERS = 5_000
Word = Annotated[str, StringConstraints(min_length=1, max_length=80)]

CHANGEABLE = frozenset({FlowStage.SETTLING, FlowStage.UNDER_REVIEW, FlowStage.COUNTY_REVIEW})
CANCELLABLE = CHANGEABLE | {
    FlowStage.STARTING,
    FlowStage.WAITING_COUNTY,
    FlowStage.COUNTY_PASSED,
    FlowStage.SUMMARY_SUBMITTED,
}
FIT_STAGES: Mapping[OrderKind, frozenset[FlowStage]] = {
    OrderKind.MODIFIED: CHANGEABLE,
    OrderKind.CONFIRMED: CHANGEABLE,
    OrderKind.UNVERIFIED: CHANGEABLE,
    OrderKind.REPAYMENT: CHANGEABLE,
    OrderKind.WITHDRAWAL: CHANGEABLE,
    OrderKind.CANCELLATION: CANCELLABLE,
    OrderKind.EVIDENCE: frozenset({FlowStage.PAYING, FlowStage.ENDED}),
}
# Of what lines are narrowed by, what the entries of their flow or their county tell.
_INDEXED = frozenset({"state", "town_code", "bank_code"})
# Lines that are told one by one are found by that, and held against their flow then: along the flow, of whose lines old
# statistics know nothing, each of a hundred thousand would be held against all that are told. Of an application a flow
# has one line.
_OF_ORDER = (
    "(l.flow_id = :flow) IS TRUE AND l.id = ANY(ARRAY(SELECT flow_line_id FROM order_line WHERE order_id = :order))"
)
OF_NUMBERS = (
    "ANY(ARRAY(SELECT f.id FROM unnest(CAST(:numbers AS text[])) AS named (number) CROSS JOIN LATERAL"
    " (SELECT id FROM flow_line n WHERE n.application_no = named.number AND (n.flow_id = :flow) IS TRUE LIMIT 1) AS f))"
)
# Orders that mean all lines fit for them when they name none.
WHOLE = frozenset({OrderKind.CONFIRMED, OrderKind.UNVERIFIED, OrderKind.REPAYMENT, OrderKind.EVIDENCE})


class FlowLineFilter(BaseModel):
    """What a flow's lines can be narrowed by; all given criteria hold at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: LineState | None = None
    reason_code: Word | None = None
    verification: Verification | None = None
    payment: PaymentState | None = None
    payment_reason_code: Word | None = None
    town_code: Word | None = None
    bank_code: Word | None = None
    item_code: Word | None = None
    applicant_kind: Word | None = None

    @property
    def criteria(self) -> dict[str, str]:
        return self.model_dump(mode="json", exclude_none=True)


class FlowLineSelection(BaseModel):
    """The lines that an act on a flow is about: named one by one, or all that a filter finds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_nos: list[Word] | None = None
    filter: FlowLineFilter | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.application_nos is None) == (self.filter is None):
            raise ValueError("请给出申请编号清单或筛选条件，二者取一")
        if self.application_nos is not None and not 1 <= len(self.application_nos) <= MOST_NUMBERS:
            raise ValueError(f"申请编号须为 1 至 {MOST_NUMBERS} 个；更多请用筛选条件")
        return self


class Candidate(NamedTuple):
    """A line and the code of the rule that it breaks, if any."""

    line_id: int
    application_id: int
    application_no: str
    amount_fen: int
    unfit: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    fit: list[Candidate]
    unfit: list[Candidate]
    left_out: list[LeftOut]

    @property
    def total_fen(self) -> int:
        return sum(each.amount_fen for each in self.fit)


LINE_LOCKED = lock_rule(LockedAct.LINE_ORDER, "l")
LINE_IN_ORDER = Rule(
    Refusal.IN_OPEN_ORDER,
    "已在另一个尚未办结的指令中，请等它办结或由审核人退回后再办理",
    ordered("ol.flow_line_id = l.id", "o.state IN ('entered', 'confirmed') AND o.id <> :order"),
)
REJECTED = Rule(Refusal.NOT_REJECTED, "不是平台审核不通过的申请，不能修改提交", "l.state <> 'rejected'")
DUPLICATE = Rule(
    Refusal.NOT_DUPLICATE,
    "不是因一人多条申请而平台审核不通过的申请，不用确认需发放提交",
    "l.state <> 'rejected' OR l.reason_code IS DISTINCT FROM 'duplicate_person'",
)
UNVERIFIED = Rule(
    Refusal.NOT_UNVERIFIED,
    "不是大数据校验不通过且未提交的申请",
    "l.state <> 'unsent' OR l.verification <> 'failed' OR l.repays_flow_id IS NOT NULL",
)
REPAYMENT = Rule(Refusal.NOT_REPAYMENT, "不是未提交的补发申请", "l.state <> 'unsent' OR l.repays_flow_id IS NULL")
LIVING = Rule(
    Refusal.NOT_LIVING,
    "已撤回、已转入下批或已随流程撤销，不能再撤回",
    "l.state NOT IN ('unsent', 'held', 'rejected', 'accepted', 'under_review')",
)
NOT_PAID = Rule(Refusal.NOT_PAID, "尚未发放成功，不能提交材料", "l.payment IS DISTINCT FROM 'paid'")
ALREADY_SENT = Rule(
    Refusal.EVIDENCE_SENT,
    "材料已经提交；要用现在的照片替换，请选定这些申请再办理提交材料",
    "l.evidence_sent_at IS NOT NULL",
)
NOT_HELD = Rule(Refusal.NOT_HELD, "不是暂缓的申请，不能转入下批", "l.state <> 'held'")
NOT_UNRESOLVED = Rule(
    Refusal.NOT_UNRESOLVED, "不是流程结束后仍无发放结果的申请", "l.payment IS DISTINCT FROM 'unresolved'"
)

RULES: Mapping[OrderKind, tuple[Rule, ...]] = {
    OrderKind.MODIFIED: (REJECTED, LINE_LOCKED, LINE_IN_ORDER),
    OrderKind.CONFIRMED: (DUPLICATE, LINE_LOCKED, LINE_IN_ORDER),
    OrderKind.UNVERIFIED: (UNVERIFIED, LINE_LOCKED, LINE_IN_ORDER),
    OrderKind.REPAYMENT: (REPAYMENT, LINE_LOCKED, LINE_IN_ORDER),
    OrderKind.WITHDRAWAL: (LIVING, LINE_IN_ORDER),
    OrderKind.EVIDENCE: (NOT_PAID, LINE_IN_ORDER),
}
# What was sent before is replaced only where somebody chose it: "all" means what is still to be sent.
REST_OF_EVIDENCE = (NOT_PAID, ALREADY_SENT, LINE_IN_ORDER)
DEFERRAL_RULES = (NOT_HELD, LINE_IN_ORDER)
SETTLEMENT_RULES = (NOT_UNRESOLVED,)
UNKNOWN_LINE = Rule(Refusal.UNKNOWN_APPLICATION, "本流程中没有这个申请编号，请核对", "false")


async def judge(
    session: AsyncSession,
    flow_id: int,
    rules: Sequence[Rule],
    selection: FlowLineSelection | None,
) -> Verdict:
    """What a selection (None: all lines) holds that fits, and what doesn't and why."""
    where, values = _where(selection)
    named = selection.application_nos if selection is not None else None
    return _verdict(await _candidates(session, flow_id, rules, where, values | {"order": 0}), rules, named)


async def judge_order(session: AsyncSession, flow_id: int, rules: Sequence[Rule], order_id: int) -> Verdict:
    """The lines of an order that was entered before, judged again."""
    return _verdict(await _candidates(session, flow_id, rules, _OF_ORDER, {"order": order_id}), rules, None)


def _where(selection: FlowLineSelection | None) -> tuple[str, dict[str, Value]]:
    if selection is None:
        return "l.flow_id = :flow", {}
    if selection.application_nos is not None:
        return f"l.id = {OF_NUMBERS}", {"numbers": selection.application_nos}
    criteria = selection.filter.criteria if selection.filter is not None else {}
    where, values = where_of(criteria)
    return f"l.flow_id = :flow AND {where}", values


def where_of(criteria: Mapping[str, str], alias: str = "l") -> tuple[str, dict[str, Value]]:
    """Criteria of a FlowLineFilter, whose fields are columns, as a condition over a flow_line."""
    values: dict[str, Value] = {f"f_{name}": value for name, value in criteria.items()}
    same = {name: f"{alias}.{name} = :f_{name}" for name in criteria}
    return " AND ".join(["true", *(sql if name in _INDEXED else looked_at(sql) for name, sql in same.items())]), values


async def _candidates(
    session: AsyncSession, flow_id: int, rules: Sequence[Rule], where: str, values: Mapping[str, Value]
) -> list[Candidate]:
    cases = " ".join(f"WHEN {rule.unfit} THEN '{rule.code}'" for rule in rules)
    # judged in a first step that always names :order, so that rules may use it or not
    return await fetch(
        session,
        Candidate,
        f"SELECT l.id AS line_id, l.application_id, l.application_no, l.amount_fen, CASE {cases} END AS unfit "
        f"FROM flow_line l WHERE {where} AND CAST(:order AS bigint) IS NOT NULL ORDER BY l.id",
        flow=flow_id,
        **values,
    )


def _verdict(candidates: Sequence[Candidate], rules: Sequence[Rule], named: Sequence[str] | None) -> Verdict:
    unfit = [each for each in candidates if each.unfit is not None]
    known = {each.application_no for each in candidates}
    unknown = [number for number in dict.fromkeys(named or ()) if number not in known]
    unfit += [Candidate(0, 0, number, 0, Refusal.UNKNOWN_APPLICATION) for number in unknown]
    left_out = []
    for rule in (*rules, UNKNOWN_LINE):
        numbers = [each.application_no for each in unfit if each.unfit == rule.code]
        if numbers:
            left_out.append(LeftOut(rule.code, rule.title, len(numbers), numbers[:EXAMPLES]))
    return Verdict([each for each in candidates if each.unfit is None], unfit, left_out)


class Fit(NamedTuple):
    """How many lines of a flow an act could be about now, in fen together."""

    lines: int
    fen: int


async def fitting(session: AsyncSession, flow_id: int, acts: Mapping[str, Sequence[Rule]]) -> dict[str, Fit]:
    """Of each act, by the rules that an entry is judged by; one walk over the flow's lines."""
    fits = {name: " AND ".join(f"({rule.unfit}) IS NOT TRUE" for rule in rules) for name, rules in acts.items()}
    each = " UNION ALL ".join(
        f"SELECT '{name}' AS act, count(*) AS lines, coalesce(sum(l.amount_fen), 0)::bigint AS fen FROM lines l"
        f" WHERE {fit} AND CAST(:order AS bigint) IS NOT NULL"
        for name, fit in fits.items()
    )
    along = f"SELECT * FROM flow_line WHERE flow_id = ANY(ARRAY[:flow]) ORDER BY flow_id, id {TO_THE_END}"
    statement = f"WITH lines AS MATERIALIZED ({along}) {each}"
    rows = await fetch(session, _Fitting, statement, flow=flow_id, order=0)
    return {row.act: Fit(row.lines, row.fen) for row in rows}


class _Fitting(NamedTuple):
    act: str
    lines: int
    fen: int

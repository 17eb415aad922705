"""What comes next, as a table: every stage of a flow and of a card change, each reason to wait; no database."""

from typing import NamedTuple

import pytest

from models.contracts import CardStep, DatasetRef, FlowStep, NextOrder, PartRef
from models.store.cards.next_step import next_card_step
from models.store.flows.next_step import LineCounts, next_step, opens_summary, sentence_of
from models.tables.base import now
from models.tables.batches import Dataset
from models.tables.cards import CardChange, CardChangePart
from models.tables.flows import Flow, Summary
from models.words.card_stages import PartStage, RequestResult, RequestStage
from models.words.stages import DatasetStage, FlowStage, OrderKind, SummaryStage
from models.words.waiting import CARD_UNANSWERED, CARD_VALIDATING

COUNTY, FLOW_NO = "500001", "500001-L2026-0001"
ENDED_AT_PLATFORM = {"outcome": "disbursed", "payment_pages": 2}
ROUND = f"{FLOW_NO}.r1"
SENT = DatasetRef(dataset_id=7, reference=ROUND, county_code=COUNTY)


class Rows(NamedTuple):
    """A flow that the platform has started, in its first quiet moment; a case changes what it is about."""

    stage: FlowStage = FlowStage.SETTLING
    started: bool = True
    ended: bool = False
    round: DatasetStage | None = None
    lines: LineCounts = LineCounts()
    summary: SummaryStage | None = None
    told: bool = False
    orders: tuple[OrderKind, ...] = ()

    @property
    def flow(self) -> Flow:
        return Flow(
            flow_no=FLOW_NO,
            county_code=COUNTY,
            fund_year=2026,
            batch_id=1,
            batch_no="500001-P2026-0001",
            policy_unit_code="U1",
            started_by="operator",
            stage=self.stage,
            platform_id="F1" if self.started else None,
            end_claim=ENDED_AT_PLATFORM if self.ended else None,
        )

    @property
    def dataset(self) -> Dataset | None:
        if self.round is None:
            return None
        return Dataset(id=7, reference=ROUND, kind="application_submission", county_code=COUNTY, stage=self.round)

    @property
    def opened(self) -> Summary | None:
        """`told`: an operator has handed it in, or a second reviewer has confirmed the payment."""
        if self.summary is None:
            return None
        at = now() if self.told else None
        confirmed = at if self.summary in (SummaryStage.APPROVED, SummaryStage.CONFIRMED) else None
        return Summary(flow_id=1, number=1, stage=self.summary, submitted_at=at, confirmed_at=confirmed)

    @property
    def confirmed(self) -> list[NextOrder]:
        return [NextOrder(order_no=f"O{number}", kind=kind) for number, kind in enumerate(self.orders, 1)]


ACCEPTED = LineCounts(accepted=3)
READY = LineCounts(sendable=2, unsettled=3)
REJECTED = LineCounts(unsettled=1, accepted=2)
S, R, L, K = FlowStage, DatasetStage, SummaryStage, OrderKind
# What is so, the rows, and what they ask for: the stage and the step.
FLOW_CASES: list[tuple[str, Rows, FlowStage, FlowStep]] = [
    # before the platform has started it
    ("entered", Rows(S.STARTING, started=False, lines=READY), S.STARTING, FlowStep.START),
    ("its county is taken", Rows(S.WAITING_COUNTY, started=False, lines=READY), S.WAITING_COUNTY, FlowStep.START),
    (
        "taken, and called off by a cancellation",
        Rows(S.WAITING_COUNTY, started=False, orders=(K.CANCELLATION,)),
        S.WAITING_COUNTY,
        FlowStep.CALL_OFF,
    ),
    (
        "a start on its way can't be called off: its outcome is unknown",
        Rows(S.STARTING, started=False, orders=(K.CANCELLATION,)),
        S.STARTING,
        FlowStep.START,
    ),
    ("refused or called off", Rows(S.ENDED, started=False), S.ENDED, FlowStep.END),
    # rounds
    ("lines are ready", Rows(lines=READY), S.SETTLING, FlowStep.SEND_ROUND),
    ("a round is fixed", Rows(round=R.PREPARED, lines=REJECTED), S.UNDER_REVIEW, FlowStep.HAND_OVER),
    (
        "a round is finished before any order",
        Rows(S.UNDER_REVIEW, round=R.PREPARED, lines=READY, orders=(K.WITHDRAWAL,)),
        S.UNDER_REVIEW,
        FlowStep.HAND_OVER,
    ),
    ("a round is under review", Rows(S.UNDER_REVIEW, round=R.UNDER_REVIEW), S.UNDER_REVIEW, FlowStep.WAIT),
    (
        "one round at a time, whatever is ready",
        Rows(S.UNDER_REVIEW, round=R.UNDER_REVIEW, lines=READY),
        S.UNDER_REVIEW,
        FlowStep.WAIT,
    ),
    ("rejected, held or unverified lines wait for a person", Rows(lines=REJECTED), S.SETTLING, FlowStep.WAIT),
    ("rejected lines alone too", Rows(lines=LineCounts(unsettled=3)), S.SETTLING, FlowStep.WAIT),
    # orders
    ("an order before what goes by itself", Rows(lines=READY, orders=(K.WITHDRAWAL,)), S.SETTLING, FlowStep.WITHDRAW),
    ("修改", Rows(lines=REJECTED, orders=(K.MODIFIED,)), S.SETTLING, FlowStep.SEND_ORDERED),
    ("确认需发放", Rows(lines=REJECTED, orders=(K.CONFIRMED,)), S.SETTLING, FlowStep.SEND_ORDERED),
    ("校验不通过数据", Rows(lines=REJECTED, orders=(K.UNVERIFIED,)), S.SETTLING, FlowStep.SEND_ORDERED),
    ("补发", Rows(lines=REJECTED, orders=(K.REPAYMENT,)), S.SETTLING, FlowStep.SEND_ORDERED),
    ("撤销", Rows(lines=READY, orders=(K.CANCELLATION,)), S.SETTLING, FlowStep.CANCEL),
    (
        "during a round an order that sends waits",
        Rows(S.UNDER_REVIEW, round=R.UNDER_REVIEW, orders=(K.MODIFIED,)),
        S.UNDER_REVIEW,
        FlowStep.WAIT,
    ),
    (
        "during a round lines may be taken out",
        Rows(S.UNDER_REVIEW, round=R.UNDER_REVIEW, orders=(K.MODIFIED, K.WITHDRAWAL)),
        S.UNDER_REVIEW,
        FlowStep.WITHDRAW,
    ),
    (
        "during a round all may be cancelled",
        Rows(S.UNDER_REVIEW, round=R.UNDER_REVIEW, orders=(K.CANCELLATION,)),
        S.UNDER_REVIEW,
        FlowStep.CANCEL,
    ),
    (
        "a withdrawal while the county reviews",
        Rows(S.COUNTY_REVIEW, lines=ACCEPTED, summary=L.OPEN, orders=(K.WITHDRAWAL,)),
        S.COUNTY_REVIEW,
        FlowStep.WITHDRAW,
    ),
    (
        "撤销 while the county reviews",
        Rows(S.COUNTY_REVIEW, lines=ACCEPTED, summary=L.OPEN, orders=(K.CANCELLATION,)),
        S.COUNTY_REVIEW,
        FlowStep.CANCEL,
    ),
    (
        "撤销 when the county has passed it",
        Rows(S.COUNTY_PASSED, lines=ACCEPTED, summary=L.COUNTY_PASSED, orders=(K.CANCELLATION,)),
        S.COUNTY_PASSED,
        FlowStep.CANCEL,
    ),
    (
        "撤销 before a summary that is to be handed in",
        Rows(S.SUMMARY_SUBMITTED, lines=ACCEPTED, summary=L.COUNTY_PASSED, told=True, orders=(K.CANCELLATION,)),
        S.SUMMARY_SUBMITTED,
        FlowStep.CANCEL,
    ),
    (
        "a cancellation while the platform reviews the summary",
        Rows(S.SUMMARY_SUBMITTED, lines=ACCEPTED, summary=L.SUBMITTED, told=True, orders=(K.CANCELLATION,)),
        S.SUMMARY_SUBMITTED,
        FlowStep.CANCEL,
    ),
    # no line is left
    ("every line has left", Rows(), S.SETTLING, FlowStep.CANCEL),
    (
        "the last line leaves while the county reviews",
        Rows(S.COUNTY_REVIEW, summary=L.OPEN),
        S.COUNTY_REVIEW,
        FlowStep.CANCEL,
    ),
    ("or has reviewed", Rows(S.COUNTY_PASSED, summary=L.COUNTY_PASSED), S.COUNTY_PASSED, FlowStep.CANCEL),
    (
        "not any more once the platform has the summary",
        Rows(S.SUMMARY_SUBMITTED, summary=L.SUBMITTED, told=True),
        S.SUMMARY_SUBMITTED,
        FlowStep.WAIT,
    ),
    # the summary
    ("all accepted", Rows(lines=ACCEPTED, summary=L.OPEN), S.COUNTY_REVIEW, FlowStep.WAIT),
    ("the county refused", Rows(lines=ACCEPTED, summary=L.COUNTY_REFUSED), S.SETTLING, FlowStep.WAIT),
    ("the county passed", Rows(lines=ACCEPTED, summary=L.COUNTY_PASSED), S.COUNTY_PASSED, FlowStep.WAIT),
    (
        "an operator hands it in",
        Rows(lines=ACCEPTED, summary=L.COUNTY_PASSED, told=True),
        S.SUMMARY_SUBMITTED,
        FlowStep.SUBMIT_SUMMARY,
    ),
    (
        "the platform reviews",
        Rows(lines=ACCEPTED, summary=L.SUBMITTED, told=True),
        S.SUMMARY_SUBMITTED,
        FlowStep.WAIT,
    ),
    ("the platform refused", Rows(lines=ACCEPTED, summary=L.REJECTED, told=True), S.SETTLING, FlowStep.WAIT),
    ("the platform approved", Rows(lines=ACCEPTED, summary=L.APPROVED), S.SUMMARY_APPROVED, FlowStep.WAIT),
    (
        "确认发放",
        Rows(lines=ACCEPTED, summary=L.APPROVED, told=True),
        S.PAYING,
        FlowStep.CONFIRM_PAYMENT,
    ),
    ("confirmed", Rows(lines=ACCEPTED, summary=L.CONFIRMED, told=True), S.PAYING, FlowStep.WAIT),
    (
        "a rejected line opens the rounds again before the summary is passed",
        Rows(S.COUNTY_REVIEW, lines=REJECTED, summary=L.OPEN),
        S.SETTLING,
        FlowStep.WAIT,
    ),
    # the end
    (
        "the end is told, pages are missing",
        Rows(S.PAYING, ended=True, lines=ACCEPTED, summary=L.CONFIRMED, told=True),
        S.PAYING,
        FlowStep.WAIT,
    ),
    ("an end that comes early sends nothing more", Rows(ended=True, lines=READY), S.PAYING, FlowStep.WAIT),
    ("an end that comes early cancels nothing", Rows(ended=True), S.PAYING, FlowStep.WAIT),
    ("cancelling", Rows(S.CANCELLING, lines=READY), S.CANCELLING, FlowStep.WAIT),
    ("cancelling, and no line left", Rows(S.CANCELLING), S.CANCELLING, FlowStep.WAIT),
    ("cancelling, its end told", Rows(S.CANCELLING, ended=True, lines=ACCEPTED), S.CANCELLING, FlowStep.WAIT),
    (
        "ended, whatever the rows say besides",
        Rows(S.ENDED, ended=True, round=R.PREPARED, lines=READY, summary=L.APPROVED, told=True, orders=(K.MODIFIED,)),
        S.ENDED,
        FlowStep.END,
    ),
]


@pytest.mark.parametrize(("rows", "stage", "step"), [case[1:] for case in FLOW_CASES], ids=[c[0] for c in FLOW_CASES])
def test_a_flow_s_next_step(rows: Rows, stage: FlowStage, step: FlowStep) -> None:
    found = next_step(rows.flow, rows.dataset, rows.lines, rows.opened, rows.confirmed)
    assert (found.stage, found.step) == (stage, step)
    assert found.dataset == (SENT if step is FlowStep.HAND_OVER else None)
    carried_out = step in (FlowStep.WITHDRAW, FlowStep.SEND_ORDERED)
    assert (found.order is not None) == carried_out or step is FlowStep.CANCEL


def test_the_table_knows_every_stage_and_every_step() -> None:
    assert {case[2] for case in FLOW_CASES} == set(FlowStage)
    assert {case[3] for case in FLOW_CASES} == set(FlowStep)
    assert {rows.summary for _, rows, *_ in FLOW_CASES} >= set(SummaryStage) - {SummaryStage.CLOSED}
    of_no_flow_or_own_run = {OrderKind.NAME_CORRECTION, OrderKind.EVIDENCE}
    assert {kind for _, rows, *_ in FLOW_CASES for kind in rows.orders} == set(OrderKind) - of_no_flow_or_own_run


def test_orders_are_carried_out_one_by_one_the_oldest_first() -> None:
    rows = Rows(lines=REJECTED, orders=(OrderKind.CONFIRMED, OrderKind.MODIFIED))
    assert next_step(rows.flow, None, rows.lines, None, rows.confirmed).order == rows.confirmed[0]
    during = next_step(Rows(round=DatasetStage.UNDER_REVIEW).flow, rows.dataset, rows.lines, None, rows.confirmed)
    assert during.order == rows.confirmed[0]


def test_a_flow_without_lines_is_cancelled_without_an_order_and_a_cancellation_with_its_own() -> None:
    left, ordered = Rows(), Rows(orders=(OrderKind.CANCELLATION,))
    assert next_step(left.flow, None, left.lines, None, []).order is None
    assert next_step(ordered.flow, None, ordered.lines, None, ordered.confirmed).order == ordered.confirmed[0]


OVER = (SummaryStage.REJECTED, SummaryStage.COUNTY_REFUSED, SummaryStage.CLOSED)


@pytest.mark.parametrize("summary", [None, *SummaryStage])
def test_a_summary_is_opened_when_none_is_under_way(summary: SummaryStage | None) -> None:
    rows = Rows(lines=ACCEPTED, summary=summary)
    assert opens_summary(rows.flow, None, rows.lines, rows.opened) == (summary is None or summary in OVER)


@pytest.mark.parametrize(
    "rows",
    [
        Rows(lines=REJECTED),
        Rows(),
        Rows(lines=ACCEPTED, round=DatasetStage.UNDER_REVIEW),
        Rows(lines=ACCEPTED, started=False),
        Rows(FlowStage.CANCELLING, lines=ACCEPTED),
        Rows(FlowStage.ENDED, lines=ACCEPTED),
    ],
    ids=["a line is open", "no line is left", "a round", "not started", "cancelling", "ended"],
)
def test_no_summary_is_opened_too_early_or_too_late(rows: Rows) -> None:
    assert not opens_summary(rows.flow, rows.dataset, rows.lines, None)


def test_who_holds_the_county_is_said_while_the_flow_waits_for_it() -> None:
    flow = Rows(FlowStage.WAITING_COUNTY, started=False).flow
    flow.holder = "500002"
    assert {stage for stage in FlowStage if "500002" in sentence_of(flow, stage)} == {
        FlowStage.WAITING_COUNTY,
        FlowStage.STARTING,
    }


def request(stage: RequestStage, result: RequestResult | None = None) -> CardChange:
    return CardChange(
        request_no="500000-K2026-000001",
        province_code="500000",
        person_index="x",
        name_sealed="x",
        id_number_sealed="x",
        card_type="bank_card",
        bank_code="B1",
        account_sealed="x",
        account_index="x",
        authorised=True,
        channel="app",
        stage=stage,
        result=result,
    )


class County(NamedTuple):
    """One county's part."""

    stage: PartStage
    handed_over: bool = False
    attempt: int = 1


def parts(*counties: County) -> list[CardChangePart]:
    ended = (PartStage.APPLIED, PartStage.FAILED, PartStage.REFUSED, PartStage.WITHDRAWN)
    return [
        CardChangePart(
            request_id=1,
            part_no=f"500000-K2026-000001.{number}",
            county_code=f"50000{number}",
            stage=county.stage,
            attempt=county.attempt,
            submission_id="S1" if county.handed_over else None,
            ended_at=now() if county.stage in ended else None,
        )
        for number, county in enumerate(counties, 1)
    ]


IN_REVIEW, APPROVED = County(PartStage.IN_REVIEW), County(PartStage.APPROVED)
ON_ITS_WAY, TAKEN = County(PartStage.APPLYING), County(PartStage.APPLYING, handed_over=True)
APPLIED, FAILED = County(PartStage.APPLIED, handed_over=True), County(PartStage.FAILED, handed_over=True)
REFUSED, WITHDRAWN = County(PartStage.REFUSED), County(PartStage.WITHDRAWN)
# What is so, each county's part, what has to be done, for the which-th counties, and whether the platform is asked.
CARD_CASES: list[tuple[str, tuple[County, ...], CardStep, tuple[int, ...], bool]] = [
    ("nobody has decided", (IN_REVIEW, IN_REVIEW), CardStep.WAIT, (), False),
    ("one county approved", (APPROVED, IN_REVIEW), CardStep.HAND_OVER, (1,), False),
    ("both approved go side by side", (APPROVED, APPROVED), CardStep.HAND_OVER, (1, 2), False),
    ("on its way, and the platform never said it took it", (ON_ITS_WAY,), CardStep.HAND_OVER, (1,), True),
    ("the platform has it", (TAKEN,), CardStep.WAIT, (), True),
    ("one county is there, the other approved", (TAKEN, APPROVED), CardStep.HAND_OVER, (2,), True),
    ("one is there, the other undecided", (TAKEN, IN_REVIEW), CardStep.WAIT, (), True),
    ("one has its card, the other is undecided", (APPLIED, IN_REVIEW), CardStep.WAIT, (), False),
    ("one failed, the other is undecided", (FAILED, IN_REVIEW), CardStep.WAIT, (), False),
    ("one is refused, the other undecided", (REFUSED, IN_REVIEW), CardStep.WAIT, (), False),
    ("one is withdrawn, the other there", (WITHDRAWN, TAKEN), CardStep.WAIT, (), True),
    (
        "a failed one is tried again",
        (APPLIED, County(PartStage.APPROVED, attempt=2)),
        CardStep.HAND_OVER,
        (2,),
        False,
    ),
]


@pytest.mark.parametrize(
    ("counties", "step", "which", "asks"), [c[1:] for c in CARD_CASES], ids=[c[0] for c in CARD_CASES]
)
def test_a_card_change_s_next_step(
    counties: tuple[County, ...], step: CardStep, which: tuple[int, ...], asks: bool
) -> None:
    found = next_card_step(request(RequestStage.IN_PROGRESS), parts(*counties), unanswered=False)
    assert (found.step, found.asks) == (step, asks)
    assert found.to_apply == tuple(
        PartRef(
            part_no=f"500000-K2026-000001.{number}",
            county_code=f"50000{number}",
            attempt=counties[number - 1].attempt,
        )
        for number in which
    )


def test_a_request_waits_for_the_bank_first() -> None:
    found = next_card_step(request(RequestStage.VALIDATING), parts(County(PartStage.VALIDATING)), unanswered=False)
    assert found == (CardStep.VALIDATE, CARD_VALIDATING, False, ())


@pytest.mark.parametrize("result", list(RequestResult))
def test_an_ended_request_is_over_or_waits_for_what_the_platform_still_owes(result: RequestResult) -> None:
    ended = request(RequestStage.ENDED, result)
    assert next_card_step(ended, parts(APPLIED, FAILED), unanswered=False).step is CardStep.END
    owed = next_card_step(ended, parts(APPLIED, FAILED), unanswered=True)
    assert (owed.step, owed.waiting_for, owed.asks) == (CardStep.WAIT, CARD_UNANSWERED, True)


def test_what_a_request_waits_for_is_counted_per_county() -> None:
    rows = parts(IN_REVIEW, TAKEN, IN_REVIEW, REFUSED)
    found = next_card_step(request(RequestStage.IN_PROGRESS), rows, unanswered=False)
    assert found.waiting_for == "1 个区县等待平台上卡结果；2 个区县等待审核人审核"
    owed = next_card_step(request(RequestStage.IN_PROGRESS), parts(FAILED, IN_REVIEW), unanswered=True)
    assert owed.asks


def test_the_table_knows_every_stage_of_a_part() -> None:
    known = {county.stage for _, counties, *_ in CARD_CASES for county in counties}
    assert known == set(PartStage) - {PartStage.VALIDATING}

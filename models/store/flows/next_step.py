"""What a flow does next, decided from its rows alone: no database, no clock. Its table of cases: test_next_step.py."""

from collections.abc import Sequence
from typing import NamedTuple

from models.contracts import DatasetRef, FlowStep, NextOrder
from models.tables.batches import Dataset
from models.tables.flows import Flow, Summary
from models.words.counties import county_words
from models.words.stages import DatasetStage, FlowStage, OrderKind, SummaryStage
from models.words.waiting import FLOW

# Until the summary is handed in, a flow of which no line is left ends by itself.
CANCELLED_WHEN_EMPTY = (FlowStage.SETTLING, FlowStage.COUNTY_REVIEW, FlowStage.COUNTY_PASSED)
SUMMARY_OVER = (SummaryStage.REJECTED, SummaryStage.COUNTY_REFUSED, SummaryStage.CLOSED)
# While a round is under review only what takes lines out may go on.
DURING_ROUND = (OrderKind.WITHDRAWAL, OrderKind.CANCELLATION)
STAGE_OF_SUMMARY = {
    SummaryStage.OPEN: FlowStage.COUNTY_REVIEW,
    SummaryStage.COUNTY_PASSED: FlowStage.COUNTY_PASSED,
    SummaryStage.SUBMITTED: FlowStage.SUMMARY_SUBMITTED,
    SummaryStage.APPROVED: FlowStage.SUMMARY_APPROVED,
    SummaryStage.CONFIRMED: FlowStage.PAYING,
}
# How an order is carried out; every other kind sends the lines that it names.
CARRIED_OUT = {OrderKind.WITHDRAWAL: FlowStep.WITHDRAW, OrderKind.CANCELLATION: FlowStep.CANCEL}


class LineCounts(NamedTuple):
    """A flow's lines as they decide: what goes out by itself, what isn't settled yet (also that), what is accepted."""

    sendable: int = 0
    unsettled: int = 0
    accepted: int = 0


class NextStep(NamedTuple):
    """The stage that the rows have come to, what has to be done now, and with which round or order."""

    stage: FlowStage
    step: FlowStep
    dataset: DatasetRef | None = None
    order: NextOrder | None = None


def next_step(
    flow: Flow, dataset: Dataset | None, lines: LineCounts, summary: Summary | None, orders: Sequence[NextOrder]
) -> NextStep:
    """One step, the most urgent; `dataset` is the round on its way, `orders` the confirmed ones, oldest first.

    What is under way is finished first; then what a person ordered, before what goes by itself.
    """
    stage = stage_by_rows(flow, dataset, lines, summary)
    if stage is FlowStage.ENDED:
        return NextStep(stage, FlowStep.END)
    if flow.platform_id is None:
        return NextStep(stage, _before_start(stage, orders))
    if dataset is not None and dataset.stage is not DatasetStage.UNDER_REVIEW:
        return NextStep(stage, FlowStep.HAND_OVER, dataset=_ref(dataset))
    for order in orders:
        if dataset is None or order.kind in DURING_ROUND:
            return NextStep(stage, CARRIED_OUT.get(order.kind, FlowStep.SEND_ORDERED), order=order)
    return NextStep(stage, _by_itself(stage, lines, summary))


def stage_by_rows(flow: Flow, dataset: Dataset | None, lines: LineCounts, summary: Summary | None) -> FlowStage:
    if flow.stage in (FlowStage.ENDED, FlowStage.CANCELLING):
        return flow.stage
    if flow.end_claim is not None:
        return FlowStage.PAYING
    if flow.platform_id is None:
        return flow.stage
    if dataset is not None:
        return FlowStage.UNDER_REVIEW
    if lines.unsettled or summary is None:
        return FlowStage.SETTLING
    if summary.stage is SummaryStage.COUNTY_PASSED and summary.submitted_at is not None:
        return FlowStage.SUMMARY_SUBMITTED
    if summary.stage is SummaryStage.APPROVED and summary.confirmed_at is not None:
        return FlowStage.PAYING
    return STAGE_OF_SUMMARY.get(summary.stage, FlowStage.SETTLING)


def opens_summary(flow: Flow, dataset: Dataset | None, lines: LineCounts, summary: Summary | None) -> bool:
    """Every line is settled, some are accepted, and no summary of them is under way."""
    if flow.stage in (FlowStage.ENDED, FlowStage.CANCELLING) or flow.platform_id is None or dataset is not None:
        return False
    return not lines.unsettled and lines.accepted > 0 and (summary is None or summary.stage in SUMMARY_OVER)


def sentence_of(flow: Flow, stage: FlowStage) -> str:
    """What the flow waits for, with the county that holds the place where there is one."""
    if flow.holder and stage in (FlowStage.WAITING_COUNTY, FlowStage.STARTING):
        # trying once more is part of waiting
        return f"{FLOW[FlowStage.WAITING_COUNTY]}（占用：{county_words(flow.holder)}）"
    return FLOW[stage]


def _before_start(stage: FlowStage, orders: Sequence[NextOrder]) -> FlowStep:
    """While a start is on its way its outcome is unknown: only after a no may the flow be called off."""
    ordered = any(order.kind is OrderKind.CANCELLATION for order in orders)
    return FlowStep.CALL_OFF if ordered and stage is FlowStage.WAITING_COUNTY else FlowStep.START


def _by_itself(stage: FlowStage, lines: LineCounts, summary: Summary | None) -> FlowStep:
    if stage is FlowStage.SETTLING and lines.sendable:
        return FlowStep.SEND_ROUND
    if stage in CANCELLED_WHEN_EMPTY and not (lines.unsettled or lines.accepted):
        return FlowStep.CANCEL
    if summary is not None and summary.stage is SummaryStage.COUNTY_PASSED and summary.submitted_at is not None:
        return FlowStep.SUBMIT_SUMMARY
    if summary is not None and summary.stage is SummaryStage.APPROVED and summary.confirmed_at is not None:
        return FlowStep.CONFIRM_PAYMENT
    return FlowStep.WAIT


def _ref(dataset: Dataset) -> DatasetRef:
    return DatasetRef(dataset_id=int(dataset.id or 0), reference=dataset.reference, county_code=dataset.county_code)

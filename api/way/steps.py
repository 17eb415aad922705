"""How long each step of a flow took, from its rows alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from api.flows.flow_parts import FlowRound
from api.way.history_views import LaterStage, StepTaken
from models.store.flows.summaries import SummaryRow
from models.tables.flows import Flow
from models.words.stages import FlowStage

_DAY_SECONDS = 86_400
# The way of a flow that meets with no objection.
_WAY = (
    FlowStage.STARTING,
    FlowStage.SETTLING,
    FlowStage.UNDER_REVIEW,
    FlowStage.COUNTY_REVIEW,
    FlowStage.COUNTY_PASSED,
    FlowStage.SUMMARY_SUBMITTED,
    FlowStage.SUMMARY_APPROVED,
    FlowStage.PAYING,
    FlowStage.ENDED,
)
_BEFORE = {FlowStage.WAITING_COUNTY: FlowStage.STARTING, FlowStage.CANCELLING: FlowStage.PAYING}


def later_stages(flow: Flow) -> list[LaterStage]:
    place = _WAY.index(_BEFORE.get(flow.stage, flow.stage))
    return [{"stage": stage, "label": stage.label} for stage in _WAY[place + 1 :]]


def steps_of(
    flow: Flow, rounds: Sequence[FlowRound], summaries: Sequence[SummaryRow], now: datetime
) -> list[StepTaken]:
    """One after the other from the start; the last one is still under way unless the flow has ended."""
    steps: list[StepTaken] = []
    since = flow.created_at
    for stage, until, label, number in _reached(flow, rounds, summaries):
        ended = until or flow.ended_at
        if ended is None or ended > since:
            days = ((ended or now) - since).total_seconds() / _DAY_SECONDS
            told = label or stage.label
            steps.append(
                {"stage": stage, "label": told, "number": number, "since": since, "until": ended, "days": days}
            )
        if until is None:
            break
        since = max(since, until)
    return steps


_Reached = tuple[FlowStage, datetime | None, str | None, int | None]


def _reached(flow: Flow, rounds: Sequence[FlowRound], summaries: Sequence[SummaryRow]) -> Iterator[_Reached]:
    """Each step and until when it lasted; None: it has not come to its end."""
    waits = FlowStage.STARTING if flow.stage is not FlowStage.WAITING_COUNTY else FlowStage.WAITING_COUNTY
    yield waits, flow.started_at, None, None
    for number, each in enumerate(rounds, 1):
        yield FlowStage.SETTLING, each["created_at"], None, None
        yield FlowStage.UNDER_REVIEW, each["reviewed_at"], each["mode_label"], number
    if not summaries:
        yield FlowStage.SETTLING, None, None, None
    for row in sorted(summaries, key=lambda row: row.number or 0):
        yield FlowStage.COUNTY_REVIEW, row.reviewed_at, None, row.number
        if row.review == "refused":
            continue
        yield FlowStage.COUNTY_PASSED, row.submitted_at, None, row.number
        yield FlowStage.SUMMARY_SUBMITTED, row.platform_reviewed_at, None, row.number
        if row.platform_review == "rejected":
            continue
        yield FlowStage.SUMMARY_APPROVED, row.confirmed_at, None, row.number
        yield FlowStage.PAYING, flow.ended_at, None, None

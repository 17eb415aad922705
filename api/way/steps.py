"""How long each step of a flow took, from its rows alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from api.flows.flow_parts import FlowRound
from api.way.history_views import LaterStage, StepTaken
from models.settings import Settings
from models.store.flows.summaries import SummaryRow
from models.store.runs.next_wait import FLOW_WAITS
from models.tables.flows import Flow
from models.words.calendar import china_date
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
    """Of a flow whose stage only a newer version knows nobody can say what comes."""
    stage = _BEFORE.get(flow.stage, flow.stage)
    to_come = _WAY[_WAY.index(stage) + 1 :] if stage in _WAY else ()
    return [{"stage": later, "label": later.label} for later in to_come]


def steps_of(
    settings: Settings, flow: Flow, rounds: Sequence[FlowRound], summaries: Sequence[SummaryRow], now: datetime
) -> list[StepTaken]:
    """One after the other from the start; the last one is still under way unless the flow has ended."""
    steps: list[StepTaken] = []
    since = flow.created_at
    for reached in _reached(flow, rounds, summaries):
        ended = reached.until or flow.ended_at
        if ended is None or ended > since:
            steps.append(_step(settings, reached, since, ended, now))
        if reached.until is None:
            break
        since = max(since, reached.until)
    return steps


class _Reached(NamedTuple):
    stage: FlowStage
    until: datetime | None
    label: str | None = None
    number: int | None = None


def _step(settings: Settings, reached: _Reached, since: datetime, until: datetime | None, now: datetime) -> StepTaken:
    calendar, began, over = settings.calendar, china_date(since), china_date(until or now)
    due = calendar.after(began, settings.days_for(FLOW_WAITS[reached.stage].wait))
    return {
        "stage": reached.stage,
        "label": reached.label or reached.stage.label,
        "number": reached.number,
        "since": since,
        "until": until,
        "days": ((until or now) - since).total_seconds() / _DAY_SECONDS,
        "working_days": calendar.between(began, over),
        "due": due,
        "overdue": over > due,
    }


def _reached(flow: Flow, rounds: Sequence[FlowRound], summaries: Sequence[SummaryRow]) -> Iterator[_Reached]:
    """Each step and until when it lasted; None: it has not come to its end."""
    waits = FlowStage.STARTING if flow.stage is not FlowStage.WAITING_COUNTY else FlowStage.WAITING_COUNTY
    yield _Reached(waits, flow.started_at)
    for number, each in enumerate(rounds, 1):
        yield _Reached(FlowStage.SETTLING, each["created_at"])
        yield _Reached(FlowStage.UNDER_REVIEW, each["reviewed_at"], each["mode_label"], number)
    if not summaries:
        yield _Reached(FlowStage.SETTLING, None)
    for row in sorted(summaries, key=lambda row: row.number or 0):
        yield _Reached(FlowStage.COUNTY_REVIEW, row.reviewed_at, None, row.number)
        if row.review == "refused":
            continue
        yield _Reached(FlowStage.COUNTY_PASSED, row.submitted_at, None, row.number)
        yield _Reached(FlowStage.SUMMARY_SUBMITTED, row.platform_reviewed_at, None, row.number)
        if row.platform_review == "rejected":
            continue
        yield _Reached(FlowStage.SUMMARY_APPROVED, row.confirmed_at, None, row.number)
        yield _Reached(FlowStage.PAYING, flow.ended_at)

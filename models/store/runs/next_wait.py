"""What an open run waits for next, told by its kind and stage: who has the turn, and which act of theirs it is."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from models.contracts import RunKind
from models.settings import Settings
from models.words.calendar import CHINA, china_today
from models.words.card_stages import EntryStage, LoadStage, LoginStage, PartStage, RequestStage, RoundStage
from models.words.makers import Act
from models.words.stages import DatasetStage, FlowStage, ImportStage, ReviewStage
from models.words.waiting import CARD_UNANSWERED, SUMMARY_REFUSED, Wait


class NextWait(NamedTuple):
    """`act` where maker and checker close it to some."""

    wait: Wait
    act: Act | None = None


_REVIEW: Mapping[str, NextWait] = {ReviewStage.IN_REVIEW: NextWait(Wait.PLATFORM_REVIEW)}
_LIST: Mapping[str, NextWait] = {
    DatasetStage.PREPARED: NextWait(Wait.PLATFORM_ANSWER),
    DatasetStage.WAITING_SLOT: NextWait(Wait.PLATFORM_TURN),
    DatasetStage.UNDER_REVIEW: NextWait(Wait.PLATFORM_REVIEW),
}
FLOW_WAITS: Mapping[str, NextWait] = {
    FlowStage.STARTING: NextWait(Wait.PLATFORM_ANSWER),
    FlowStage.WAITING_COUNTY: NextWait(Wait.PLATFORM_TURN),
    FlowStage.SETTLING: NextWait(Wait.OPERATOR),
    FlowStage.UNDER_REVIEW: NextWait(Wait.PLATFORM_REVIEW),
    FlowStage.COUNTY_REVIEW: NextWait(Wait.REVIEWER, Act.SUMMARY_REVIEWED),
    FlowStage.COUNTY_PASSED: NextWait(Wait.OPERATOR, Act.SUMMARY_SUBMITTED),
    FlowStage.SUMMARY_SUBMITTED: NextWait(Wait.PLATFORM_REVIEW),
    FlowStage.SUMMARY_APPROVED: NextWait(Wait.REVIEWER, Act.PAYMENT_CONFIRMED),
    FlowStage.PAYING: NextWait(Wait.PLATFORM_PAYMENT),
    FlowStage.CANCELLING: NextWait(Wait.PLATFORM_REVIEW),
}
PART_WAITS: Mapping[str, NextWait] = {
    PartStage.VALIDATING: NextWait(Wait.BANK),
    PartStage.IN_REVIEW: NextWait(Wait.REVIEWER),
    PartStage.APPROVED: NextWait(Wait.PLATFORM_ANSWER),
    PartStage.APPLYING: NextWait(Wait.PLATFORM_ANSWER),
}
WAITS: Mapping[RunKind, Mapping[str, NextWait]] = {
    RunKind.POLICY_REVIEW: _REVIEW,
    RunKind.INDICATOR_REVIEW: _REVIEW,
    RunKind.BENEFICIARY_INIT: _LIST,
    RunKind.VERIFICATION: _LIST,
    RunKind.SUBSIDY_FLOW: FLOW_WAITS,
    RunKind.APPLICATION_IMPORT: {
        ImportStage.CHECKING: NextWait(Wait.SYSTEM),
        ImportStage.TO_CONFIRM: NextWait(Wait.OPERATOR),
    },
    RunKind.FACE_LOGIN: {
        LoginStage.OPENING: NextWait(Wait.PLATFORM_ANSWER),
        LoginStage.WAITING: NextWait(Wait.CITIZEN),
        LoginStage.SCANNED: NextWait(Wait.CITIZEN),
    },
    # of a request its parts say more, each for its own county; ended, what the platform owes of it
    RunKind.CARD_CHANGE: {
        RequestStage.VALIDATING: NextWait(Wait.BANK),
        RequestStage.IN_PROGRESS: NextWait(Wait.PLATFORM_ANSWER),
        RequestStage.ENDED: NextWait(Wait.PLATFORM_ANSWER),
    },
    RunKind.VILLAGE_ENTRY: {
        EntryStage.VALIDATING: NextWait(Wait.BANK),
        EntryStage.ENTERED: NextWait(Wait.REVIEWER, Act.ENTRY_DECIDED),
        EntryStage.APPLYING: NextWait(Wait.PLATFORM_ANSWER),
    },
    RunKind.ACCOUNT_CHECK: {RoundStage.CHECKING: NextWait(Wait.BANK)},
    RunKind.REGISTER_LOAD: {
        LoadStage.CHECKING: NextWait(Wait.SYSTEM),
        LoadStage.TO_CONFIRM: NextWait(Wait.OPERATOR),
        LoadStage.ASKING: NextWait(Wait.BANK),
        LoadStage.ENTERED: NextWait(Wait.REVIEWER, Act.LOAD_DECIDED),
        LoadStage.TAKING: NextWait(Wait.SYSTEM),
    },
}
# What a run says at whatever stage.
BY_WORDS: Mapping[str, NextWait] = {
    SUMMARY_REFUSED: NextWait(Wait.SYSTEM),
    CARD_UNANSWERED: NextWait(Wait.PLATFORM_ANSWER),
}
_OTHERWISE = NextWait(Wait.PLATFORM_ANSWER)


def next_wait(kind: RunKind, stage: str) -> NextWait | None:
    """Of an open run; what has no stages of its own is fetched from the platform, or begins in a moment.

    None at an end stage: an act has ended the thing, and its run has only to close.
    """
    stages = WAITS.get(kind)
    return _OTHERWISE if stages is None else stages.get(stage)


_NEVER = "CAST('-infinity' AS timestamptz)"


def overdue(settings: Settings) -> tuple[str, dict[str, datetime]]:
    """Whether a row of `run` is waited for longer than its days, as a condition and the instants that it binds."""
    told = {f"{kind.value}/{stage}": each.wait for kind, stages in WAITS.items() for stage, each in stages.items()}
    whens = " ".join(f"WHEN '{which}' THEN {_end(wait)}" for which, wait in told.items())
    today = china_today()
    ends = {
        f"overdue_{wait}": _latest(settings.calendar.overdue_since(today, settings.days_for(wait)))
        for wait in {*told.values(), _OTHERWISE.wait}
    }
    with_stages = ", ".join(f"'{kind.value}'" for kind in WAITS)
    otherwise = f"CASE WHEN run.kind IN ({with_stages}) THEN {_NEVER} ELSE {_end(_OTHERWISE.wait)} END"
    since = f"CASE run.kind || '/' || run.stage {whens} ELSE {otherwise} END"
    return f"run.closed_at IS NULL AND run.since < {since}", ends


def _end(wait: Wait) -> str:
    return f"CAST(:overdue_{wait} AS timestamptz)"


def _latest(day: date) -> datetime:
    """The end of a day in China."""
    return datetime.combine(day + timedelta(days=1), time(), CHINA)

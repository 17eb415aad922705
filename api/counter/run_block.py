"""How a run is shown beside the thing it is about: what it waits for, who has the next turn, and until when.

The link into Temporal UI is for ops alone: it has no wall between counties.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, NamedTuple, NotRequired
from urllib.parse import quote

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from models.contracts import RunKind, workflow_id
from models.settings import Settings
from models.store.applications.makers import excepted
from models.store.runs.next_wait import BY_WORDS, PART_WAITS, NextWait, next_wait
from models.store.sql import fetch
from models.tables.records import Run
from models.words.calendar import china_date, china_today
from models.words.card_stages import EntryStage, LoadStage, LoginStage, PartStage, RequestStage, RoundStage
from models.words.labelled import Labelled
from models.words.staff import Role
from models.words.stages import DatasetStage, FlowStage, ImportStage, OrderState, ReviewStage
from models.words.waiting import CARD_PARTS, CARD_UNANSWERED, PARTIES, Party

_STAGES: Mapping[RunKind, type[Labelled]] = {
    RunKind.POLICY_REVIEW: ReviewStage,
    RunKind.INDICATOR_REVIEW: ReviewStage,
    RunKind.BENEFICIARY_INIT: DatasetStage,
    RunKind.VERIFICATION: DatasetStage,
    RunKind.SUBSIDY_FLOW: FlowStage,
    RunKind.EVIDENCE: OrderState,
    RunKind.APPLICATION_IMPORT: ImportStage,
    RunKind.FACE_LOGIN: LoginStage,
    RunKind.CARD_CHANGE: RequestStage,
    RunKind.VILLAGE_ENTRY: EntryStage,
    RunKind.ACCOUNT_CHECK: RoundStage,
    RunKind.REGISTER_LOAD: LoadStage,
}

_WITHOUT_STAGES: Mapping[str, str] = {"": "进行中", "late": "结束后来件", "done": "已完成", "ended": "流程已结束"}


class NextTurn(TypedDict):
    """下一步由谁办理，最迟到哪一天。"""

    by: Party
    by_label: Annotated[str, Field(description="由哪种身份的人办理，或者等平台、等银行")]
    excepted: Annotated[list[str], Field(description="不能由他们办理的人：其中的事是他们做的")]
    working_days: Annotated[int, Field(description="已经等了几个工作日")]
    due: Annotated[date, Field(description="最迟哪一天")]
    overdue: Annotated[bool, Field(description="已过最迟的日子")]
    holidays_known: Annotated[bool, Field(description="最迟那天所在年份的放假安排已登记；否则按周一至周五推算")]


class RunBlock(TypedDict):
    workflow_id: str
    stage: str
    stage_label: str
    waiting_for: Annotated[str, Field(description="正在等待什么")]
    since: Annotated[datetime, Field(description="从何时开始等待")]
    next: Annotated[NextTurn | None, Field(description="下一步；没有下一步的（已办结，或本县已办结）为空")]
    url: NotRequired[Annotated[str, Field(description="Temporal UI 中的地址，只给运维")]]


class _OwnPart(NamedTuple):
    """Of a card change, the caller's county's: at which stage, and since when."""

    request_no: str
    stage: str
    since: datetime


def next_turn(settings: Settings, waits: NextWait, since: datetime, closed_to: Sequence[str] = ()) -> NextTurn:
    """Days are counted from the day after `since`."""
    calendar, days = settings.calendar, settings.days_for(waits.wait)
    began, party, today = china_date(since), PARTIES[waits.wait], china_today()
    due = calendar.after(began, days)
    return {
        "by": party,
        "by_label": party.label,
        "excepted": list(closed_to),
        "working_days": calendar.between(began, today),
        "due": due,
        "overdue": today > due,
        "holidays_known": calendar.knows(due),
    }


async def run_blocks(desk: Desk, session: AsyncSession, runs: Sequence[Run]) -> list[RunBlock]:
    """The blocks of runs that have been read, in their order."""
    parts = await _own_parts(desk, session, runs)
    return [await _run_block(desk, session, run, parts) for run in runs]


async def _run_block(desk: Desk, session: AsyncSession, run: Run, parts: Mapping[str, _OwnPart]) -> RunBlock:
    part = parts.get(run.number)
    own, since = (part.stage, part.since) if part else ("", run.since)
    block: RunBlock = {
        "workflow_id": run.workflow_id,
        "stage": run.stage,
        "stage_label": stage_label(run.kind, run.stage),
        "waiting_for": _own_words(run, own),
        "since": since,
        "next": None,
    }
    if run.closed_at is None:
        waits = BY_WORDS.get(run.waiting_for) or (PART_WAITS.get(own) if own else next_wait(run.kind, run.stage))
        block["next"] = await _next_turn(desk, session, run, waits, since) if waits else None
    if desk.role is Role.OPS:
        block["url"] = run_url(desk.settings, run.workflow_id)
    return block


async def _next_turn(desk: Desk, session: AsyncSession, run: Run, waits: NextWait, since: datetime) -> NextTurn:
    # a county has one flow open, and few entries
    closed_to = await excepted(session, waits.act, run.number) if waits.act else []
    return next_turn(desk.settings, waits, since, closed_to)


def _own_words(run: Run, own: str) -> str:
    """Of a card change what the caller's county waits for, by its own part: how others stand is for nobody there."""
    if not own or run.waiting_for == CARD_UNANSWERED:
        return run.waiting_for
    return CARD_PARTS[PartStage(own)] if own in CARD_PARTS else ""


async def _own_parts(desk: Desk, session: AsyncSession, runs: Sequence[Run]) -> dict[str, _OwnPart]:
    """The caller's county's parts of open card changes, since their newest step: the run's row moves with every
    county's.
    """
    numbers = [run.number for run in runs if run.kind is RunKind.CARD_CHANGE and run.closed_at is None]
    if not numbers:
        return {}
    parts = await fetch(
        session,
        _OwnPart,
        "SELECT c.request_no, p.stage, coalesce((SELECT max(m.at) FROM matter_step m WHERE m.request_id = c.id"
        " AND coalesce(m.county_code, p.county_code) = p.county_code), p.created_at) AS since"
        " FROM card_change_part p JOIN card_change c ON c.id = p.request_id"
        " WHERE c.request_no = ANY(:numbers) AND p.county_code = :county",
        numbers=numbers,
        county=desk.county,
    )
    return {part.request_no: part for part in parts}


def run_url(settings: Settings, run_id: str) -> str:
    base = settings.temporal_ui_url.rstrip("/")
    return f"{base}/namespaces/{quote(settings.temporal_namespace, safe='')}/workflows/{quote(run_id, safe='')}"


def stage_label(kind: RunKind, stage: str) -> str:
    words = _STAGES.get(kind)
    if words is not None and stage in set(words):
        return words(stage).label
    # a run that has no stages of its own, or one that the platform has refused
    return _WITHOUT_STAGES.get(stage) or f"未办成（{stage}）"


async def run_of(desk: Desk, session: AsyncSession, kind: RunKind, number: str) -> RunBlock | None:
    return (await runs_of(desk, session, kind, [number])).get(number)


async def runs_of(desk: Desk, session: AsyncSession, kind: RunKind, numbers: Sequence[str]) -> dict[str, RunBlock]:
    """The run blocks of many things of one kind by their numbers."""
    wanted = [workflow_id(kind, number) for number in numbers]
    runs = (await session.exec(select(Run).where(col(Run.workflow_id).in_(wanted)))).all()
    blocks = await run_blocks(desk, session, runs)
    return {run.number: block for run, block in zip(runs, blocks, strict=True)}

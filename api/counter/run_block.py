"""How a run is shown beside the thing it is about, with its link into Temporal UI."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.contracts import RunKind, workflow_id
from models.settings import Settings
from models.tables.records import Run
from models.words.card_stages import EntryStage, LoginStage, RequestStage, RoundStage
from models.words.labelled import Labelled
from models.words.stages import DatasetStage, FlowStage, ImportStage, OrderState, ReviewStage

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
}

_WITHOUT_STAGES: Mapping[str, str] = {"": "进行中", "late": "结束后来件", "done": "已完成", "ended": "流程已结束"}


class RunBlock(TypedDict):
    workflow_id: str
    stage: str
    stage_label: str
    waiting_for: Annotated[str, Field(description="正在等待什么")]
    since: Annotated[datetime, Field(description="从何时开始等待")]
    url: Annotated[str, Field(description="Temporal UI 中的地址")]


def run_block(settings: Settings, run: Run) -> RunBlock:
    return {
        "workflow_id": run.workflow_id,
        "stage": run.stage,
        "stage_label": stage_label(run.kind, run.stage),
        "waiting_for": run.waiting_for,
        "since": run.since,
        "url": run_url(settings, run.workflow_id),
    }


def run_url(settings: Settings, run_id: str) -> str:
    base = settings.temporal_ui_url.rstrip("/")
    return f"{base}/namespaces/{quote(settings.temporal_namespace, safe='')}/workflows/{quote(run_id, safe='')}"


def stage_label(kind: RunKind, stage: str) -> str:
    words = _STAGES.get(kind)
    if words is not None and stage in set(words):
        return words(stage).label
    # a run that has no stages of its own, or one that the platform has refused
    return _WITHOUT_STAGES.get(stage) or f"未办成（{stage}）"


async def run_of(session: AsyncSession, settings: Settings, kind: RunKind, number: str) -> RunBlock | None:
    return (await runs_of(session, settings, kind, [number])).get(number)


async def runs_of(
    session: AsyncSession, settings: Settings, kind: RunKind, numbers: Sequence[str]
) -> dict[str, RunBlock]:
    """The run blocks of many things of one kind by their numbers."""
    wanted = [workflow_id(kind, number) for number in numbers]
    runs = await session.exec(select(Run).where(col(Run.workflow_id).in_(wanted)))
    return {run.number: run_block(settings, run) for run in runs}

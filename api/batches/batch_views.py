"""How a batch is shown: its figures per stage and per verification, by SQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.application_rows import ApplicationRow
from api.applications.views import ApplicationViews
from api.counter.desk import Desk
from api.counter.run_block import RunBlock, run_of
from api.server.problems import not_found
from models.contracts import RunKind
from models.store.locking import lock_batch
from models.store.register.account_locks import account_locked_sql
from models.store.sql import fetch, fetch_int
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.batches import Batch
from models.words.calendar import china_today
from models.words.stages import ApplicationStage, BatchStage, Verification

BATCH_HEADERS: Mapping[str, str] = {
    "batch_no": "结算批次",
    "title": "名称",
    "fund_year": "资金年度",
    "stage_label": "状态",
    "line_count": "申请份数",
    "total_fen": "金额（元）",
    "publicity_start": "公示开始日期",
    "publicity_address": "公示地址",
    "created_by": "建立人",
    "created_at": "建立时间",
}


class StageFigures(TypedDict):
    stage: ApplicationStage
    label: str
    count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class VerificationFigures(TypedDict):
    verification: Verification
    label: str
    count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class BatchView(TypedDict):
    batch_no: Annotated[str, Field(description="结算批次")]
    title: Annotated[str, Field(description="名称")]
    fund_year: Annotated[int, Field(description="资金年度")]
    stage: BatchStage
    stage_label: str
    line_count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    stages: Annotated[list[StageFigures], Field(description="按申请状态的份数和金额")]
    publicity_start: Annotated[date | None, Field(description="公示开始日期")]
    publicity_address: Annotated[str | None, Field(description="公示地址")]
    created_by: Annotated[str, Field(description="建立人")]
    created_at: datetime


class PublicityView(TypedDict):
    start_date: Annotated[date | None, Field(description="公示开始日期")]
    address: Annotated[str | None, Field(description="公示地址")]
    image_file_ids: Annotated[list[int], Field(description="公示图片的文件编号")]
    set_by: Annotated[str | None, Field(description="设置人")]
    days: Annotated[int, Field(description="启动前须公示满的天数")]
    startable_on: Annotated[date | None, Field(description="公示满规定天数、可以启动补贴流程的日期")]
    startable: Annotated[bool, Field(description="今天是否已公示满")]


class WholeBatch(BatchView):
    verification: Annotated[list[VerificationFigures], Field(description="按校验结果的份数和金额，不含已撤回的")]
    verification_round: Annotated[int, Field(description="提交校验的次数")]
    verify_again: Annotated[int, Field(description="校验时暂缓、现在可以补校验的份数")]
    publicity: PublicityView
    flow_nos: Annotated[list[str], Field(description="支付本批次的补贴流程")]
    run: RunBlock | None


class VerificationResult(TypedDict):
    application_no: Annotated[str, Field(description="申请编号")]
    kind_label: Annotated[str, Field(description="申请类型")]
    name: Annotated[str, Field(description="姓名/组织名称，遮盖")]
    id_number: Annotated[str, Field(description="身份证号/统一社会信用代码，遮盖")]
    town: Annotated[str, Field(description="乡镇")]
    village: Annotated[str, Field(description="村")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    stage_label: str
    verification_label: str
    verification_reason: Annotated[str | None, Field(description="校验结果说明")]
    stage: Annotated[ApplicationStage, Field(description="申请的状态")]
    verification: Annotated[Verification, Field(description="校验结果")]
    held: Annotated[bool, Field(description="账号变更中")]


def verification_result(views: ApplicationViews, row: ApplicationRow) -> VerificationResult:
    whole = views.view(row)
    return {
        "application_no": whole["application_no"],
        "kind_label": whole["kind_label"],
        "name": whole["name"],
        "id_number": whole["id_number"],
        "town": whole["town"],
        "village": whole["village"],
        "item": whole["item"],
        "amount_fen": whole["amount_fen"],
        "stage_label": whole["stage_label"],
        "verification_label": whole["verification_label"],
        "verification_reason": whole["verification_reason"],
        "stage": whole["stage"],
        "verification": whole["verification"],
        "held": whole["held"],
    }


async def find_batch(desk: Desk, session: AsyncSession, batch_no: str, *, changing: bool = False) -> Batch:
    """The county's batch, locked when it is to be changed."""
    which = (Batch.batch_no == batch_no, Batch.county_code == desk.county)
    if changing:
        batch = await lock_batch(session, *which)
    else:
        batch = (await session.exec(select(Batch).where(*which))).first()
    if batch is None:
        raise not_found("批次")
    return batch


async def batch_views(session: AsyncSession, vault: Vault, batches: Sequence[Batch]) -> list[tuple[int, BatchView]]:
    """Batches with their figures per stage, read in one statement."""
    figures = await _stage_figures(session, [_id(batch) for batch in batches])
    return [(_id(batch), _view(vault, batch, figures[_id(batch)])) for batch in batches]


async def whole_batch(desk: Desk, session: AsyncSession, batch: Batch) -> WholeBatch:
    (_, view), *_ = await batch_views(session, desk.shown, [batch])
    number = f"{batch.batch_no}-V{batch.verification_round}"
    images = await fetch(
        session, int, "SELECT file_id FROM batch_image WHERE batch_id = :batch ORDER BY position", batch=batch.id
    )
    flows = await fetch(session, str, "SELECT flow_no FROM flow WHERE batch_id = :batch ORDER BY id", batch=batch.id)
    return {
        **view,
        "verification": await _verification_figures(session, _id(batch)),
        "verification_round": batch.verification_round,
        "verify_again": await _free_again(session, batch),
        "publicity": _publicity(batch, images, desk.settings.publicity_days),
        "flow_nos": flows,
        "run": await run_of(desk, session, RunKind.VERIFICATION, number),
    }


def _publicity(batch: Batch, images: list[int], days: int) -> PublicityView:
    start = batch.publicity_start
    ripe = start + timedelta(days=days) if start else None
    return {
        "start_date": start,
        "address": batch.publicity_address,
        "image_file_ids": images,
        "set_by": batch.publicity_by,
        "days": days,
        "startable_on": ripe,
        "startable": ripe is not None and ripe <= china_today(),
    }


def _view(vault: Vault, batch: Batch, stages: list[StageFigures]) -> BatchView:
    return {
        "batch_no": batch.batch_no,
        "title": open_text(vault, batch.county_code, batch.title_sealed),
        "fund_year": batch.fund_year,
        "stage": batch.stage,
        "stage_label": BatchStage(batch.stage).label,
        "line_count": sum(row["count"] for row in stages),
        "total_fen": sum(row["total_fen"] for row in stages),
        "stages": stages,
        "publicity_start": batch.publicity_start,
        "publicity_address": batch.publicity_address,
        "created_by": batch.created_by,
        "created_at": batch.created_at,
    }


class _CountedStage(NamedTuple):
    batch_id: int
    stage: str
    lines: int
    total_fen: int


async def _stage_figures(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, list[StageFigures]]:
    rows = await fetch(
        session,
        _CountedStage,
        "SELECT batch_id, stage, sum(lines)::bigint AS lines, sum(fen)::bigint AS total_fen FROM batch_tally"
        " WHERE batch_id = ANY(:ids) GROUP BY 1, 2 HAVING sum(lines) > 0 ORDER BY 1, 2",
        ids=list(ids),
    )
    figures: defaultdict[int, list[StageFigures]] = defaultdict(list)
    for row in rows:
        stage = ApplicationStage(row.stage)
        figures[row.batch_id].append(
            {"stage": stage, "label": stage.label, "count": row.lines, "total_fen": row.total_fen}
        )
    return figures


class _CountedVerification(NamedTuple):
    verification: str
    lines: int
    total_fen: int


async def _verification_figures(session: AsyncSession, batch_id: int) -> list[VerificationFigures]:
    rows = await fetch(
        session,
        _CountedVerification,
        "SELECT verification, sum(lines)::bigint AS lines, sum(fen)::bigint AS total_fen FROM batch_tally"
        " WHERE batch_id = :batch AND stage <> 'withdrawn' GROUP BY 1 HAVING sum(lines) > 0 ORDER BY 1",
        batch=batch_id,
    )
    return [_verification(row) for row in rows]


def _verification(row: _CountedVerification) -> VerificationFigures:
    word = Verification(row.verification)
    return {"verification": word, "label": word.label, "count": row.lines, "total_fen": row.total_fen}


async def _free_again(session: AsyncSession, batch: Batch) -> int:
    """Lines that were held at the verification and whose account is settled since: one more verification takes them."""
    if batch.stage is not BatchStage.VERIFIED:
        return 0
    return await fetch_int(
        session,
        "SELECT count(*) FROM application a WHERE a.batch_id = :batch AND a.stage = 'in_batch'"
        f" AND a.verification_held AND NOT {account_locked_sql('a')}",
        batch=batch.id,
    )


def _id(batch: Batch) -> int:
    assert batch.id is not None
    return batch.id

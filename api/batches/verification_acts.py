"""提交大数据校验: the whole of a batch goes to the platform, frozen; or what was held when it went (S1 2.5)."""

from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import ActOnMany, judged
from api.applications.chosen_lines import (
    act_answer,
    hold_county,
)
from api.batches.batch_views import find_batch
from api.counter.desk import Desk, Reply
from api.counter.run_block import RunBlock, run_of
from api.server.problems import conflict
from models.contracts import RunKind, Subject
from models.store.applications.acts import LeftOut
from models.store.applications.rules import LOCKED_PERSON, to_verify
from models.store.locking import lock_applications
from models.store.runs.runs import open_run
from models.store.selection import MOST_NUMBERS
from models.store.sql import execute, fetch, fetch_int, fetch_one
from models.tables.base import now
from models.tables.batches import Batch
from models.words.faults import FaultCode
from models.words.refusals import Refusal
from models.words.stages import ApplicationStage, BatchStage, Verification


class _Figures(TypedDict):
    """Of a batch that is sent to verification."""

    round: Annotated[int, Field(description="第几次提交校验")]
    lines: Annotated[int, Field(description="申请份数")]
    pending: Annotated[int, Field(description="待平台校验的份数")]
    not_required: Annotated[int, Field(description="无须校验的份数（组织）")]
    held: Annotated[int, Field(description="账号变更中、暂缓的份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class VerificationAsked(_Figures):
    batch_no: str
    stage: BatchStage
    run: Annotated[RunBlock | None, Field(description="没有须平台校验的申请时为空")]


async def send_to_verification(desk: Desk, session: AsyncSession, batch_no: str, asked: ActOnMany) -> Reply:
    """Freeze the batch and send it to verification; a verified one only for lines that were held."""
    await hold_county(desk, session, asked)
    batch = await find_batch(desk, session, batch_no, changing=not asked.preview)
    if batch.stage not in (BatchStage.OPEN, BatchStage.VERIFIED):
        detail = f"批次当前“{batch.stage.label}”，不能再提交大数据校验"
        raise conflict(Refusal.BATCH_FROZEN, "批次不能提交校验", detail)
    again = batch.stage is BatchStage.VERIFIED
    if not again:
        await _need_whole(session, batch)
    if not asked.preview:
        await lock_applications(session, f"SELECT id FROM application a WHERE {_OF_BATCH}", batch=batch.id)
    whose = _to_be_marked(only_held=again)
    if again and not await fetch_int(session, f"SELECT 1 FROM application a WHERE {whose} LIMIT 1", batch=batch.id):
        detail = "批次已校验，没有因账号变更暂缓、现在可以补校验的申请"
        raise conflict(Refusal.NOTHING_TO_VERIFY, "没有需要校验的申请", detail)
    await _judged(session, batch, whose, asked)
    await _mark_lines(session, batch, whose)
    return await _start_round(desk, session, batch)


class _Line(NamedTuple):
    id: int
    version: int
    application_no: str
    fen: int
    verification: str


# Of a batch, those that the platform isn't asked about.
_NOT_SENT = (
    (Verification.NOT_REQUIRED, Refusal.NOTHING_TO_VERIFY, "组织申请无须大数据校验"),
    (Verification.HELD, FaultCode.ACCOUNT_LOCKED, "账号变更中，暂缓；办结后补校验"),
)


_OF_BATCH = "a.batch_id = :batch AND a.stage = 'in_batch'"
_MARK = (
    f"CASE WHEN a.applicant_kind = 'organization' THEN 'not_required' WHEN {LOCKED_PERSON} THEN 'held'"
    " ELSE 'pending' END"
)


def _to_be_marked(*, only_held: bool) -> str:
    """Who is to be verified, or once more."""
    freed = f" AND NOT {LOCKED_PERSON}" if only_held else ""
    return f"a.batch_id = :batch AND {to_verify(again=only_held)}{freed}"


async def _judged(session: AsyncSession, batch: Batch, whose: str, asked: ActOnMany) -> None:
    """Who will go to the platform, read only where somebody looks or has looked: who looks writes nothing."""
    if not asked.shown:
        return
    lines = await fetch(
        session,
        _Line,
        "SELECT a.id, a.version, a.application_no, a.amount_fen AS fen,"
        f" CASE WHEN {whose} THEN {_MARK} ELSE a.verification END AS verification FROM application a"
        f" WHERE {_OF_BATCH} ORDER BY a.id",
        batch=batch.id,
    )
    sent = [line for line in lines if line.verification == Verification.PENDING]
    left_out = [
        LeftOut(code, title, len(numbers), numbers[:MOST_NUMBERS])
        for verification, code, title in _NOT_SENT
        if (numbers := [line.application_no for line in lines if line.verification == verification])
    ]
    total = sum(line.fen for line in sent)
    answer = act_answer("batch.verification_asked", len(sent), total, left_out)
    judged(asked, answer, [(line.id, line.version) for line in sent])


class _Counted(NamedTuple):
    pending: int
    not_required: int
    held: int
    lines: int
    total_fen: int


async def _start_round(desk: Desk, session: AsyncSession, batch: Batch) -> Reply:
    row = await fetch_one(
        session,
        _Counted,
        "SELECT count(*) FILTER (WHERE verification = 'pending') AS pending,"
        " count(*) FILTER (WHERE verification = 'not_required') AS not_required,"
        " count(*) FILTER (WHERE verification = 'held') AS held, count(*) AS lines,"
        " sum(amount_fen)::bigint AS total_fen FROM application WHERE batch_id = :batch AND stage = 'in_batch'",
        batch=batch.id,
    )
    assert row is not None
    batch.verification_round += 1
    batch.stage = BatchStage.VERIFYING if row.pending else BatchStage.VERIFIED
    batch.updated_at = now()
    session.add(batch)
    await session.flush()
    number = f"{batch.batch_no}-V{batch.verification_round}"
    if row.pending:
        await open_run(session, _verification(batch, number), "prepared")
    figures = _figures(batch, row)
    told = f"SELECT id FROM application WHERE batch_id = {batch.id} AND stage = 'in_batch'"
    await desk.trail(session, "batch.verification_asked", batch.batch_no, figures, row.lines, row.total_fen, told)
    run = await run_of(desk, session, RunKind.VERIFICATION, number)
    answer: VerificationAsked = {"batch_no": batch.batch_no, "stage": batch.stage, **figures, "run": run}
    return Reply(202, answer)


def _verification(batch: Batch, number: str) -> Subject:
    return Subject(
        kind=RunKind.VERIFICATION,
        number=number,
        county_code=batch.county_code,
        fund_year=batch.fund_year,
        batch_no=batch.batch_no,
    )


def _figures(batch: Batch, row: _Counted) -> _Figures:
    return {
        "round": batch.verification_round,
        "lines": row.lines,
        "pending": row.pending,
        "not_required": row.not_required,
        "held": row.held,
        "total_fen": row.total_fen,
    }


async def _mark_lines(session: AsyncSession, batch: Batch, whose: str) -> None:
    await execute(
        session,
        f"UPDATE application a SET verification = {_MARK}, verification_reason_sealed = NULL,"
        f" version = a.version + 1, updated_at = now() WHERE {whose}",
        batch=batch.id,
    )


class _StageCount(NamedTuple):
    stage: str
    lines: int


async def _need_whole(session: AsyncSession, batch: Batch) -> None:
    """A batch is verified whole: each member is handed in or withdrawn (S1 2.5.1)."""
    rows = await fetch(
        session,
        _StageCount,
        "SELECT stage, count(*) AS lines FROM application WHERE batch_id = :batch AND stage <> 'withdrawn' GROUP BY 1",
        batch=batch.id,
    )
    counts = {ApplicationStage(row.stage): row.lines for row in rows}
    ready = counts.pop(ApplicationStage.IN_BATCH, 0)
    if counts:
        errors = [
            {"code": Refusal.NOT_IN_BATCH, "stage": stage, "detail": f"“{stage.label}” {count} 份"}
            for stage, count in counts.items()
        ]
        words = "、".join(str(error["detail"]) for error in errors)
        detail = f"校验须整批提交，还有{words}；请先办到入批次，或撤回、移出这些申请"
        raise conflict(Refusal.BATCH_NOT_WHOLE, "批次内还有未入批次的申请", detail, errors)
    if not ready:
        raise conflict(Refusal.BATCH_EMPTY, "批次内没有申请", "请先把待结算的申请加入批次")

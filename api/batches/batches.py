"""Settlement batches: what is in them, their publicity and their verification (S1 2.5, 2.6)."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import PREVIEWED, ActAnswer, ActOnMany, act_once
from api.applications.application_rows import LINES, ApplicationRow
from api.applications.chosen_lines import ActOnLines
from api.applications.views import ApplicationViews
from api.batches.batch_acts import (
    JoinAnswer,
    Publicity,
    PublicitySet,
    join,
    leave,
    set_publicity,
)
from api.batches.batch_views import (
    BATCH_HEADERS,
    BatchView,
    VerificationResult,
    WholeBatch,
    batch_views,
    find_batch,
    verification_result,
    whole_batch,
)
from api.batches.verification_acts import VerificationAsked, send_to_verification
from api.counter.chunks import list_lines
from api.counter.desk import Reply
from api.counter.export import listed_together
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import names_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import CountyReaders, Operators, OperatorsAndReviewers
from api.server.answers import Listed, refusals
from api.years.guard import require_year
from models.free_text import FREE_TEXT
from models.store.numbers import Series, take_one
from models.store.selection import NO_NUL, LineFilter, filtered
from models.store.texts import seal_text
from models.tables.batches import Batch
from models.words.stages import BatchStage, Verification

router = APIRouter(tags=["结算批次"])

VERIFICATION_HEADERS = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "stage_label": "状态",
    "verification_label": "校验结果",
    "verification_reason": "校验结果说明",
}


class NewBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fund_year: Annotated[int, Field(strict=True, ge=2000, le=2099)]
    title: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_NUL), FREE_TEXT
    ]


class BatchOpened(TypedDict):
    batch_no: Annotated[str, Field(description="结算批次")]
    stage: BatchStage


@router.post("/batches", status_code=201, response_model=BatchOpened, responses=refusals(LINES_MOVED=410))
async def open_batch(desk: Operators, new: NewBatch) -> Response:
    """新建申请结算批次."""

    async def work(session: AsyncSession) -> Reply:
        await require_year(session, desk.county, new.fund_year)
        number = await take_one(session, Series.BATCH, desk.county, new.fund_year)
        session.add(
            Batch(
                batch_no=number,
                county_code=desk.county,
                fund_year=new.fund_year,
                title_sealed=seal_text(desk.vault, desk.county, new.title),
                created_by=desk.person,
            )
        )
        await session.flush()
        await desk.trail(session, "batch.opened", number, new.model_dump())
        answer: BatchOpened = {"batch_no": number, "stage": BatchStage.OPEN}
        return Reply(201, answer, f"/batches/{number}")

    return await desk.once(work)


@router.get("/batches", summary="申请结算批次", response_model=Listed[BatchView])
async def list_batches(
    desk: CountyReaders, page: Pages, fund_year: FilterYear = None, stage: BatchStage | None = None
) -> Response:
    statement = select(Batch).where(Batch.county_code == desk.county)
    if fund_year is not None:
        statement = statement.where(Batch.fund_year == fund_year)
    if stage is not None:
        statement = statement.where(Batch.stage == stage)
    async with desk.database.snapshot() as session:
        chosen = (statement, Batch.id)
        return await listed_together(session, page, BATCH_HEADERS, chosen, partial(batch_views, session, desk.shown))


@router.get("/batches/{batch_no}", response_model=WholeBatch, responses=refusals(NOT_FOUND=404))
async def show_batch(desk: CountyReaders, batch_no: str, long_poll: LongPoll) -> Response:
    """Figures per stage and per verification, publicity, the verification's run."""
    await long_poll.until_other(desk, stage_of("batch", "batch_no"), batch_no)
    async with desk.database.snapshot() as session:
        batch = await find_batch(desk, session, batch_no)
        return Reply(200, await whole_batch(desk, session, batch)).response()


@router.post(
    "/batches/{batch_no}/applications",
    response_model=JoinAnswer,
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404, BATCH_FROZEN=409, LINES_UNFIT=409, SELECTION_CHANGED=409),
)
async def join_batch(desk: Operators, batch_no: str, lines: ActOnLines) -> Response:
    """加入批次: handed-in and failed lines come in, earlier ones are planned."""
    return await act_once(desk, lines, lambda session: join(desk, session, batch_no, lines))


@router.post(
    "/batches/{batch_no}/removals",
    response_model=ActAnswer,
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404, BATCH_FROZEN=409, LINES_UNFIT=409, SELECTION_CHANGED=409),
)
async def leave_batch(desk: Operators, batch_no: str, lines: ActOnLines) -> Response:
    """移出批次, while its contents aren't frozen."""
    return await act_once(desk, lines, lambda session: leave(desk, session, batch_no, lines))


@router.put(
    "/batches/{batch_no}/publicity", response_model=PublicitySet, responses=refusals(NOT_FOUND=404, BATCH_IN_FLOW=409)
)
async def put_publicity(desk: Operators, batch_no: str, publicity: Publicity) -> Response:
    """公示信息设置 (S1 2.6)."""
    return await desk.change(lambda session: set_publicity(desk, session, batch_no, publicity))


@router.post(
    "/batches/{batch_no}/verifications",
    status_code=202,
    response_model=VerificationAsked,
    responses=refusals(
        LINES_MOVED=410,
        NOT_FOUND=404,
        BATCH_FROZEN=409,
        BATCH_NOT_WHOLE=409,
        BATCH_EMPTY=409,
        NOTHING_TO_VERIFY=409,
        SELECTION_CHANGED=409,
    )
    | PREVIEWED,
)
async def verify_batch(desk: Operators, batch_no: str, asked: ActOnMany | None = None) -> Response:
    """提交大数据校验, the whole batch (S1 2.5.1). A preview counts those that go to the platform."""
    wanted = asked or ActOnMany()
    return await act_once(desk, wanted, lambda session: send_to_verification(desk, session, batch_no, wanted))


@router.get(
    "/batches/{batch_no}/verifications/preview",
    summary="大数据校验的预览",
    response_model=ActAnswer,
    responses=refusals(NOT_FOUND=404, BATCH_FROZEN=409, BATCH_NOT_WHOLE=409, BATCH_EMPTY=409, NOTHING_TO_VERIFY=409),
)
async def preview_verification(desk: OperatorsAndReviewers, batch_no: str) -> Response:
    """What 提交大数据校验 would do, also for whoever only reads; nothing is changed."""
    asked = ActOnMany(preview=True)
    return await act_once(desk, asked, lambda session: send_to_verification(desk, session, batch_no, asked))


@router.get(
    "/batches/{batch_no}/verification-results",
    summary="大数据校验结果",
    response_model=Listed[VerificationResult],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def verification_results(
    desk: CountyReaders,
    page: Pages,
    batch_no: str,
    verification: Annotated[Verification | None, Query()] = None,
) -> Response:
    """校验结果 per line, with the reason."""
    async with desk.database.snapshot() as session:
        await find_batch(desk, session, batch_no)
        view = ApplicationViews(desk.shown, await names_of(session, desk.county))
        chosen = filtered(desk.county, LineFilter(batch_no=batch_no, verification=verification), desk.for_whom)
        return await list_lines(
            session, page, chosen, partial(verification_result, view), VERIFICATION_HEADERS, LINES, ApplicationRow
        )

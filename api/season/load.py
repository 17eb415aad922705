"""初始导入: the accounts that exist at the platform already, in a file, asked at the bank, confirmed by another."""

import asyncio
from datetime import date
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from sqlalchemy import text
from sqlmodel import col, select

from api.acts.said import Confirmation, Refusing, WithReason
from api.counter.catalogs import CatalogKind, names_in
from api.counter.chunks import list_lines
from api.counter.desk import Reply
from api.counter.export import listed
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyStaff, Operators, Reviewers
from api.counter.uploads import rows_file
from api.imports.handed_in import give_refused_rows, sheet, stored_refused_rows
from api.season.load_acts import accept_load, acknowledge_load, decide_findings, review_load
from api.season.load_views import (
    LOAD_HEADERS,
    LOAD_ROWS,
    ROW_HEADERS,
    LoadRow,
    LoadRowView,
    LoadRowViews,
    LoadTaken,
    LoadView,
    WholeLoad,
    find_load,
    load_view,
    whole_load,
)
from api.server.answers import XLSX, Listed, file_answer, refusals
from models.forms.catalogs import CatalogEntry, Catalogs
from models.forms.files import register_template
from models.store.register.loads import LOAD_TO_CORRECT
from models.store.selection import Predicate, Word
from models.tables.loads import RegisterLoad
from models.words.calendar import china_today
from models.words.card_stages import LoadOutcome, LoadStage
from models.words.stages import DisclosedThing, ImportVerdict

router = APIRouter(tags=["初始导入"])
_NOT_WAITING = refusals(NOT_FOUND=404, LOAD_NOT_WAITING=409)
_REVIEWED = refusals(NOT_FOUND=404, LOAD_NOT_WAITING=409, SAME_PERSON=403)


@router.post(
    "/register-loads",
    status_code=202,
    summary="提交初始导入",
    response_model=LoadTaken,
    responses=refusals(
        FILE_EMPTY=422, NOT_FOUND=404, LOAD_OPEN=409, LOAD_OUTDATED=409, LOAD_NOT_REFUSED=409, CATALOG_FETCHING=503
    ),
)
async def hand_in_load(
    desk: Operators,
    file: Annotated[UploadFile, File()],
    as_of: Annotated[date, Form(description="数据日期：从平台取出数据的那一天")],
    corrects: Annotated[Word | None, Form(description="改正的是哪一次未导入的")] = None,
) -> Response:
    """Checked row by row, then each account is asked at the bank; nothing is taken before a reviewer confirms."""
    # without the list no row could be checked, and the person would learn it only from the run
    await names_in(desk, CatalogKind.BANKS, china_today().year)
    stored = await rows_file(desk, file)
    return await desk.once(lambda session: accept_load(desk, session, stored, as_of, corrects))


@router.get("/register-loads", summary="初始导入", response_model=Listed[LoadView])
async def list_loads(
    desk: CountyStaff,
    page: Pages,
    stage: LoadStage | None = None,
    to_do: Annotated[bool, Query(description="本人提交而被拒、还没有改正或知悉的")] = False,
) -> Response:
    statement = select(RegisterLoad).where(col(RegisterLoad.county_code) == desk.county)
    if stage is not None:
        statement = statement.where(RegisterLoad.stage == stage)
    if to_do:
        statement = statement.where(text(LOAD_TO_CORRECT), RegisterLoad.entered_by == desk.person)
    async with desk.database.snapshot() as session:
        chosen = (statement, RegisterLoad.id)
        return await listed(session, page, LOAD_HEADERS, chosen, lambda load: (load.id or 0, load_view(load)))


@router.get("/register-loads/{load_no}", response_model=WholeLoad, responses=refusals(NOT_FOUND=404))
async def show_load(desk: CountyStaff, load_no: str, long_poll: LongPoll) -> Response:
    """Progress while it is checked and asked; then what it would do to the register, by kind."""
    await long_poll.until_other(desk, stage_of("register_load", "load_no"), load_no)
    async with desk.database.snapshot() as session:
        load = await find_load(desk, session, load_no)
        return Reply(200, await whole_load(desk, session, load)).response()


@router.get(
    "/register-loads/{load_no}/rows",
    summary="初始导入的逐行结果",
    response_model=Listed[LoadRowView],
    responses=refusals(NOT_FOUND=404),
)
async def list_load_rows(desk: CountyStaff, page: Pages, load_no: str, outcome: LoadOutcome | None = None) -> Response:
    """Masked: what each row would do, what is there now, and why the bank refuses it or it is left out."""
    async with desk.database.snapshot() as session:
        load = await find_load(desk, session, load_no)
        chosen = Predicate("a.load_id = :load", {"load": load.id})
        if outcome is not None:
            chosen = chosen.also("a.outcome = :outcome", outcome=outcome.value)
        view = LoadRowViews(desk.shown, await names_of(session, desk.county), desk.county)
        return await list_lines(session, page, chosen, view.view, ROW_HEADERS, LOAD_ROWS, LoadRow)


@router.post(
    "/register-loads/{load_no}/continuation",
    summary="确认初始导入的待确认行",
    response_model=WholeLoad,
    responses=_NOT_WAITING,
)
async def continue_load(desk: Operators, load_no: str, decision: WithReason) -> Response:
    """仍要登记: all that is listed is meant; the bank is asked next."""
    return await desk.once(
        lambda session: decide_findings(desk, session, load_no, ImportVerdict.CONFIRMED, decision.reason)
    )


@router.post(
    "/register-loads/{load_no}/withdrawal", summary="放弃初始导入", response_model=WholeLoad, responses=_NOT_WAITING
)
async def withdraw_load(desk: Operators, load_no: str, decision: WithReason) -> Response:
    """放弃: nothing of the file is taken; also while the bank is asked, or a reviewer waited for."""
    return await desk.once(
        lambda session: decide_findings(desk, session, load_no, ImportVerdict.DROPPED, decision.reason)
    )


@router.post(
    "/register-loads/{load_no}/confirmation", summary="复核通过初始导入", response_model=WholeLoad, responses=_REVIEWED
)
async def confirm_load(desk: Reviewers, load_no: str, confirmation: Confirmation) -> Response:
    """New and changed accounts go into the register, source 初始导入; what has come meanwhile is never covered."""
    return await desk.once(lambda session: review_load(desk, session, load_no, confirmation.remark, passed=True))


@router.post(
    "/register-loads/{load_no}/refusal", summary="复核不通过初始导入", response_model=WholeLoad, responses=_REVIEWED
)
async def refuse_load(desk: Reviewers, load_no: str, refusal: Refusing) -> Response:
    """Nothing changes in the register."""
    return await desk.once(lambda session: review_load(desk, session, load_no, refusal.remark, passed=False))


@router.post(
    "/register-loads/{load_no}/acknowledgement",
    summary="知悉初始导入被拒",
    response_model=WholeLoad,
    responses=refusals(NOT_FOUND=404, LOAD_NOT_REFUSED=409),
)
async def note_refused_load(desk: Operators, load_no: str) -> Response:
    """知道了: a refused file that nobody will correct is a to-do no more."""
    return await desk.once(lambda session: acknowledge_load(desk, session, load_no))


@router.get(
    "/register-loads/{load_no}/refused-rows",
    summary="下载初始导入的被拒行",
    responses=file_answer(XLSX) | refusals(NOT_FOUND=404),
    response_class=Response,
)
async def refused_load_rows(desk: CountyStaff, load_no: str) -> Response:
    """The refused rows with the reason per cell, to be corrected and handed in again; whoever takes them is noted."""
    async with desk.database.snapshot() as session:
        stored = await stored_refused_rows(session, await find_load(desk, session, load_no))
    return await give_refused_rows(desk, stored, DisclosedThing.REGISTER_LOAD, load_no, "初始导入被拒行")


@router.get(
    "/register-load-template",
    summary="下载初始导入模板",
    responses=file_answer(XLSX) | refusals(CATALOG_FETCHING=503),
    response_class=Response,
)
async def load_template(desk: Operators) -> Response:
    """The file to fill in, with the banks to choose from."""
    banks = await names_in(desk, CatalogKind.BANKS, china_today().year)
    entries = tuple(CatalogEntry(code, name) for code, name in banks.items())
    content = await asyncio.to_thread(register_template, Catalogs(entries, (), ()))
    return sheet(content, "初始导入模板", desk.county)

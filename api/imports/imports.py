"""Applications from a county's file: handed in here, checked and taken in by a run."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import Field
from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.said import WithReason
from api.applications.application_entry import open_batch_id
from api.counter.catalogs import catalogs_for
from api.counter.desk import Desk, Reply
from api.counter.export import listed, listed_together
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyStaff, Enterers, Operators
from api.counter.run_block import RunBlock, run_of
from api.counter.uploads import rows_file
from api.imports.handed_in import give_refused_rows, sheet, stored_refused_rows
from api.imports.import_acts import acknowledge, decide_import, require_refused
from api.imports.import_views import (
    FINDING_HEADERS,
    IMPORT_HEADERS,
    FindingView,
    ImportView,
    WholeImport,
    find_import,
    finding_view,
    findings_of,
    import_views,
    whole_import,
)
from api.server.answers import XLSX, Listed, file_answer, refusals
from api.years.guard import require_year
from models.contracts import RunKind, Subject
from models.forms.files import template
from models.store.imports.imports import TO_CORRECT
from models.store.numbers import Series, take_one
from models.store.objects import save_file
from models.store.runs.runs import open_run
from models.store.selection import Word
from models.tables.applications import ApplicationImport, ImportFinding
from models.tables.policies import StoredFile
from models.wire.words import ApplicantKind
from models.words.flow_words import APPLICANTS
from models.words.stages import DisclosedThing, ImportStage, ImportVerdict

router = APIRouter(tags=["批量导入"])

FundYearOfForm = Annotated[int, Form(ge=2000, le=2099)]


class ImportConfirmation(WithReason):
    """With `to_confirm_version` only the list that was seen is confirmed, not one that has grown since."""

    to_confirm_version: Annotated[int, Field(ge=1, lt=2**63)] | None = None


class ImportTaken(TypedDict):
    import_no: Annotated[str, Field(description="导入编号")]
    stage: ImportStage
    run: RunBlock | None


@router.post(
    "/application-imports",
    status_code=202,
    response_model=ImportTaken,
    responses=refusals(
        LINES_MOVED=410,
        FILE_EMPTY=422,
        NOT_FOUND=404,
        BATCH_FROZEN=409,
        OTHER_FUND_YEAR=409,
        IMPORT_NOT_REFUSED=409,
        CATALOG_FETCHING=503,
    ),
)
async def hand_in(
    desk: Operators,
    file: Annotated[UploadFile, File()],
    fund_year: FundYearOfForm,
    applicant_kind: Annotated[ApplicantKind, Form()],
    batch_no: Annotated[Word | None, Form()] = None,
    corrects: Annotated[Word | None, Form(description="改正的是哪一次未导入的")] = None,
) -> Response:
    """批量导入: all rows or none; with a batch number the rows are planned for that batch."""
    # without the lists no row could be checked, and the person would learn it only from the run
    await catalogs_for(desk, fund_year)
    stored = await rows_file(desk, file)

    async def work(session: AsyncSession) -> Reply:
        await require_year(session, desk.county, fund_year)
        batch_id = await open_batch_id(desk, session, batch_no, fund_year) if batch_no else None
        former = await _refused(desk, session, corrects) if corrects else None
        return await _accept(desk, session, stored, fund_year, applicant_kind, batch_id, batch_no, former)

    return await desk.once(work)


async def _refused(desk: Desk, session: AsyncSession, import_no: str) -> ApplicationImport:
    """What the new file corrects: it is nobody's to-do any more, the new one's result is."""
    row = await find_import(desk, session, import_no)
    require_refused(row)
    return row


async def _accept(
    desk: Desk,
    session: AsyncSession,
    stored: StoredFile,
    fund_year: int,
    kind: ApplicantKind,
    batch_id: int | None,
    batch_no: str | None,
    former: ApplicationImport | None,
) -> Reply:
    number = await take_one(session, Series.IMPORT, desk.county, fund_year)
    saved = await save_file(session, stored)
    assert saved.id is not None
    row = ApplicationImport(
        import_no=number,
        county_code=desk.county,
        fund_year=fund_year,
        applicant_kind=kind,
        batch_id=batch_id,
        file_id=saved.id,
        stage=ImportStage.CHECKING,
        corrects_id=former.id if former else None,
        entered_by=desk.person,
    )
    session.add(row)
    await open_run(session, _subject(row, batch_no), ImportStage.CHECKING.value)
    await desk.trail(session, "import.handed_in", number, _handed_in(stored, kind, batch_no, former))
    run = await run_of(desk, session, RunKind.APPLICATION_IMPORT, number)
    body: ImportTaken = {"import_no": number, "stage": ImportStage.CHECKING, "run": run}
    return Reply(202, body, f"/application-imports/{number}")


def _handed_in(
    stored: StoredFile, kind: ApplicantKind, batch_no: str | None, former: ApplicationImport | None
) -> dict[str, object]:
    """What the trail keeps of it."""
    corrects = {"corrects": former.import_no} if former else {}
    return {"sha256": stored.sha256, "size": stored.size, "applicant_kind": kind, "batch_no": batch_no, **corrects}


def _subject(row: ApplicationImport, batch_no: str | None) -> Subject:
    return Subject(
        kind=RunKind.APPLICATION_IMPORT,
        number=row.import_no,
        county_code=row.county_code,
        fund_year=row.fund_year,
        batch_no=batch_no,
    )


@router.get("/application-imports", summary="批量导入", response_model=Listed[ImportView])
async def list_imports(
    desk: CountyStaff,
    page: Pages,
    stage: ImportStage | None = None,
    to_do: Annotated[bool, Query(description="本人提交而被拒、还没有改正或知悉的")] = False,
) -> Response:
    statement = select(ApplicationImport).where(ApplicationImport.county_code == desk.county)
    if stage is not None:
        statement = statement.where(ApplicationImport.stage == stage)
    if to_do:
        statement = statement.where(text(TO_CORRECT), ApplicationImport.entered_by == desk.person)
    async with desk.database.snapshot() as session:
        chosen = (statement, ApplicationImport.id)
        return await listed_together(session, page, IMPORT_HEADERS, chosen, partial(import_views, session))


@router.get("/application-imports/{import_no}", response_model=WholeImport, responses=refusals(NOT_FOUND=404))
async def show_import(desk: CountyStaff, import_no: str, long_poll: LongPoll) -> Response:
    """Progress while it is checked; then its figures and what is wrong, cell by cell."""
    await long_poll.until_other(desk, stage_of("application_import", "import_no"), import_no)
    async with desk.database.snapshot() as session:
        row = await find_import(desk, session, import_no)
        return Reply(200, await whole_import(desk, session, row)).response()


@router.get(
    "/application-imports/{import_no}/to-confirm",
    summary="导入待确认的行",
    response_model=Listed[FindingView],
    responses=refusals(NOT_FOUND=404),
)
async def list_to_confirm(desk: CountyStaff, page: Pages, import_no: str) -> Response:
    """待确认: the rows that stopped the import and why, in the order of the file; what came since is marked."""
    async with desk.database.snapshot() as session:
        chosen = (findings_of(await find_import(desk, session, import_no)), ImportFinding.id)
        names = await names_of(session, desk.county)
        return await listed(session, page, FINDING_HEADERS, chosen, partial(finding_view, names), oldest=True)


@router.post(
    "/application-imports/{import_no}/confirmation",
    response_model=WholeImport,
    responses=refusals(NOT_FOUND=404, IMPORT_NOT_WAITING=409, IMPORT_CONFIRMED=409, LIST_CHANGED=409),
)
async def confirm_import(desk: Operators, import_no: str, decision: ImportConfirmation) -> Response:
    """确认导入: all that is listed is meant. What has come since, and isn't on the list, stops the import again."""
    seen = decision.to_confirm_version
    return await desk.once(
        lambda session: decide_import(desk, session, import_no, ImportVerdict.CONFIRMED, decision.reason, seen)
    )


@router.post(
    "/application-imports/{import_no}/refusal",
    response_model=WholeImport,
    responses=refusals(NOT_FOUND=404, IMPORT_NOT_WAITING=409, IMPORT_CONFIRMED=409),
)
async def drop_import(desk: Operators, import_no: str, decision: WithReason) -> Response:
    """放弃导入: nothing of the file is taken in."""
    return await desk.once(
        lambda session: decide_import(desk, session, import_no, ImportVerdict.DROPPED, decision.reason)
    )


@router.post(
    "/application-imports/{import_no}/acknowledgement",
    response_model=WholeImport,
    responses=refusals(NOT_FOUND=404, IMPORT_NOT_REFUSED=409),
)
async def acknowledge_import(desk: Operators, import_no: str) -> Response:
    """知道了: a refused import that nobody will correct is a to-do no more."""
    return await desk.once(lambda session: acknowledge(desk, session, import_no))


@router.get(
    "/application-imports/{import_no}/refused-rows",
    summary="下载被拒行",
    responses=file_answer(XLSX) | refusals(NOT_FOUND=404),
    response_class=Response,
)
async def refused_rows(desk: CountyStaff, import_no: str) -> Response:
    """The refused rows with the reason per cell, to be corrected and handed in again; whoever takes them is noted."""
    async with desk.database.snapshot() as session:
        stored = await stored_refused_rows(session, await find_import(desk, session, import_no))
    return await give_refused_rows(desk, stored, DisclosedThing.IMPORT, import_no, "被拒行")


@router.get(
    "/application-import-template",
    summary="下载导入模板",
    responses=file_answer(XLSX) | refusals(CATALOG_FETCHING=503),
    response_class=Response,
)
async def import_template(
    desk: Enterers, applicant_kind: ApplicantKind, fund_year: Annotated[int, Query(ge=2000, le=2099)]
) -> Response:
    """The file to fill in, with the county's own lists to choose from."""
    catalogs = await catalogs_for(desk, fund_year)
    content = await asyncio.to_thread(template, applicant_kind, catalogs)
    return sheet(content, f"{APPLICANTS[applicant_kind]}申请导入模板", desk.county, str(fund_year))

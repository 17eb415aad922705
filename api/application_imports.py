"""Applications from a county's file: handed in here, checked and taken in by a run (DOMAIN 3, Applications)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.application_entry import open_batch_id
from api.catalogs import catalogs_for
from api.desk import Desk, Reply
from api.export import XLSX, respond
from api.import_views import IMPORT_HEADERS, find_import, import_views, whole_import
from api.line_access import CountyReaders, Enterers, Operators
from api.paging import Pages
from api.patience import Patience, stage_of
from api.problems import Problem, not_found
from api.runs_view import run_of
from models.platform_words import ApplicantKind
from models.sheet_writer import template
from models.stages import ImportStage
from models.store.numbers import Series, take_one
from models.store.objects import save_file
from models.store.runs import open_run
from models.store.selection import Word
from models.subsidy import RunKind, Subject
from models.tables import ApplicationImport, StoredFile

router = APIRouter(tags=["批量导入"])

FundYear = Annotated[int, Form(ge=2000, le=2099)]
ZIP_MAGIC = b"PK\x03\x04"
CSV = "text/csv"


@router.post("/application-imports", status_code=202)
async def hand_in(
    desk: Operators,
    file: Annotated[UploadFile, File()],
    fund_year: FundYear,
    applicant_kind: Annotated[ApplicantKind, Form()],
    batch_no: Annotated[Word | None, Form()] = None,
) -> Response:
    """批量导入: all rows or none; with a batch number the rows are planned for that batch."""
    data = await file.read()
    if not data:
        raise Problem(422, "FILE_EMPTY", "文件为空", "文件是空的（0 字节），请检查后重新上传")
    # without the lists no row could be checked, and the person would learn it only from the run
    await catalogs_for(desk, fund_year)
    media_type = XLSX if data.startswith(ZIP_MAGIC) else CSV
    stored = await desk.objects.put(desk.county, data, media_type, desk.person)

    async def work(session: AsyncSession) -> Reply:
        batch_id = await open_batch_id(desk, session, batch_no, fund_year) if batch_no else None
        return await _accept(desk, session, stored, fund_year, applicant_kind, batch_id, batch_no)

    return await desk.once(work)


async def _accept(
    desk: Desk,
    session: AsyncSession,
    stored: StoredFile,
    fund_year: int,
    kind: ApplicantKind,
    batch_id: int | None,
    batch_no: str | None,
) -> Reply:
    number = await take_one(session, Series.IMPORT, desk.county, fund_year)
    saved = await save_file(session, stored)
    assert saved.id is not None
    session.add(
        ApplicationImport(
            import_no=number,
            county_code=desk.county,
            fund_year=fund_year,
            applicant_kind=kind.value,
            batch_id=batch_id,
            file_id=saved.id,
            stage=ImportStage.CHECKING,
            entered_by=desk.person,
        )
    )
    subject = Subject(
        kind=RunKind.APPLICATION_IMPORT,
        number=number,
        county_code=desk.county,
        fund_year=fund_year,
        batch_no=batch_no,
    )
    await open_run(session, subject, ImportStage.CHECKING.value)
    detail = {"sha256": stored.sha256, "size": stored.size, "applicant_kind": kind.value, "batch_no": batch_no}
    await desk.trail(session, "import.handed_in", number, detail)
    run = await run_of(session, desk.settings, RunKind.APPLICATION_IMPORT, number)
    body: dict[str, object] = {"import_no": number, "stage": ImportStage.CHECKING, "run": run}
    return Reply(202, body, f"/application-imports/{number}")


@router.get("/application-imports")
async def list_imports(desk: CountyReaders, page: Pages, stage: ImportStage | None = None) -> Response:
    statement = select(ApplicationImport).where(ApplicationImport.county_code == desk.county)
    if stage is not None:
        statement = statement.where(ApplicationImport.stage == stage)
    async with desk.database.reading() as session:
        imports = (await session.exec(page.newest_first(statement, ApplicationImport.id))).all()
        return await respond(page, IMPORT_HEADERS, import_views(imports))


@router.get("/application-imports/{import_no}")
async def show_import(desk: CountyReaders, import_no: str, patience: Patience) -> Response:
    """Progress while it is checked; then its figures and what is wrong, cell by cell."""
    await patience.until_other(desk, stage_of("application_import", "import_no"), import_no)
    async with desk.database.reading() as session:
        asked = await find_import(desk, session, import_no)
        return Reply(200, await whole_import(desk, session, asked)).response()


@router.get("/application-imports/{import_no}/refused-rows")
async def refused_rows(desk: CountyReaders, import_no: str) -> Response:
    """The refused rows with the reason per cell, to be corrected and handed in again."""
    async with desk.database.reading() as session:
        asked = await find_import(desk, session, import_no)
        if asked.refused_file_id is None:
            raise not_found("拒绝行文件")
        stored = (await session.exec(select(StoredFile).where(StoredFile.id == asked.refused_file_id))).one()
    return _download(await desk.objects.get(stored), f"{import_no}-refused.xlsx")


@router.get("/application-import-template")
async def import_template(
    desk: Enterers, applicant_kind: ApplicantKind, fund_year: Annotated[int, Query(ge=2000, le=2099)]
) -> Response:
    """The file to fill in, with the county's own lists to choose from."""
    catalogs = await catalogs_for(desk, fund_year)
    content = await asyncio.to_thread(template, applicant_kind, catalogs)
    return _download(content, f"template-{applicant_kind.value}-{fund_year}.xlsx")


def _download(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type=XLSX, headers=headers)

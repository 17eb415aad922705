"""A county's file becomes applications: all of its rows, or none and a file of the refused ones."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar
from temporalio import activity

from activities.looking import note_stage
from models.application_form import ApplicationForm
from models.catalogs import Catalogs
from models.faults import CellFault, FaultCode
from models.platform_words import ApplicantKind, MediaType
from models.sheet_writer import refused_rows_file
from models.spreadsheet import CheckedFile, check_file
from models.stages import BatchStage, Channel, ImportStage
from models.store.applications import Entered, form_catalogs, insert_rows, is_reserved, new_rows, used_numbers
from models.store.database import Database, execute, fetch_one
from models.store.line_acts import lock_county
from models.store.locks import locked_people
from models.store.numbers import Series, take
from models.store.objects import ObjectStore, save_file
from models.store.runs import close_run
from models.store.trail import by_system, record
from models.store.vault import Field, Vault
from models.subsidy import ImportResult, Subject
from models.tables import ApplicationImport, StoredFile
from models.tables.base import now

NUMBER_COLUMN = "申请编号"
ACCOUNT_COLUMN = "一卡通账号"
LOCKED_PERSON = "此人在本县的账号变更尚未办结，所填账号与现登记的不同；请待变更办结后再导入此行"
WAITING_FOR = "正在逐行校对文件"
REPORT_SECONDS = 0.5
ROWS_AT_ONCE = 2_000
# More would fill a screen, not a person's mind; the file of refused rows has them all.
MOST_SHOWN = 1_000
NO_CATALOGS = "本县的补贴项目、乡镇村和开户行名单尚未从平台取得，请先更新目录后重新上传"
BATCH_FROZEN = "所选批次已提交大数据校验，不能再加入申请；请另建批次后重新上传"


@dataclass
class Progress:
    """Written by the checking thread, read by the loop."""

    done: int = 0
    total: int = 0

    def note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class ApplicationImports:
    def __init__(self, database: Database, vault: Vault, objects: ObjectStore) -> None:
        self._database = database
        self._vault = vault
        self._objects = objects

    @activity.defn
    async def import_applications(self, subject: Subject) -> ImportResult:
        """Check the file and take all rows in, in one transaction that also closes the run.

        Safe to repeat: rows, figures and stage change together, and an import that is finished is left alone.
        """
        asked = await self._asked(subject)
        if asked.stage is not ImportStage.CHECKING:
            return await self._finished(subject, asked)
        data = await self._objects.get(await self._file(asked))
        checked, problem = await self._check(asked, data)
        if problem or checked.faults:
            return await self._refuse(subject, data, checked, problem)
        return await self._take_in(subject, data, checked)

    async def _asked(self, subject: Subject) -> ApplicationImport:
        async with self._database.transaction() as session:
            await note_stage(session, subject.workflow_id, ImportStage.CHECKING.value, WAITING_FOR)
            return (await session.exec(_import(subject))).one()

    async def _file(self, asked: ApplicationImport) -> StoredFile:
        async with self._database.reading() as session:
            return (await session.exec(select(StoredFile).where(StoredFile.id == asked.file_id))).one()

    async def _finished(self, subject: Subject, asked: ApplicationImport) -> ImportResult:
        """A run that was started again finds everything done."""
        async with self._database.transaction() as session:
            await close_run(session, subject.workflow_id, asked.stage.value)
        return _result(asked)

    async def _check(self, asked: ApplicationImport, data: bytes) -> tuple[CheckedFile, str | None]:
        """Every row checked in a thread, the loop free; progress is written while it goes on."""
        async with self._database.reading() as session:
            catalogs = await form_catalogs(session, asked.county_code, asked.fund_year)
        if catalogs is None:
            return CheckedFile((), ()), NO_CATALOGS
        checked = await self._check_reporting(asked, data, catalogs)
        if checked.faults and not checked.row_count:  # what is wrong is the file or its header, not a row
            return checked, checked.faults[0].message
        async with self._database.reading() as session:
            checked = await _with_used_numbers(session, checked)
            locked = await locked_people(session, asked.county_code)
        return await asyncio.to_thread(self._with_locked, checked, locked), None

    def _with_locked(self, checked: CheckedFile, locked: Mapping[str, tuple[str | None, str | None]]) -> CheckedFile:
        """While a person's account is being changed, no file brings another one in (DOMAIN 4, the lock)."""
        if not locked:
            return checked
        faults = []
        for item in checked.forms:
            person = self._vault.index(Field.ID_NUMBER, item.form.id_number)
            account = item.form.bank_code, self._vault.index(Field.ACCOUNT, item.form.account_no)
            if person in locked and locked[person] != account:
                faults.append(CellFault(item.row, ACCOUNT_COLUMN, FaultCode.ACCOUNT_LOCKED, LOCKED_PERSON))
        return _with_faults(checked, faults)

    async def _check_reporting(self, asked: ApplicationImport, data: bytes, catalogs: Catalogs) -> CheckedFile:
        progress = Progress()
        kind = ApplicantKind(asked.applicant_kind)
        checking = asyncio.create_task(asyncio.to_thread(check_file, data, kind, catalogs, None, progress.note))
        while not checking.done():
            await asyncio.wait({checking}, timeout=REPORT_SECONDS)
            activity.heartbeat(progress.done)
            await self._report(asked, progress)
        return checking.result()

    async def _report(self, asked: ApplicationImport, progress: Progress) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE application_import SET rows_total = :total, rows_checked = :done"
                " WHERE id = :id AND stage = 'checking'",
                total=progress.total,
                done=progress.done,
                id=asked.id,
            )

    async def _refuse(self, subject: Subject, data: bytes, checked: CheckedFile, problem: str | None) -> ImportResult:
        refused = None if problem else await self._refused_rows(subject, data, checked.faults)
        async with self._database.transaction() as session:
            asked = (await session.exec(_import(subject).with_for_update())).one()
            if asked.stage is ImportStage.CHECKING:
                asked.refused_file_id = (await save_file(session, refused)).id if refused else None
                _finish(asked, ImportStage.REFUSED, checked)
                asked.problem = problem
                asked.rows_refused = 0 if problem else len({fault.row for fault in checked.faults})
                asked.faults = self._seal(asked, checked.faults[:MOST_SHOWN])
                await self._close(session, subject, asked)
            return _result(asked)

    async def _refused_rows(self, subject: Subject, data: bytes, faults: Sequence[CellFault]) -> StoredFile:
        content = await asyncio.to_thread(refused_rows_file, data, faults)
        activity.heartbeat()
        return await self._objects.put(subject.county_code, content, MediaType.XLSX.value, "system")

    async def _take_in(self, subject: Subject, data: bytes, checked: CheckedFile) -> ImportResult:
        async with self._database.transaction() as session:
            asked = (await session.exec(_import(subject).with_for_update())).one()
            if asked.stage is not ImportStage.CHECKING:
                return _result(asked)
            if await self._may_join(session, asked):
                # somebody may have used a number since the check
                checked = await _with_used_numbers(session, checked)
                if not checked.faults:
                    await self._insert(session, subject, asked, checked)
                    return _result(asked)
        return await self._refuse(subject, data, checked, None if checked.faults else BATCH_FROZEN)

    async def _insert(
        self, session: AsyncSession, subject: Subject, asked: ApplicationImport, checked: CheckedFile
    ) -> None:
        forms = [item.form for item in checked.forms]
        numbered = await _numbered(session, asked, forms)
        entered = Entered(
            asked.county_code, asked.fund_year, Channel.IMPORT, asked.entered_by, asked.batch_id, asked.id
        )
        for start in range(0, len(numbered), ROWS_AT_ONCE):
            some = numbered[start : start + ROWS_AT_ONCE]
            rows = await asyncio.to_thread(new_rows, self._vault, entered, some)
            activity.heartbeat()
            asked.rows_imported += await insert_rows(session, rows)
        asked.total_fen = checked.total_fen
        _finish(asked, ImportStage.IMPORTED, checked)
        asked.faults = self._seal(asked, checked.warnings[:MOST_SHOWN])
        await self._close(session, subject, asked)

    async def _may_join(self, session: AsyncSession, asked: ApplicationImport) -> bool:
        """The batch may have been frozen since the file was handed in."""
        if asked.batch_id is None:
            return True
        await lock_county(session, asked.county_code)
        row = await fetch_one(session, "SELECT stage FROM batch WHERE id = :id FOR SHARE", id=asked.batch_id)
        return row is not None and row.stage == BatchStage.OPEN

    async def _close(self, session: AsyncSession, subject: Subject, asked: ApplicationImport) -> None:
        session.add(asked)
        await session.flush()
        await close_run(session, subject.workflow_id, asked.stage.value)
        detail = {"stage": asked.stage.value, "rows": asked.rows_imported, "refused_rows": asked.rows_refused}
        act = by_system(asked.county_code, f"import.{asked.stage.value}", asked.import_no, detail)
        await record(session, self._vault, replace(act, line_count=asked.rows_imported, total_fen=asked.total_fen))

    def _seal(self, asked: ApplicationImport, faults: Sequence[CellFault]) -> str | None:
        """Faults name no values, but together with the file they are about people."""
        if not faults:
            return None
        listed = json.dumps([asdict(fault) for fault in faults], ensure_ascii=False)
        return self._vault.seal(Field.FAULTS, asked.import_no, listed)


def _import(subject: Subject) -> SelectOfScalar[ApplicationImport]:
    return select(ApplicationImport).where(ApplicationImport.import_no == subject.number)


def _finish(asked: ApplicationImport, stage: ImportStage, checked: CheckedFile) -> None:
    asked.stage = stage
    asked.rows_total = asked.rows_checked = checked.row_count
    asked.finished_at = now()


def _result(asked: ApplicationImport) -> ImportResult:
    return ImportResult(
        imported=asked.stage is ImportStage.IMPORTED, rows=asked.rows_imported, refused_rows=asked.rows_refused
    )


async def _with_used_numbers(session: AsyncSession, checked: CheckedFile) -> CheckedFile:
    """A number of the file that exists already, or could become one of ours, refuses its row."""
    given = {item.form.application_no: item.row for item in checked.forms if item.form.application_no}
    if not given:
        return checked
    used = await used_numbers(session, list(given))
    faults = [
        CellFault(row, NUMBER_COLUMN, FaultCode.APPLICATION_NO_TWICE, _why_not(number in used))
        for number, row in given.items()
        if number in used or is_reserved(number)
    ]
    return _with_faults(checked, faults)


def _with_faults(checked: CheckedFile, faults: list[CellFault]) -> CheckedFile:
    if not faults:
        return checked
    return replace(checked, faults=tuple(sorted([*checked.faults, *faults], key=lambda fault: fault.row)))


def _why_not(used: bool) -> str:
    if used:
        return "申请编号已被使用过，请改为其他编号，或留空由系统编号"
    return "申请编号与系统编号的格式相同，请改为其他编号，或留空由系统编号"


async def _numbered(
    session: AsyncSession, asked: ApplicationImport, forms: Sequence[ApplicationForm]
) -> list[tuple[str, ApplicationForm]]:
    """Rows that bring no number get the next ones, in the order of the file."""
    missing = sum(1 for form in forms if form.application_no is None)
    fresh: list[str] = []
    if missing:
        fresh = await take(session, Series.APPLICATION, asked.county_code, asked.fund_year, missing)
    supply = iter(fresh)
    return [(form.application_no or next(supply), form) for form in forms]

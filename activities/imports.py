"""A county's file becomes applications: all of its rows, or none and a file of the refused ones."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar
from temporalio import activity

from models.contracts import ImportLook, Subject
from models.forms.application_form import ApplicationForm
from models.forms.catalogs import Catalogs
from models.forms.files import refused_rows_file
from models.forms.spreadsheet import CheckedFile, check_file
from models.store.applications.doubles import ClaimedRow, lay_claims, lock_claims
from models.store.applications.rows import Entered, clear_away, form_catalogs, lay_down, new_rows, take_up
from models.store.database import Database
from models.store.imports.findings import Finding, findings, keep_findings, news
from models.store.imports.rules import numbered_forms, with_locked, with_other_accounts, with_used_numbers
from models.store.lock_order import Rank
from models.store.locking import SHARED, fetch_locked, lock_county, lock_rows
from models.store.objects import ObjectStore, save_file
from models.store.register.account_locks import locked_people
from models.store.runs.look import note_stage
from models.store.runs.runs import close_run
from models.store.sql import execute
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault
from models.tables.applications import ApplicationImport
from models.tables.base import now
from models.tables.policies import StoredFile
from models.wire.words import ApplicantKind, MediaType
from models.words.faults import CellFault
from models.words.stages import BatchStage, Channel, ImportStage
from models.words.waiting import IMPORT, IMPORT_CONFIRMED

REPORT_SECONDS = 0.5
ROWS_AT_ONCE = 2_000
# More would fill a screen, not a person's mind; the file of refused rows has them all.
MOST_SHOWN = 1_000
# Only a person ends the wait; the rows are looked at daily all the same.
LOOK_AGAIN_SECONDS = 86_400.0
NOTHING_OF_IT = (
    "有 {} 行未通过校对，整份文件的 {} 行都没有导入，没有问题的行也没有；请在原文件中改正这些行后，把整份文件重新上传"
)
NO_CATALOGS = "本县的补贴项目、乡镇村和开户行名单尚未从平台取得，请先更新目录后重新上传"
BATCH_FROZEN = "所选批次已提交大数据校验，不能再加入申请；请另建批次后重新上传"


@dataclass
class Progress:
    """Written by the checking thread, read by the loop."""

    done: int = 0
    total: int = 0

    def note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@dataclass(frozen=True)
class Coming:
    """The rows of a file with their numbers, and in whose name they come."""

    entered: Entered
    numbered: Sequence[tuple[str, ApplicationForm]]


class ApplicationImports:
    def __init__(self, database: Database, vault: Vault, objects: ObjectStore) -> None:
        self._database = database
        self._vault = vault
        self._objects = objects

    @activity.defn
    async def import_applications(self, subject: Subject) -> ImportLook:
        """Check the file and take all rows in, unless it is refused, or stops as 待确认 until an operator decides.

        Safe to repeat: rows, figures and stage change together; what waits for a person, or is over, is left alone.
        """
        async with self._database.transaction() as session:
            asked = (await session.exec(_import(subject))).one()
            look = await _look(session, subject, asked)
        if not _is_on(asked):
            return look
        data = await self._objects.get(await self._file(asked))
        checked, problem = await self._check(asked, data)
        if problem or checked.faults:
            return await self._refuse(subject, data, checked, problem)
        claims = await asyncio.to_thread(self._claims, checked)
        return await self._store_rows(subject, data, checked, claims)

    async def _file(self, asked: ApplicationImport) -> StoredFile:
        async with self._database.reading() as session:
            return (await session.exec(select(StoredFile).where(StoredFile.id == asked.file_id))).one()

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
            checked = await with_used_numbers(session, checked)
            locked = await locked_people(session, asked.county_code)
        return await asyncio.to_thread(with_locked, self._vault, asked.county_code, checked, locked), None

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

    def _claims(self, checked: CheckedFile) -> list[ClaimedRow]:
        index, forms = self._vault.index, [(item.row, item.form) for item in checked.forms]
        return [
            ClaimedRow(
                *(row, index(Field.ID_NUMBER, form.id_number), form.item_code, form.amount_fen),
                *(form.bank_code, index(Field.ACCOUNT, form.account_no)),
            )
            for row, form in forms
        ]

    async def _refuse(self, subject: Subject, data: bytes, checked: CheckedFile, problem: str | None) -> ImportLook:
        refused = None if problem else await self._refused_rows(subject, data, checked.faults)
        async with self._database.transaction() as session:
            (asked,) = await lock_rows(session, Rank.CLAIMS, _import(subject))
            if _is_on(asked):
                asked.refused_file_id = (await save_file(session, refused)).id if refused else None
                _finish(asked, ImportStage.REFUSED, checked)
                asked.rows_refused = 0 if problem else len({fault.row for fault in checked.faults})
                asked.problem = problem or NOTHING_OF_IT.format(asked.rows_refused, checked.row_count)
                asked.faults = self._seal(asked, checked.faults[:MOST_SHOWN])
                return await self._settle(session, subject, asked)
            return await _look(session, subject, asked)

    async def _refused_rows(self, subject: Subject, data: bytes, faults: Sequence[CellFault]) -> StoredFile:
        content = await asyncio.to_thread(refused_rows_file, data, faults)
        activity.heartbeat()
        return await self._objects.put(subject.county_code, content, MediaType.XLSX.value, "system")

    async def _store_rows(
        self, subject: Subject, data: bytes, checked: CheckedFile, claims: Sequence[ClaimedRow]
    ) -> ImportLook:
        """All in one transaction. Whoever else adds to the county waits while it compares and inserts, no longer.

        The rows are sealed before, and lie where nobody else sees them.
        """
        coming = await self._number(subject, checked, claims)
        async with self._database.transaction() as session:
            await lay_claims(session, claims)
            if coming:
                await self._lay_down(session, coming)
            asked = await _locked(session, subject)
            if not _is_on(asked):
                return await _look(session, subject, asked)
            if is_open := await _may_join(session, asked):
                # somebody may have used a number since the check
                checked = await with_used_numbers(session, checked)
                if not checked.faults:
                    await self._insert_or_stop(session, asked, checked, claims, coming)
                    return await self._settle(session, subject, asked)
        return await self._refuse(subject, data, checked, None if is_open else BATCH_FROZEN)

    async def _number(self, subject: Subject, checked: CheckedFile, claims: Sequence[ClaimedRow]) -> Coming | None:
        """None where the file would stop, as things are now: no numbers are used up for what isn't stored."""
        async with self._database.transaction() as session:
            asked = (await session.exec(_import(subject))).one()
            await lay_claims(session, claims)
            found = await findings(session, asked, checked.to_confirm, claims)
            if not _is_on(asked) or await news(session, asked, found):
                return None
            return await _coming(session, asked, checked)

    async def _lay_down(self, session: AsyncSession, coming: Coming) -> None:
        for start in range(0, len(coming.numbered), ROWS_AT_ONCE):
            some = coming.numbered[start : start + ROWS_AT_ONCE]
            rows = await asyncio.to_thread(new_rows, self._vault, coming.entered, some)
            activity.heartbeat()
            await lay_down(session, rows)

    async def _insert_or_stop(
        self,
        session: AsyncSession,
        asked: ApplicationImport,
        checked: CheckedFile,
        claims: Sequence[ClaimedRow],
        coming: Coming | None,
    ) -> None:
        """What the operator confirmed goes in, if nothing has come since that would have stopped it as well."""
        found = await findings(session, asked, checked.to_confirm, claims)
        checked = await with_other_accounts(session, asked.county_code, checked)
        if new := await news(session, asked, found):
            await self._stop(session, asked, checked, found, new)
        else:
            await self._insert(session, asked, checked, coming)

    async def _stop(
        self,
        session: AsyncSession,
        asked: ApplicationImport,
        checked: CheckedFile,
        found: Sequence[Finding],
        new: set[tuple[int, str, str]],
    ) -> None:
        """Nothing is stored but the list; a confirmation that it outgrew is void."""
        await keep_findings(session, asked, found, new)
        asked.stage = ImportStage.TO_CONFIRM
        asked.decision = asked.decided_by = asked.decided_at = asked.decision_reason_sealed = None
        asked.rows_total = asked.rows_checked = checked.row_count
        asked.faults = self._seal(asked, checked.warnings[:MOST_SHOWN])

    async def _insert(
        self, session: AsyncSession, asked: ApplicationImport, checked: CheckedFile, coming: Coming | None
    ) -> None:
        """As laid down, unless the file would have stopped a moment ago, or somebody else has confirmed it since."""
        if coming is None or coming.entered.confirmed_by != asked.decided_by:
            await clear_away(session)
            await self._lay_down(session, await _coming(session, asked, checked))
        asked.rows_imported = await take_up(session)
        asked.total_fen = checked.total_fen
        _finish(asked, ImportStage.IMPORTED, checked)
        asked.faults = self._seal(asked, checked.warnings[:MOST_SHOWN])

    async def _settle(self, session: AsyncSession, subject: Subject, asked: ApplicationImport) -> ImportLook:
        """Stored with the run's row and the trail's entry, which comes last: from there the county takes turns."""
        session.add(asked)
        await session.flush()
        look = await _look(session, subject, asked)
        detail = {
            "stage": asked.stage.value,
            "rows": asked.rows_imported,
            "refused_rows": asked.rows_refused,
            "to_confirm": asked.to_confirm_count,
            "confirmed_by": asked.decided_by,
        }
        act = by_system(asked.county_code, f"import.{asked.stage.value}", asked.import_no, detail)
        await record(session, self._vault, replace(act, line_count=asked.rows_imported, total_fen=asked.total_fen))
        return look

    def _seal(self, asked: ApplicationImport, faults: Sequence[CellFault]) -> str | None:
        """Faults name no values, but together with the file they are about people."""
        if not faults:
            return None
        listed = json.dumps([asdict(fault) for fault in faults], ensure_ascii=False)
        return self._vault.seal(Field.FAULTS, asked.import_no, listed)


async def _coming(session: AsyncSession, asked: ApplicationImport, checked: CheckedFile) -> Coming:
    numbered = await numbered_forms(session, asked, [item.form for item in checked.forms])
    made = asked.entered_by, asked.batch_id, asked.id, asked.decided_by
    return Coming(Entered(asked.county_code, asked.fund_year, Channel.IMPORT, *made), numbered)


def _import(subject: Subject) -> SelectOfScalar[ApplicationImport]:
    return select(ApplicationImport).where(ApplicationImport.import_no == subject.number)


def _finish(asked: ApplicationImport, stage: ImportStage, checked: CheckedFile) -> None:
    asked.stage = stage
    asked.rows_total = asked.rows_checked = checked.row_count
    asked.finished_at = now()


def _is_on(asked: ApplicationImport) -> bool:
    """Being checked, or confirmed; otherwise it is over, or waits for an operator's word."""
    return asked.stage is ImportStage.CHECKING or (asked.stage is ImportStage.TO_CONFIRM and asked.decision is not None)


async def _locked(session: AsyncSession, subject: Subject) -> ApplicationImport:
    """The import, locked after what it may have to wait for: the batch's acts, other imports of the county."""
    if subject.batch_no is not None:
        await lock_county(session, subject.county_code)
    await lock_claims(session, subject.county_code)
    (asked,) = await lock_rows(session, Rank.CLAIMS, _import(subject))
    return asked


async def _may_join(session: AsyncSession, asked: ApplicationImport) -> bool:
    """The batch may have been frozen since the file was handed in."""
    if asked.batch_id is None:
        return True
    stages = await fetch_locked(
        session, Rank.BATCH, str, "SELECT stage FROM batch WHERE id = :id", SHARED, id=asked.batch_id
    )
    return any(stage == BatchStage.OPEN for stage in stages)


async def _look(session: AsyncSession, subject: Subject, asked: ApplicationImport) -> ImportLook:
    """What the run says of itself, in Temporal and in its row; over, the row is closed with it."""
    stage, sentence = asked.stage, IMPORT[asked.stage]
    since = asked.finished_at
    if since is None:
        sentence = IMPORT_CONFIRMED if asked.decision else sentence
        since = (await note_stage(session, subject.workflow_id, stage.value, sentence)).since
    else:
        await close_run(session, subject.workflow_id, stage.value)
    return ImportLook(
        stage=stage.value,
        waiting_for=sentence,
        since=since,
        ask_after_seconds=LOOK_AGAIN_SECONDS,
        asks=False,
        done=asked.finished_at is not None,
        rows=asked.rows_imported,
        refused_rows=asked.rows_refused,
    )

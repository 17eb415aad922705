"""A county's file becomes applications: all of its rows, or none and a file of the refused ones."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.intake.file_checks import FileChecks
from models.contracts import ImportLook, Subject
from models.forms.application_form import ApplicationForm
from models.forms.spreadsheet import CheckedFile, check_file, nothing_in_it
from models.sheets.spool import DiskRows
from models.store.applications.catalogs import form_catalogs
from models.store.applications.doubles import ItemRow, stage_items
from models.store.applications.rows import Entered, drop_staged, insert_staged, new_rows, stage_rows
from models.store.database import Database
from models.store.imports.findings import Finding, findings, keep_findings, unconfirmed
from models.store.imports.imports import finish_import, import_of, is_on, locked_import, may_join, stands
from models.store.imports.rules import fresh_numbers, numbered, with_locked, with_other_accounts, with_used_numbers
from models.store.lock_order import Rank
from models.store.locking import lock_rows
from models.store.objects import ObjectStore, save_file
from models.store.register.account_locks import locked_people
from models.store.runs.look import note_stage
from models.store.runs.runs import close_run
from models.store.sql import Value
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault
from models.tables.applications import ApplicationImport
from models.wire.words import ApplicantKind
from models.words.stages import Channel, ImportStage

ROWS_AT_ONCE = 2_000
# Only a person ends the wait; the rows are looked at daily all the same.
LOOK_AGAIN_SECONDS = 86_400.0
NOTHING_OF_IT = (
    "有 {} 行未通过校对，整份文件的 {} 行都没有导入，没有问题的行也没有；请在原文件中改正这些行后，把整份文件重新上传"
)
NO_CATALOGS = "本县的补贴项目、乡镇村和开户行名单尚未从平台取得，请先更新目录后重新上传"
BATCH_FROZEN = "所选批次已提交大数据校验，不能再加入申请；请另建批次后重新上传"
_REPORTED = (
    "UPDATE application_import SET rows_total = :total, rows_checked = :done WHERE id = :id AND stage = 'checking'"
)


@dataclass(frozen=True)
class Coming:
    """The rows of a file with their numbers, each once, and in whose name they come."""

    entered: Entered
    numbered: Iterator[tuple[str, ApplicationForm]]


class ApplicationImports:
    def __init__(self, database: Database, vault: Vault, objects: ObjectStore) -> None:
        self._database = database
        self._vault = vault
        self._files = FileChecks(database, vault, objects, _REPORTED)

    @activity.defn
    async def import_applications(self, subject: Subject) -> ImportLook:
        """Check the file and take all rows in, unless it is refused, or stops as 待确认 until an operator decides.

        Safe to repeat: rows, figures and stage change together; what waits for a person, or is over, is left alone.
        """
        async with self._database.transaction() as session:
            # locked: what an act has made of it since stays what the run's row says
            (row,) = await lock_rows(session, Rank.ADDITIONS, import_of(subject))
            look = await _look(session, subject, row)
        if not is_on(row):
            return look
        data = await self._files.content(row.file_id)
        checked, problem = await self._check(row, data)
        if problem or checked.faults:
            return await self._refuse(subject, data, checked, problem)
        items = await asyncio.to_thread(self._items, checked)
        return await self._store_rows(subject, data, checked, items)

    async def _check(self, row: ApplicationImport, data: bytes) -> tuple[CheckedFile, str | None]:
        """Every row checked in a thread, the loop free; progress is written while it goes on."""
        async with self._database.reading() as session:
            catalogs = await form_catalogs(session, row.county_code, row.fund_year)
        if catalogs is None:
            return nothing_in_it(), NO_CATALOGS
        kind = ApplicantKind(row.applicant_kind)
        checked = await self._files.check(row.id, partial(check_file, data, kind, catalogs, None))
        if checked.faults and not checked.row_count:  # what is wrong is the file or its header, not a row
            return checked, checked.faults[0].message
        async with self._database.reading() as session:
            checked = await with_used_numbers(session, checked)
            locked = await locked_people(session, row.county_code)
        return await asyncio.to_thread(with_locked, self._vault, row.county_code, checked, locked), None

    def _items(self, checked: CheckedFile) -> DiskRows[ItemRow]:
        index, items = self._vault.index, DiskRows(tuple[Value, ...], ItemRow._make)
        for each in checked.forms:
            form = each.form
            person, account = index(Field.ID_NUMBER, form.id_number), index(Field.ACCOUNT, form.account_no)
            items.append(ItemRow(each.row, person, form.item_code, form.amount_fen, form.bank_code, account))
        return items

    async def _refuse(self, subject: Subject, data: bytes, checked: CheckedFile, problem: str | None) -> ImportLook:
        refused = None if problem else await self._files.refused_rows(subject.county_code, data, checked.faults)
        async with self._database.transaction() as session:
            (row,) = await lock_rows(session, Rank.ADDITIONS, import_of(subject))
            if is_on(row):
                row.refused_file_id = (await save_file(session, refused)).id if refused else None
                finish_import(row, ImportStage.REFUSED, checked)
                row.rows_refused = 0 if problem else len({fault.row for fault in checked.faults})
                row.problem = problem or NOTHING_OF_IT.format(row.rows_refused, checked.row_count)
                row.faults = self._files.seal(row.import_no, checked.faults)
                return await self._settle(session, subject, row)
            return await _look(session, subject, row)

    async def _store_rows(
        self, subject: Subject, data: bytes, checked: CheckedFile, items: Iterable[ItemRow]
    ) -> ImportLook:
        """All in one transaction. Whoever else adds to the county waits while it compares and inserts, no longer.

        The rows are sealed before, and staged where nobody else sees them.
        """
        coming = await self._number(subject, checked, items)
        async with self._database.transaction() as session:
            await stage_items(session, items)
            if coming:
                await self._stage_rows(session, coming)
            row = await locked_import(session, subject)
            if not is_on(row):
                return await _look(session, subject, row)
            if is_open := await may_join(session, row):
                # somebody may have used a number since the check
                checked = await with_used_numbers(session, checked)
                if not checked.faults:
                    await self._insert_or_stop(session, row, checked, items, coming)
                    return await self._settle(session, subject, row)
        return await self._refuse(subject, data, checked, None if is_open else BATCH_FROZEN)

    async def _number(self, subject: Subject, checked: CheckedFile, items: Iterable[ItemRow]) -> Coming | None:
        """None where the file would stop, as things are now: no numbers are used up for what isn't stored."""
        async with self._database.transaction() as session:
            row = (await session.exec(import_of(subject))).one()
            await stage_items(session, items)
            found = await findings(session, row, checked.to_confirm, items)
            if not is_on(row) or await unconfirmed(session, row, found):
                return None
            return await _coming(session, row, checked)

    async def _stage_rows(self, session: AsyncSession, coming: Coming) -> None:
        def some() -> list[Mapping[str, Value]]:
            return new_rows(self._vault, coming.entered, islice(coming.numbered, ROWS_AT_ONCE))

        while rows := await asyncio.to_thread(some):
            activity.heartbeat()
            await stage_rows(session, rows)

    async def _insert_or_stop(
        self,
        session: AsyncSession,
        row: ApplicationImport,
        checked: CheckedFile,
        items: Iterable[ItemRow],
        coming: Coming | None,
    ) -> None:
        """What the operator confirmed goes in, if nothing has come since that would have stopped it as well."""
        found = await findings(session, row, checked.to_confirm, items)
        checked = await with_other_accounts(session, row.county_code, checked)
        if new := await unconfirmed(session, row, found):
            await self._stop(session, row, checked, found, new)
        else:
            await self._insert(session, row, checked, coming)

    async def _stop(
        self,
        session: AsyncSession,
        row: ApplicationImport,
        checked: CheckedFile,
        found: Sequence[Finding],
        new: set[tuple[int, str, str]],
    ) -> None:
        """Nothing is stored but the list; a confirmation that it outgrew is void."""
        await keep_findings(session, row, found, new)
        row.stage = ImportStage.TO_CONFIRM
        row.decision = row.decided_by = row.decided_at = row.decision_reason_sealed = None
        row.rows_total = row.rows_checked = checked.row_count
        row.faults = self._files.seal(row.import_no, checked.warnings)

    async def _insert(
        self, session: AsyncSession, row: ApplicationImport, checked: CheckedFile, coming: Coming | None
    ) -> None:
        """As staged, unless the file would have stopped a moment ago, or somebody else has confirmed it since."""
        if coming is None or coming.entered.confirmed_by != row.decided_by:
            await drop_staged(session)
            await self._stage_rows(session, await _coming(session, row, checked))
        row.rows_imported = await insert_staged(session)
        row.total_fen = checked.total_fen
        finish_import(row, ImportStage.IMPORTED, checked)
        row.faults = self._files.seal(row.import_no, checked.warnings)

    async def _settle(self, session: AsyncSession, subject: Subject, row: ApplicationImport) -> ImportLook:
        """Stored with the run's row and the trail's entry, which comes last: from there the county takes turns."""
        session.add(row)
        await session.flush()
        look = await _look(session, subject, row)
        detail = {
            "stage": row.stage.value,
            "rows": row.rows_imported,
            "refused_rows": row.rows_refused,
            "to_confirm": row.to_confirm_count,
            "confirmed_by": row.decided_by,
        }
        act = by_system(row.county_code, f"import.{row.stage.value}", row.import_no, detail)
        await record(session, self._vault, replace(act, line_count=row.rows_imported, total_fen=row.total_fen))
        return look


async def _coming(session: AsyncSession, row: ApplicationImport, checked: CheckedFile) -> Coming:
    fresh = await fresh_numbers(session, row, checked.forms)
    made = row.entered_by, row.batch_id, row.id, row.decided_by
    entered = Entered(row.county_code, row.fund_year, Channel.IMPORT, *made)
    return Coming(entered, numbered(checked.forms, fresh))


async def _look(session: AsyncSession, subject: Subject, row: ApplicationImport) -> ImportLook:
    """What the run says of itself, in Temporal and in its row; over, the row is closed with it."""
    stage, sentence = stands(row)
    since = row.finished_at
    if since is None:
        since = (await note_stage(session, subject.workflow_id, stage.value, sentence)).since
    else:
        await close_run(session, subject.workflow_id, stage.value)
    return ImportLook(
        stage=stage.value,
        waiting_for=sentence,
        since=since,
        ask_after_seconds=LOOK_AGAIN_SECONDS,
        asks=False,
        done=row.finished_at is not None,
        rows=row.rows_imported,
        refused_rows=row.rows_refused,
    )

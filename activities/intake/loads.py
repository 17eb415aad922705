"""初始导入: a file of accounts that exist already is checked, asked at the bank page by page, and taken as a whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.intake.file_checks import FileChecks
from activities.platform.account_pages import bank_verdicts
from activities.platform.client import PlatformClient
from models.contracts import Look, Subject
from models.forms.register_file import CheckedAccounts, check_accounts, no_accounts
from models.store.applications.catalogs import bank_catalog
from models.store.database import Database
from models.store.objects import ObjectStore, save_file
from models.store.register.checks import asked_page
from models.store.register.load_pages import ask_load_for_less, keep_load_verdicts, load_page_key, next_load_page
from models.store.register.load_taking import LoadOvertaken, compare_load, take_accounts
from models.store.register.loads import (
    begin_asking,
    end_load,
    load_by_number,
    locked_load,
    same_file,
    sealed_rows,
    store_rows,
)
from models.store.runs.look import note_stage
from models.store.runs.runs import close_run
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.loads import RegisterLoad
from models.wire.requests import AccountQuery
from models.words.card_stages import LoadStage
from models.words.faults import CellFault, FaultCode
from models.words.waiting import LOAD

ROWS_AT_ONCE = 2_000
# Only a person ends the wait; the rows are looked at daily all the same.
LOOK_AGAIN_SECONDS = 86_400.0
ENDED = frozenset({LoadStage.LOADED, LoadStage.REFUSED, LoadStage.NOT_TAKEN})
NOTHING_OF_FILE = "有 {} 行未通过校对，整份文件的 {} 行都没有登记；请在原文件中改正这些行后，把整份文件重新上传"
NO_BANKS = "开户行名单尚未从平台取得，请先更新平台目录后重新上传"
_REPORTED = "UPDATE register_load SET rows_total = :total, rows_checked = :done WHERE id = :id AND stage = 'checking'"


class LoadActivities:
    def __init__(self, database: Database, vault: Vault, objects: ObjectStore, platform: PlatformClient) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._files = FileChecks(database, vault, objects, _REPORTED)

    @activity.defn
    async def look_at_load(self, subject: Subject) -> Look:
        """Where the load stands; one that is over closes its run."""
        async with self._database.transaction() as session:
            # locked: what an act has made of it since stays what the run's row says
            load = await locked_load(session, subject.number)
            assert load is not None, "a run looks at its own row"
            words = LOAD[load.stage]
            since, _ = await note_stage(session, subject.workflow_id, load.stage.value, words)
            if done := load.stage in ENDED:
                await close_run(session, subject.workflow_id, load.stage.value)
        after = 0.0 if done else LOOK_AGAIN_SECONDS
        return Look(
            stage=load.stage.value, waiting_for=words, since=since, ask_after_seconds=after, asks=False, done=done
        )

    @activity.defn
    async def check_load(self, subject: Subject) -> None:
        """校对: refused with the rows at fault, stopped as 待确认, or on to the bank; its rows are stored once."""
        load = await self._load(subject)
        if load.stage is not LoadStage.CHECKING:
            return
        data = await self._files.content(load.file_id)
        checked, problem = await self._check(load, data)
        if problem or checked.faults:
            await self._refuse(load, data, checked, problem)
        else:
            await self._store(load, checked)

    async def _load(self, subject: Subject) -> RegisterLoad:
        async with self._database.reading() as session:
            return await load_by_number(session, subject.number)

    async def _check(self, load: RegisterLoad, data: bytes) -> tuple[CheckedAccounts, str | None]:
        async with self._database.reading() as session:
            banks = await bank_catalog(session, load.county_code)
        if banks is None:
            return no_accounts(), NO_BANKS
        checked = await self._files.check(load.id, partial(check_accounts, data, banks, None))
        if checked.faults and not checked.row_count:  # what is wrong is the file or its header, not a row
            return checked, checked.faults[0].message
        return checked, None

    async def _refuse(self, load: RegisterLoad, data: bytes, checked: CheckedAccounts, problem: str | None) -> None:
        refused = None if problem else await self._files.refused_rows(load.county_code, data, checked.faults)
        async with self._database.transaction() as session:
            row = await _checking(session, load)
            if row is None:
                return
            row.refused_file_id = (await save_file(session, refused)).id if refused else None
            row.rows_total = row.rows_checked = checked.row_count
            row.rows_refused = 0 if problem else len({fault.row for fault in checked.faults})
            row.problem = problem or NOTHING_OF_FILE.format(row.rows_refused, checked.row_count)
            row.faults_sealed = self._files.seal(row.load_no, checked.faults)
            await end_load(session, row, LoadStage.REFUSED)
            await self._note(session, row, "register_load.refused")

    async def _store(self, load: RegisterLoad, checked: CheckedAccounts) -> None:
        """All rows in the transaction that says what comes next; nobody waits for it."""
        async with self._database.transaction() as session:
            row = await _checking(session, load)
            if row is None:
                return
            await self._store_rows(session, row, checked)
            row.rows_total = row.rows_checked = checked.row_count
            row.faults_sealed = self._files.seal(row.load_no, checked.warnings)
            found = [*await _known_file(session, row), *checked.to_confirm]
            if found:
                row.stage, row.findings_sealed = LoadStage.TO_CONFIRM, self._files.seal(row.load_no, found)
                row.to_confirm_count, row.rows_to_confirm = len(found), len({each.row for each in found if each.row})
                session.add(row)
            else:
                await begin_asking(session, row)
            await self._note(session, row, f"register_load.{row.stage.value}")

    async def _store_rows(self, session: AsyncSession, row: RegisterLoad, checked: CheckedAccounts) -> None:
        accounts = checked.accounts()
        while rows := await asyncio.to_thread(sealed_rows, self._vault, row, accounts, ROWS_AT_ONCE):
            activity.heartbeat()
            await store_rows(session, rows)

    @activity.defn
    async def ask_bank_of_load(self, subject: Subject) -> None:
        """银行核验: page after page under its key, each verdict kept once; then what it all means for the register."""
        while (load := await self._load(subject)).stage is LoadStage.ASKING:
            activity.heartbeat(load.pages)
            key = load_page_key(load)
            if queries := await self._page(load, key):
                await self._ask(load, key, queries)
            else:
                await self._compare(load)

    async def _page(self, load: RegisterLoad, key: str) -> tuple[AccountQuery, ...]:
        """What the bank was asked under this key already, byte by byte; else the next rows without a verdict."""
        async with self._database.reading() as session:
            queries = await asked_page(session, self._vault, key)
        if queries:
            return queries
        async with self._database.transaction() as session:
            return await next_load_page(session, self._vault, load.load_no, key)

    async def _ask(self, load: RegisterLoad, key: str, queries: Sequence[AccountQuery]) -> None:
        verdicts = await bank_verdicts(self._platform, load.county_code, queries, key)
        async with self._database.transaction() as session:
            if verdicts is None:
                await ask_load_for_less(session, load.load_no, key)
            else:
                asked = list(zip(queries, verdicts, strict=True))
                await keep_load_verdicts(session, self._vault, load.load_no, key, asked)

    async def _compare(self, load: RegisterLoad) -> None:
        async with self._database.transaction() as session:
            row = await locked_load(session, load.load_no)
            if row is not None and row.stage is LoadStage.ASKING and await compare_load(session, row):
                await self._note(session, row, "register_load.compared")

    @activity.defn
    async def take_load(self, subject: Subject) -> None:
        """登记: all that the reviewer confirmed at once; anew where a change of an account has begun meanwhile."""
        while not await self._taken(subject):
            activity.heartbeat()

    async def _taken(self, subject: Subject) -> bool:
        try:
            async with self._database.transaction() as session:
                row = await locked_load(session, subject.number)
                if row is not None and row.stage is LoadStage.TAKING:
                    await take_accounts(session, row)
                    await self._note(session, row, "register_load.loaded")
        except LoadOvertaken:
            return False
        return True

    async def _note(self, session: AsyncSession, row: RegisterLoad, act: str) -> None:
        """The trail's entry comes last: from there the county takes turns."""
        detail = {"stage": row.stage.value, "refused_rows": row.rows_refused, "to_confirm": row.to_confirm_count}
        entry = by_system(row.county_code, act, row.load_no, {**detail, "figures": row.figures})
        await record(session, self._vault, replace(entry, line_count=row.rows_total))


async def _checking(session: AsyncSession, load: RegisterLoad) -> RegisterLoad | None:
    row = await locked_load(session, load.load_no)
    return row if row is not None and row.stage is LoadStage.CHECKING else None


async def _known_file(session: AsyncSession, row: RegisterLoad) -> list[CellFault]:
    earlier = await same_file(session, row)
    if earlier is None:
        return []
    return [CellFault(0, "", FaultCode.FILE_KNOWN, f"这份文件已登记过（编号 {earlier}），请确认不是重复登记")]

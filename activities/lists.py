"""Hands of initialisation and verification: prepare the list, queue for the province, look (S1 2.4.1, 2.5)."""

from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from models.contracts import DatasetRef, ListLook, RunKind, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.database import Database
from models.store.flows.rounds import LIST_SUMS
from models.store.lock_order import Rank
from models.store.locking import hold, lock_applications, lock_batch
from models.store.pre_flight.kept import keep_foreseen
from models.store.register.account_locks import account_locked_sql
from models.store.runs.look import ask_after, note_stage
from models.store.runs.runs import close_run
from models.store.runs.slots import ask_for_slot, take_slot
from models.store.sql import execute, fetch_one
from models.store.vault import Vault
from models.tables.base import now
from models.tables.batches import Batch, Dataset
from models.wire.words import DatasetKind
from models.words.stages import DatasetStage
from models.words.waiting import LIST

KINDS = {RunKind.BENEFICIARY_INIT: "beneficiary_init", RunKind.VERIFICATION: "verification"}
# Whose account is being changed in this county is left out as held.
NOT_LOCKED = f" AND NOT {account_locked_sql('a')}"
LINES = {
    RunKind.BENEFICIARY_INIT: "a.list_id = (SELECT id FROM beneficiary_list WHERE list_no = :number)"
    " AND a.stage = 'publicised'",
    RunKind.VERIFICATION: "a.batch_id = (SELECT id FROM batch WHERE batch_no = :batch_no) AND a.stage = 'in_batch'"
    " AND a.verification = 'pending'",
}


class ListActivities:
    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings

    @activity.defn
    async def prepare_list(self, subject: Subject) -> ListLook:
        """Fix which lines go out, in which order, and look; a list that is fixed already is only looked at."""
        async with self._database.transaction() as session:
            await hold(session, Rank.RUN, subject.number)
            if subject.kind is RunKind.VERIFICATION:
                await lock_batch(session, Batch.batch_no == subject.batch_no)
            if not await fetch_one(session, int, "SELECT 1 FROM dataset WHERE reference = :no", no=subject.number):
                await self._fix_list(session, subject)
            return await self._look(session, subject)

    async def _fix_list(self, session: AsyncSession, subject: Subject) -> None:
        dataset_id = await fetch_one(
            session,
            int,
            "INSERT INTO dataset (reference, kind, county_code, batch_id, stage, generation, record_count,"
            " total_fen, created_at) VALUES (:no, :kind, :county,"
            " (SELECT id FROM batch WHERE batch_no = CAST(:batch_no AS text)), 'prepared', 1, 0, 0,"
            " now()) RETURNING id",
            no=subject.number,
            kind=KINDS[subject.kind],
            county=subject.county_code,
            batch_no=subject.batch_no if subject.kind is RunKind.VERIFICATION else None,
        )
        assert dataset_id is not None
        await self._fix_lines(session, subject, dataset_id)

    async def _fix_lines(self, session: AsyncSession, subject: Subject, dataset_id: int) -> None:
        names = (
            {"number": subject.number} if subject.kind is RunKind.BENEFICIARY_INIT else {"batch_no": subject.batch_no}
        )
        await execute(
            session,
            "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen)"
            " SELECT :dataset, row_number() OVER (ORDER BY a.id) - 1, a.id, a.application_no, a.amount_fen"
            f" FROM application a WHERE {LINES[subject.kind]}{NOT_LOCKED}",
            dataset=dataset_id,
            **names,
        )
        # a set, never a join: statistics that are older than this list say that it has no line, and the plan would walk
        # through all of them once for each
        left_out = f"SELECT a.id FROM application a WHERE {LINES[subject.kind]} AND a.id NOT IN (SELECT application_id"
        left_out += " FROM dataset_line WHERE dataset_id = :dataset)"
        await lock_applications(session, left_out, dataset=dataset_id, **names)
        await execute(
            session,
            LIST_SUMS,
            id=dataset_id,
        )
        await self._leave_out(session, dataset_id)
        await keep_foreseen(session, subject.county_code, dataset_id, DatasetKind(KINDS[subject.kind]))

    async def _leave_out(self, session: AsyncSession, dataset_id: int) -> None:
        """Whose account is being changed is free for the next list, or held until the change is through."""
        await execute(
            session,
            "UPDATE application a SET list_id = NULL, updated_at = now() WHERE a.stage = 'publicised' AND a.list_id ="
            " (SELECT b.id FROM beneficiary_list b JOIN dataset d ON d.reference = b.list_no WHERE d.id = :id)"
            " AND a.id NOT IN (SELECT application_id FROM dataset_line WHERE dataset_id = :id)",
            id=dataset_id,
        )
        await execute(
            session,
            "UPDATE application a SET verification = 'held' WHERE a.verification = 'pending' AND a.stage = 'in_batch'"
            " AND a.batch_id = (SELECT batch_id FROM dataset WHERE id = :id)"
            " AND a.id NOT IN (SELECT application_id FROM dataset_line WHERE dataset_id = :id)",
            id=dataset_id,
        )

    @activity.defn
    async def ask_for_slot(self, subject: Subject) -> ListLook:
        """Queue for the province's one initialisation: first come, first served; asking again keeps the place."""
        async with self._database.transaction() as session:
            # the run's own name before the province's, as in a look that gives the slot back
            await hold(session, Rank.RUN, subject.number)
            await ask_for_slot(session, subject.county_code, subject.number)
            return await self._look(session, subject)

    @activity.defn
    async def look_at_list(self, subject: Subject) -> ListLook:
        """Apply what has come, grant the slot if it is free, and tell where the list stands."""
        async with self._database.transaction() as session:
            return await self._look(session, subject)

    async def _look(self, session: AsyncSession, subject: Subject) -> ListLook:
        await apply_pending_events(session, self._vault, subject)
        dataset = (await session.exec(select(Dataset).where(Dataset.reference == subject.number))).one()
        if dataset.record_count == 0 and dataset.stage is DatasetStage.PREPARED:
            await _finish_empty(session, dataset)
        granted = (
            await take_slot(session, subject.county_code, subject.number)
            if subject.kind is RunKind.BENEFICIARY_INIT
            else True
        )
        return await self._stands(session, subject, dataset, granted)

    async def _stands(self, session: AsyncSession, subject: Subject, dataset: Dataset, granted: bool) -> ListLook:
        waiting = dataset.stage is DatasetStage.PREPARED and dataset.platform_id is not None and not granted
        stage = DatasetStage.WAITING_SLOT if waiting else dataset.stage
        sentence = LIST[stage] if not waiting else await _queue(session, subject)
        since, ask_now = await note_stage(session, subject.workflow_id, stage.value, sentence)
        done = stage in (DatasetStage.REVIEWED, DatasetStage.REFUSED)
        if done:
            await close_run(session, subject.workflow_id, stage.value)
        return ListLook(
            stage=stage.value,
            waiting_for=sentence,
            since=since,
            ask_after_seconds=ask_after(self._settings, since, now()),
            ask_now=ask_now,
            done=done,
            dataset=DatasetRef(
                dataset_id=int(dataset.id or 0), reference=dataset.reference, county_code=dataset.county_code
            ),
            committed=dataset.stage is not DatasetStage.PREPARED,
            slot_granted=granted,
        )


async def _finish_empty(session: AsyncSession, dataset: Dataset) -> None:
    """Every line was held: there is nothing to ask the platform."""
    await execute(
        session, "UPDATE batch SET stage = 'verified' WHERE id = :id AND stage = 'verifying'", id=dataset.batch_id
    )
    dataset.stage, dataset.reviewed_at = DatasetStage.REVIEWED, now()
    await session.flush()


class _Queue(NamedTuple):
    holder: str | None
    before: int


async def _queue(session: AsyncSession, subject: Subject) -> str:
    """The queue in words: who holds the slot and how many are before us."""
    row = await fetch_one(
        session,
        _Queue,
        "SELECT (SELECT county_code FROM province_slot h WHERE h.province_code = s.province_code"
        "   AND h.granted_at IS NOT NULL AND h.released_at IS NULL) AS holder,"
        " (SELECT count(*) FROM province_slot b WHERE b.province_code = s.province_code AND b.id < s.id"
        "   AND b.released_at IS NULL) AS before FROM province_slot s WHERE s.list_no = :list",
        list=subject.number,
    )
    if row is None:
        return LIST[DatasetStage.WAITING_SLOT]
    return f"{LIST[DatasetStage.WAITING_SLOT]}，现由 {row.holder or '—'} 占用，前面还有 {row.before} 家"

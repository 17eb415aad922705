"""Pushing a list page by page and handing it over; the same for initialisation, verification and rounds."""

from collections.abc import Sequence
from functools import partial

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.files import PlatformFiles
from activities.platform.tries import for_each, with_retries
from models.contracts import CommitResult, DatasetRef, PushResult, number_of
from models.settings import Settings
from models.store.applications.records import record_lines, record_of
from models.store.database import Database
from models.store.lists.refusals import take_back
from models.store.locking import lock_list
from models.store.runs.look import remember
from models.store.sql import execute, fetch, fetch_one
from models.store.vault import Vault
from models.tables.batches import Batch, Dataset
from models.tables.flows import Flow
from models.wire.answers import PAGE_LIMIT
from models.wire.requests import ApplicantRecord, DatasetCommit, DatasetOpening, records_json
from models.wire.words import DatasetKind, ProblemCode, RoundMode
from models.words.errors import BUSY
from models.words.stages import DatasetStage

PAGES_AT_ONCE = 3
# A list that the platform no longer knows was dropped after 24 hours: it is sent anew under keys of its own.
DROPPED = (ProblemCode.NOT_FOUND, ProblemCode.DATASET_CLOSED)


class DatasetActivities:
    def __init__(
        self, database: Database, vault: Vault, platform: PlatformClient, files: PlatformFiles, settings: Settings
    ) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._files = files
        self._settings = settings

    @activity.defn
    async def push_dataset(self, ref: DatasetRef) -> PushResult:
        """Open the list and send its pages; each page's bytes are fixed by its key, so repeating sends the same."""
        dataset = await self._read(ref)
        if dataset.stage not in (DatasetStage.PREPARED, DatasetStage.WAITING_SLOT):
            return PushResult(stored=True)
        try:
            platform_id = dataset.platform_id or await self._open(dataset)
            await self._put_pages(dataset, platform_id)
        except PlatformRefusal as refusal:
            return PushResult(stored=False, try_again_seconds=await self._refused(dataset, refusal))
        return PushResult(stored=True)

    @activity.defn
    async def hand_over(self, ref: DatasetRef) -> CommitResult:
        """Pages, then the commit, for a list that needs no slot; once that was asked for the pages are all there."""
        if not await self._commit_asked(ref):
            pushed = await self.push_dataset(ref)
            if not pushed.stored:
                return CommitResult(committed=False, try_again_seconds=pushed.try_again_seconds)
        return await self.commit_dataset(ref)

    async def _commit_asked(self, ref: DatasetRef) -> bool:
        dataset = await self._read(ref)
        async with self._database.reading() as session:
            key = f"{_generation(dataset)}/commit"
            return await fetch_one(session, int, "SELECT 1 FROM instruction WHERE key = :key", key=key) is not None

    @activity.defn
    async def commit_dataset(self, ref: DatasetRef) -> CommitResult:
        """Hand the list over; a second time under the same key is the same hand-over."""
        dataset = await self._read(ref)
        if dataset.stage not in (DatasetStage.PREPARED, DatasetStage.WAITING_SLOT):
            return CommitResult(committed=True)
        if dataset.platform_id is None:
            return CommitResult(committed=False)
        totals = DatasetCommit(
            page_count=_pages(dataset.record_count), record_count=dataset.record_count, total_fen=dataset.total_fen
        )
        try:
            await self._platform.commit_dataset(
                dataset.county_code, dataset.platform_id, totals, key=f"{_generation(dataset)}/commit"
            )
        except PlatformRefusal as refusal:
            return CommitResult(committed=False, try_again_seconds=await self._refused(dataset, refusal))
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE dataset SET stage = 'under_review', committed_at = now() WHERE id = :id"
                " AND stage IN ('prepared', 'waiting_slot')",
                id=dataset.id,
            )
        return CommitResult(committed=True)

    async def _read(self, ref: DatasetRef) -> Dataset:
        async with self._database.reading() as session:
            return (await session.exec(select(Dataset).where(Dataset.id == ref.dataset_id))).one()

    async def _open(self, dataset: Dataset) -> str:
        async with self._database.reading() as session:
            batch = await session.get(Batch, dataset.batch_id) if dataset.batch_id else None
            flow = await session.get(Flow, dataset.flow_id) if dataset.flow_id else None
        opening = DatasetOpening(
            client_reference=dataset.reference,
            kind=DatasetKind(dataset.kind),
            county_code=dataset.county_code,
            batch_no=batch.batch_no if batch else None,
            flow_id=flow.platform_id if flow else None,
            mode=RoundMode(dataset.mode) if dataset.mode else None,
        )
        answer = await self._platform.open_dataset(opening, key=f"{_generation(dataset)}/open")
        async with self._database.transaction() as session:
            await execute(
                session, "UPDATE dataset SET platform_id = :pid WHERE id = :id", pid=answer.dataset_id, id=dataset.id
            )
            await remember(session, dataset.county_code, answer.dataset_id, number_of(dataset.reference))
        return answer.dataset_id

    async def _put_pages(self, dataset: Dataset, platform_id: str) -> None:
        """A few at a time: while the platform reads one, the next is being opened from the vault."""
        keys = {_page_key(dataset, page): page for page in range(1, _pages(dataset.record_count) + 1)}
        stored = await self._answered(list(keys))
        left = [page for key, page in keys.items() if key not in stored]
        await for_each(left, partial(self._put_page, dataset, platform_id), PAGES_AT_ONCE)

    async def _answered(self, keys: Sequence[str]) -> set[str]:
        """What the platform has: a list that waits for its turn is pushed at each wake, and none of it opened again."""
        statement = "SELECT key FROM instruction WHERE key = ANY(:keys) AND answer IS NOT NULL"
        async with self._database.reading() as session:
            return set(await fetch(session, str, statement, keys=keys))

    async def _put_page(self, dataset: Dataset, platform_id: str, page: int) -> None:
        records = await self._records(dataset, (page - 1) * PAGE_LIMIT)
        key = _page_key(dataset, page)
        content = records_json(tuple(records))
        await with_retries(partial(self._platform.put_page, dataset.county_code, platform_id, page, content, key=key))

    async def _records(self, dataset: Dataset, start: int) -> list[ApplicantRecord]:
        async with self._database.reading() as session:
            lines = await record_lines(session, dataset, start, start + PAGE_LIMIT)
        photos = await self._files.upload_what_is_taken(line.photo for line in lines if line.photo)
        return [record_of(self._vault, line, photos) for line in lines]

    async def _refused(self, dataset: Dataset, refusal: PlatformRefusal) -> float:
        """Seconds until the list goes out again, 0 for a look at once: it may have come back with the refusal.

        Who is busy is left alone; a list that was dropped goes out anew, and one that is dropped again not at once.
        """
        pause = self._settings.platform_busy_retry_seconds
        async with self._database.transaction() as session:
            if refusal.code in BUSY:
                await _note_holder(session, dataset, refusal.holder)
                return pause
            held = await lock_list(session, dataset.reference)
            assert held is not None, "a list's row never goes"
            if refusal.code not in DROPPED:
                await take_back(session, self._vault, held, refusal.details)
                return 0.0
            if held.generation == dataset.generation:
                held.generation, held.platform_id = held.generation + 1, None
        return pause if dataset.generation > 1 else 0.0


async def _note_holder(session: AsyncSession, dataset: Dataset, holder: str | None) -> None:
    """A county outside this system holds the province: noted for all who wait."""
    await execute(
        session,
        "UPDATE province_slot SET outside_holder = :holder WHERE list_no = :list AND released_at IS NULL",
        holder=holder,
        list=dataset.reference,
    )


def _pages(records: int) -> int:
    return -(-records // PAGE_LIMIT)


def _page_key(dataset: Dataset, page: int) -> str:
    return f"{_generation(dataset)}/p{page}"


def _generation(dataset: Dataset) -> str:
    return f"{dataset.reference}/g{dataset.generation}"

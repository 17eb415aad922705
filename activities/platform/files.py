"""Files that the platform must have before an instruction may name them."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from sqlmodel import col, select
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.tries import for_each, with_retries
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.sql import execute
from models.tables.policies import StoredFile
from models.wire.words import MediaType

UPLOADS_AT_ONCE = 8
# One that waits for its next try is in nobody's way.
LANES = 2 * UPLOADS_AT_ONCE


class PlatformFiles:
    """Uploads each file once, noted one by one; addressed by its own hash, so repeating one is harmless."""

    def __init__(self, database: Database, objects: ObjectStore, platform: PlatformClient) -> None:
        self._database = database
        self._objects = objects
        self._platform = platform
        self._gate = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def upload(self, file_ids: Iterable[int]) -> dict[int, str]:
        """The platform's ids of stored files, uploading what it doesn't have yet; raises PlatformRefusal."""
        files = await self._read(file_ids)
        await for_each(_missing(files), self._upload_one, LANES)
        return _platform_ids(files)

    async def upload_what_is_taken(self, file_ids: Iterable[int]) -> dict[int, str]:
        """The same where a file may be missing: one that the platform refuses is left out."""
        files = await self._read(file_ids)
        await for_each(_missing(files), self._try_one, LANES)
        return _platform_ids(files)

    async def uploaded(self, file_ids: Iterable[int]) -> dict[int, str]:
        """The platform's ids of those that it has by now."""
        return _platform_ids(await self._read(file_ids))

    async def _read(self, file_ids: Iterable[int]) -> Sequence[StoredFile]:
        if not (wanted := sorted(set(file_ids))):
            return ()
        async with self._database.reading() as session:
            statement = select(StoredFile).where(col(StoredFile.id).in_(wanted))
            return (await session.exec(statement)).all()

    async def _try_one(self, file: StoredFile) -> None:
        try:
            await self._upload_one(file)
        except PlatformRefusal as refusal:
            activity.logger.warning("file %s is left out: %s", file.id, refusal)

    async def _upload_one(self, file: StoredFile) -> None:
        file.platform_file_id = await with_retries(partial(self._store, file))
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE stored_file SET platform_file_id = :platform WHERE id = :id",
                platform=file.platform_file_id,
                id=file.id,
            )

    async def _store(self, file: StoredFile) -> str:
        async with self._gate:
            content = await self._objects.get(file)
            stored = await self._platform.upload_file(file.county_code, content, MediaType(file.content_type))
        return stored.file_id


def _missing(files: Sequence[StoredFile]) -> list[StoredFile]:
    return [file for file in files if file.platform_file_id is None]


def _platform_ids(files: Sequence[StoredFile]) -> dict[int, str]:
    return {file.id: file.platform_file_id for file in files if file.id and file.platform_file_id}

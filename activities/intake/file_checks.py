"""What every file of a county goes through, whatever its rows are: read, checked with progress, refused rows kept."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from sqlmodel import select
from temporalio import activity

from models.forms.files import refused_rows_file
from models.forms.headers import Progress
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.sql import execute
from models.store.vault import Field, Vault
from models.tables.policies import StoredFile
from models.wire.words import MediaType
from models.words.faults import CellFault

Checked = TypeVar("Checked")
REPORT_SECONDS = 0.5
# More would fill a screen, not a person's mind: files and lists of their own have them all.
MOST_TOLD = 1_000


@dataclass
class RowsDone:
    """Written by the checking thread, read by the loop."""

    done: int = 0
    total: int = 0

    def note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class FileChecks:
    """`reported` is the statement that takes a file's progress: `:done` of `:total` rows, of row `:id`."""

    def __init__(self, database: Database, vault: Vault, objects: ObjectStore, reported: str) -> None:
        self._database = database
        self._vault = vault
        self._objects = objects
        self._reported = reported

    async def content(self, file_id: int) -> bytes:
        async with self._database.reading() as session:
            stored = (await session.exec(select(StoredFile).where(StoredFile.id == file_id))).one()
        return await self._objects.get(stored)

    async def check(self, row_id: int | None, check: Callable[[Progress], Checked]) -> Checked:
        """In a thread, the loop free; progress is written while it goes on."""
        progress = RowsDone()
        checking = asyncio.create_task(asyncio.to_thread(check, progress.note))
        while not checking.done():
            await asyncio.wait({checking}, timeout=REPORT_SECONDS)
            activity.heartbeat(progress.done)
            async with self._database.transaction() as session:
                await execute(session, self._reported, total=progress.total, done=progress.done, id=row_id)
        return checking.result()

    async def refused_rows(self, county_code: str, data: bytes, faults: Sequence[CellFault]) -> StoredFile:
        content = await asyncio.to_thread(refused_rows_file, data, faults)
        activity.heartbeat()
        return await self._objects.put(county_code, content, MediaType.XLSX.value, "system")

    def seal(self, number: str, faults: Sequence[CellFault]) -> str | None:
        """The first of them. Faults name no values, but together with the file they are about people."""
        if not faults:
            return None
        listed = json.dumps([asdict(fault) for fault in faults[:MOST_TOLD]], ensure_ascii=False)
        return self._vault.seal(Field.FAULTS, number, listed)

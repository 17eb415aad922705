"""The row of an import: found, locked after what it may have to wait for, still on or over."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from models.contracts import Subject
from models.forms.spreadsheet import CheckedFile
from models.store.applications.doubles import lock_additions
from models.store.lock_order import Rank
from models.store.locking import SHARED, fetch_locked, lock_county, lock_rows
from models.tables.applications import ApplicationImport
from models.tables.base import now
from models.words.stages import BatchStage, ImportStage
from models.words.waiting import IMPORT, IMPORT_CONFIRMED

# Refused ones wait for their enterer until a corrected file is handed in (its own result counts from then on), or until
# somebody has said 知道了; who dropped one knows it.
TO_CORRECT = (
    "application_import.stage = 'refused' AND application_import.decision IS NULL"
    " AND application_import.acknowledged_at IS NULL AND NOT EXISTS (SELECT FROM application_import AS later"
    " WHERE later.county_code = application_import.county_code AND later.corrects_id = application_import.id)"
)


def import_of(subject: Subject) -> SelectOfScalar[ApplicationImport]:
    return select(ApplicationImport).where(ApplicationImport.import_no == subject.number)


def finish_import(row: ApplicationImport, stage: ImportStage, checked: CheckedFile) -> None:
    row.stage = stage
    row.rows_total = row.rows_checked = checked.row_count
    row.finished_at = now()


def is_on(row: ApplicationImport) -> bool:
    """Being checked, or confirmed; otherwise it is over, or waits for an operator's word."""
    return row.stage is ImportStage.CHECKING or (row.stage is ImportStage.TO_CONFIRM and row.decision is not None)


def stands(row: ApplicationImport) -> tuple[ImportStage, str]:
    """What its run says of it: what an operator has confirmed waits for nobody, and is checked once more."""
    if row.stage is ImportStage.TO_CONFIRM and row.decision is not None:
        return ImportStage.CHECKING, IMPORT_CONFIRMED
    return row.stage, IMPORT[row.stage]


async def locked_import(session: AsyncSession, subject: Subject) -> ApplicationImport:
    """The import, locked after what it may have to wait for: the batch's acts, other imports of the county."""
    if subject.batch_no is not None:
        await lock_county(session, subject.county_code)
    await lock_additions(session, subject.county_code)
    (row,) = await lock_rows(session, Rank.ADDITIONS, import_of(subject))
    return row


async def may_join(session: AsyncSession, row: ApplicationImport) -> bool:
    """The batch may have been frozen since the file was handed in."""
    if row.batch_id is None:
        return True
    stages = await fetch_locked(
        session, Rank.BATCH, str, "SELECT stage FROM batch WHERE id = :id", SHARED, id=row.batch_id
    )
    return any(stage == BatchStage.OPEN for stage in stages)

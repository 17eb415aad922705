"""What stops an import as 待确认: found by the check of the file and among the county's applications."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.money import format_yuan
from models.store.applications.doubles import ItemRow, ThereAlready, there_already
from models.store.sql import copy_rows, execute, fetch, fetch_one
from models.tables.applications import ApplicationImport
from models.words.calendar import CHINA
from models.words.faults import CellFault, FaultCode
from models.words.stages import ApplicationStage

# More would fill a screen, not a person's mind: files and lists of their own have them all.
MOST_SHOWN = 1_000
_COLUMNS = (
    *("import_id", "file_row", "file_column", "code", "message"),
    *("application_no", "stage", "amount_fen", "item_code", "row_amount_fen", "is_new"),
)


class Finding(NamedTuple):
    """One thing that an operator is told of; `application_no`, stage and amount are of what is there already."""

    file_row: int
    file_column: str
    code: str
    message: str
    application_no: str | None = None
    stage: str | None = None
    amount_fen: int | None = None
    item_code: str | None = None
    row_amount_fen: int | None = None

    @property
    def what(self) -> tuple[int, str, str]:
        """What makes it the same as one that was confirmed: a stage that has moved since is no news."""
        return self.file_row, self.code, self.application_no or self.message


class _Imported(NamedTuple):
    import_no: str
    finished_at: datetime
    rows_imported: int


class _What(NamedTuple):
    """`Finding.what` of one that was shown."""

    file_row: int
    code: str
    about: str


async def findings(
    session: AsyncSession, row: ApplicationImport, of_the_file: Sequence[CellFault], items: Iterable[ItemRow]
) -> list[Finding]:
    """All of them, in the order of the file; what is about the file itself comes first. After `stage_items`."""
    wanted = {fault.row for fault in of_the_file}
    by_row = {item.file_row: item for item in items if item.file_row in wanted} if wanted else {}
    in_file = [_in_file(fault, by_row.get(fault.row)) for fault in of_the_file]
    rows = await there_already(session, row.county_code, row.fund_year)
    found = [*await _known_file(session, row), *in_file, *map(_there, rows)]
    return sorted(found, key=lambda finding: finding.file_row)


def _in_file(fault: CellFault, item: ItemRow | None) -> Finding:
    code, fen = (item.item_code, item.amount_fen) if item else (None, None)
    return Finding(fault.row, fault.column, fault.code.value, fault.message, item_code=code, row_amount_fen=fen)


def _there(row: ThereAlready) -> Finding:
    words = ApplicationStage(row.stage).label
    message = (
        f"同一对象的同一补贴项目本年度已有申请 {row.application_no}（{words}，{format_yuan(row.amount_fen)} 元），"
        "请确认不是重复申报"
    )
    place = row.file_row, "", FaultCode.SAME_ITEM.value, message
    return Finding(*place, row.application_no, row.stage, row.amount_fen, row.item_code, row.row_amount_fen)


async def _known_file(session: AsyncSession, row: ApplicationImport) -> list[Finding]:
    """The same bytes, taken in before for the same county and fund year; a refused import doesn't count."""
    earlier = await fetch_one(
        session,
        _Imported,
        "SELECT i.import_no, i.finished_at, i.rows_imported FROM application_import i"
        " JOIN stored_file s ON s.id = i.file_id WHERE i.county_code = :county AND i.fund_year = :year"
        " AND i.stage = 'imported' AND i.id <> :id AND s.sha256 = (SELECT sha256 FROM stored_file WHERE id = :file)"
        " ORDER BY i.finished_at DESC LIMIT 1",
        county=row.county_code,
        year=row.fund_year,
        id=row.id,
        file=row.file_id,
    )
    if earlier is None:
        return []
    when = earlier.finished_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
    message = (
        f"这份文件已于 {when} 导入过（导入编号 {earlier.import_no}，{earlier.rows_imported} 行），请确认不是重复导入"
    )
    return [Finding(0, "", FaultCode.FILE_KNOWN.value, message)]


async def unconfirmed(
    session: AsyncSession, row: ApplicationImport, found: Iterable[Finding]
) -> set[tuple[int, str, str]]:
    """Of what is found, what the operator has not confirmed."""
    if row.decision is None:
        return {finding.what for finding in found}
    shown = await fetch(
        session,
        _What,
        "SELECT file_row, code, coalesce(application_no, message) AS about FROM import_finding WHERE import_id = :id",
        id=row.id,
    )
    return {finding.what for finding in found} - set(shown)


async def keep_findings(
    session: AsyncSession, row: ApplicationImport, found: Sequence[Finding], new: set[tuple[int, str, str]]
) -> None:
    """Replace the list that an operator is to confirm."""
    assert row.id is not None
    since = row.decision is not None
    await execute(session, "DELETE FROM import_finding WHERE import_id = :id", id=row.id)
    rows = ((row.id, *finding, since and finding.what in new) for finding in found)
    await copy_rows(session, "import_finding", _COLUMNS, rows)
    row.to_confirm_count = len(found)
    row.rows_to_confirm = len({finding.file_row for finding in found if finding.file_row})

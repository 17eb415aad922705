"""What a person decides about an import: 确认 or 放弃 what is to be confirmed, and 知道了 of what was refused."""

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.imports.handed_in import note_refused
from api.imports.import_views import find_import, list_version, whole_import
from api.server.problems import conflict
from models.contracts import RunKind, Signal, workflow_id
from models.store.imports.imports import stands
from models.store.runs.look import note_decided
from models.store.runs.runs import wake
from models.store.vault import Field as Sealed
from models.tables.applications import ApplicationImport
from models.tables.base import now
from models.words.refusals import Refusal
from models.words.stages import ImportStage, ImportVerdict

DROPPED = "操作员放弃了导入，文件的所有行都没有导入"


async def decide_import(
    desk: Desk, session: AsyncSession, import_no: str, decision: ImportVerdict, reason: str, seen: int | None = None
) -> Reply:
    row = await find_import(desk, session, import_no, changing=True)
    await _refuse_unless_to_confirm(desk, session, row)
    if seen is not None and seen != await list_version(session, row):
        detail = f"导入 {import_no} 的待确认清单在您查看之后又有变化；请刷新，核对新的清单后再确认"
        raise conflict(Refusal.LIST_CHANGED, "待确认清单已变", detail)
    row.decision, row.decided_by, row.decided_at = decision, desk.person, now()
    row.decision_reason_sealed = desk.vault.seal(Sealed.REASON, import_no, reason)
    if decision is ImportVerdict.DROPPED:
        row.stage, row.finished_at, row.problem, row.faults = ImportStage.REFUSED, now(), DROPPED, None
    session.add(row)
    await session.flush()
    run_id, (stage, words) = workflow_id(RunKind.APPLICATION_IMPORT, import_no), stands(row)
    await wake(session, run_id, Signal.IMPORT_DECIDED, [import_no])
    await note_decided(session, run_id, stage.value, words if row.finished_at is None else "")
    told = {"before": ImportStage.TO_CONFIRM, "after": row.stage, "reason": reason, "found": row.to_confirm_count}
    await desk.trail(session, f"import.{decision}", import_no, told, row.rows_total)
    return Reply(200, await whole_import(desk, session, row))


async def _refuse_unless_to_confirm(desk: Desk, session: AsyncSession, row: ApplicationImport) -> None:
    if row.stage is not ImportStage.TO_CONFIRM:
        words = f"“{row.stage.label}”，只有“{ImportStage.TO_CONFIRM.label}”的才能确认或放弃"
        raise conflict(
            Refusal.IMPORT_NOT_WAITING, "导入不在待确认", f"导入 {row.import_no} 现在是{words}；请刷新后核对"
        )
    if row.decision is not None:
        detail = f"导入 {row.import_no} 已由 {await desk.called(session, row.decided_by)} 确认，正在导入；请刷新后核对"
        raise conflict(Refusal.IMPORT_CONFIRMED, "导入已经确认", detail)


async def acknowledge(desk: Desk, session: AsyncSession, import_no: str) -> Reply:
    row = await find_import(desk, session, import_no, changing=True)
    require_refused(row)
    await note_refused(desk, session, row, "import.noted", import_no)
    return Reply(200, await whole_import(desk, session, row))


def require_refused(row: ApplicationImport) -> None:
    if row.stage is not ImportStage.REFUSED:
        words = f"“{row.stage.label}”，只有“{ImportStage.REFUSED.label}”的才须改正"
        detail = f"导入 {row.import_no} 现在是{words}；请刷新后核对"
        raise conflict(Refusal.IMPORT_NOT_REFUSED, "导入没有被拒", detail)

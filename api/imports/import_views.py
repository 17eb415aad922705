"""How an import is shown: progress, figures, faults and warnings."""

from collections.abc import Mapping, Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from api.counter.desk import Desk
from api.counter.names import Names, names_of
from api.counter.run_block import run_of
from api.server.problems import not_found
from api.server.rendering import json_in
from models.contracts import RunKind
from models.store.sql import fetch_int, loose
from models.store.vault import Field
from models.tables.applications import ApplicationImport, ImportFinding
from models.words.flow_words import APPLICANTS
from models.words.stages import ApplicationStage, ImportStage

IMPORT_HEADERS: Mapping[str, str] = {
    "import_no": "导入编号",
    "fund_year": "资金年度",
    "kind_label": "申请类型",
    "batch_no": "结算批次",
    "stage_label": "状态",
    "rows_total": "总行数",
    "rows_checked": "已校对",
    "rows_imported": "已导入",
    "rows_refused": "被拒行数",
    "rows_to_confirm": "待确认行数",
    "total_fen": "金额（元）",
    "problem": "未导入原因",
    "entered_by": "导入人",
    "decided_by": "确认或放弃人",
    "created_at": "提交时间",
    "finished_at": "完成时间",
}
_FIELDS = {
    *("import_no", "fund_year", "applicant_kind", "stage", "rows_total", "rows_checked", "rows_imported"),
    *("rows_refused", "total_fen", "problem", "entered_by", "created_at", "finished_at"),
    *("to_confirm_count", "rows_to_confirm", "decision", "decided_by", "decided_at"),
}
FINDING_HEADERS: Mapping[str, str] = {
    "row": "行号",
    "column": "列",
    "item": "补贴项目",
    "row_amount_fen": "本行金额（元）",
    "application_no": "已有申请编号",
    "stage_label": "已有申请状态",
    "amount_fen": "已有申请金额（元）",
    "message": "待确认原因",
    "is_new": "确认后新增",
}
MOST_SHOWN = 1_000


async def find_import(
    desk: Desk, session: AsyncSession, import_no: str, *, changing: bool = False
) -> ApplicationImport:
    statement = select(ApplicationImport).where(
        ApplicationImport.import_no == import_no, ApplicationImport.county_code == desk.county
    )
    if changing:
        statement = statement.with_for_update()
    found = (await session.exec(statement)).first()
    if found is None:
        raise not_found("导入")
    return found


async def import_views(
    session: AsyncSession, imports: Sequence[ApplicationImport]
) -> list[tuple[int, dict[str, object]]]:
    ids = sorted({asked.batch_id for asked in imports if asked.batch_id is not None})
    rows = await loose(session, "SELECT id, batch_no FROM batch WHERE id = ANY(:ids)", ids=ids) if ids else []
    batches = dict(rows)
    return [(asked.id or 0, _view(asked) | {"batch_no": batches.get(asked.batch_id)}) for asked in imports]


async def whole_import(desk: Desk, session: AsyncSession, asked: ApplicationImport) -> dict[str, object]:
    """With its faults (refused), warnings, and what is to be confirmed, by row; no value of the file is repeated."""
    sealed = asked.faults
    listed = json_in(desk.shown.open(Field.FAULTS, asked.import_no, sealed)) if sealed else []
    refused = asked.stage is ImportStage.REFUSED
    ((_, view),) = await import_views(session, [asked])
    found = await _to_confirm(desk, session, asked)
    return {
        **view,
        "faults": listed if refused else [],
        "warnings": [] if refused else listed,
        "to_confirm": [each for _, each in found],
        "to_confirm_version": found[0][0] if found else None,
        "to_confirm_url": f"/application-imports/{asked.import_no}/to-confirm" if asked.to_confirm_count else None,
        "decision_reason": _reason(desk, asked),
        "refused_rows_url": f"/application-imports/{asked.import_no}/refused-rows" if asked.refused_file_id else None,
        "run": await run_of(session, desk.settings, RunKind.APPLICATION_IMPORT, asked.import_no),
    }


async def list_version(session: AsyncSession, asked: ApplicationImport) -> int:
    """The first one's id: whenever the import stops again its list is written anew."""
    return await fetch_int(session, "SELECT min(id) FROM import_finding WHERE import_id = :id", id=asked.id)


async def _to_confirm(
    desk: Desk, session: AsyncSession, asked: ApplicationImport
) -> list[tuple[int, dict[str, object]]]:
    """The first of them; all are in the list of their own."""
    if not asked.to_confirm_count:
        return []
    found = await session.exec(findings_of(asked).order_by(col(ImportFinding.id)).limit(MOST_SHOWN))
    return finding_views(await names_of(session, desk.county), found.all())


def findings_of(asked: ApplicationImport) -> SelectOfScalar[ImportFinding]:
    return select(ImportFinding).where(ImportFinding.import_id == asked.id)


def finding_views(names: Names, found: Sequence[ImportFinding]) -> list[tuple[int, dict[str, object]]]:
    """Row 0 is the file itself; number, stage and amount are of the application that is there already."""
    return [
        (
            each.id or 0,
            {
                "row": each.file_row,
                "column": each.file_column or None,
                "code": each.code,
                "message": each.message,
                "application_no": each.application_no,
                "stage": each.stage,
                "stage_label": ApplicationStage(each.stage).label if each.stage else None,
                "amount_fen": each.amount_fen,
                "item_code": each.item_code,
                "item": names.item(each.item_code) if each.item_code else None,
                "row_amount_fen": each.row_amount_fen,
                "is_new": each.is_new,
            },
        )
        for each in found
    ]


def _reason(desk: Desk, asked: ApplicationImport) -> str | None:
    sealed = asked.decision_reason_sealed
    return desk.shown.open(Field.REASON, asked.import_no, sealed) if sealed else None


def _view(asked: ApplicationImport) -> dict[str, object]:
    words = {"stage_label": ImportStage(asked.stage).label, "kind_label": APPLICANTS[asked.applicant_kind]}
    return asked.model_dump(include=_FIELDS) | words

"""How an import is shown: progress, figures, faults and warnings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.names import Names, names_of
from api.counter.run_block import RunBlock, run_of
from api.imports.handed_in import Corrections, Faults, HandedInView, corrections, faults_in, handed_in_view, said_in
from api.server.problems import not_found
from models.contracts import RunKind
from models.store.imports.findings import MOST_SHOWN
from models.store.lock_order import Rank
from models.store.locking import lock_row
from models.store.sql import fetch, fetch_int
from models.tables.applications import ApplicationImport, ImportFinding
from models.wire.words import ApplicantKind
from models.words.flow_words import APPLICANTS
from models.words.labelled import label_of
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


class ImportView(HandedInView):
    import_no: Annotated[str, Field(description="导入编号")]
    fund_year: Annotated[int, Field(description="资金年度")]
    applicant_kind: Annotated[ApplicantKind, Field(description="申请类型")]
    stage: Annotated[ImportStage, Field(description="状态")]
    rows_imported: Annotated[int, Field(description="已导入的行数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    stage_label: str
    kind_label: str
    batch_no: Annotated[str | None, Field(description="结算批次")]


class FindingView(TypedDict):
    row: Annotated[int, Field(description="行号；0 表示整个文件")]
    column: Annotated[str | None, Field(description="列名")]
    code: str
    message: Annotated[str, Field(description="待确认的原因")]
    application_no: Annotated[str | None, Field(description="已有的申请")]
    stage: Annotated[ApplicationStage | None, Field(description="已有申请的状态")]
    stage_label: str | None
    amount_fen: Annotated[int | None, Field(description="已有申请的金额（分）")]
    item_code: str | None
    item: Annotated[str | None, Field(description="补贴项目")]
    row_amount_fen: Annotated[int | None, Field(description="本行的金额（分）")]
    is_new: Annotated[bool, Field(description="是否在上次确认以后才有")]


class WholeImport(ImportView, Corrections):
    faults: Faults
    warnings: Faults
    to_confirm: Annotated[list[FindingView], Field(description="待确认事项的前 1000 项")]
    to_confirm_version: Annotated[int | None, Field(description="待确认清单的版本，确认时原样提交")]
    to_confirm_url: Annotated[str | None, Field(description="待确认清单的地址")]
    decision_reason: Annotated[str | None, Field(description="确认或放弃的原因")]
    refused_rows_url: Annotated[str | None, Field(description="被拒行文件的地址")]
    run: RunBlock | None


class _Batch(NamedTuple):
    id: int
    batch_no: str


async def find_import(
    desk: Desk, session: AsyncSession, import_no: str, *, changing: bool = False
) -> ApplicationImport:
    statement = select(ApplicationImport).where(
        ApplicationImport.import_no == import_no, ApplicationImport.county_code == desk.county
    )
    if changing:
        found = await lock_row(session, Rank.ADDITIONS, statement)
    else:
        found = (await session.exec(statement)).first()
    if found is None:
        raise not_found("导入")
    return found


async def import_views(session: AsyncSession, imports: Sequence[ApplicationImport]) -> list[tuple[int, ImportView]]:
    ids = sorted({row.batch_id for row in imports if row.batch_id is not None})
    rows = await fetch(session, _Batch, "SELECT id, batch_no FROM batch WHERE id = ANY(:ids)", ids=ids) if ids else []
    batches: dict[int | None, str] = {row.id: row.batch_no for row in rows}
    return [(row.id or 0, _view(row, batches.get(row.batch_id))) for row in imports]


async def whole_import(desk: Desk, session: AsyncSession, row: ApplicationImport) -> WholeImport:
    """With its faults (refused), warnings, and what is to be confirmed, by row; no value of the file is repeated."""
    listed, refused = faults_in(desk, row.import_no, row.faults), row.stage is ImportStage.REFUSED
    ((_, view),) = await import_views(session, [row])
    found = await _to_confirm(desk, session, row)
    return {
        **view,
        "faults": listed if refused else [],
        "warnings": [] if refused else listed,
        "to_confirm": [each for _, each in found],
        "to_confirm_version": found[0][0] if found else None,
        "to_confirm_url": f"/application-imports/{row.import_no}/to-confirm" if row.to_confirm_count else None,
        "decision_reason": said_in(desk, row.import_no, row.decision_reason_sealed),
        "refused_rows_url": f"/application-imports/{row.import_no}/refused-rows" if row.refused_file_id else None,
        **await corrections(session, row, "application_import", "import_no"),
        "run": await run_of(desk, session, RunKind.APPLICATION_IMPORT, row.import_no),
    }


async def list_version(session: AsyncSession, row: ApplicationImport) -> int:
    """The first one's id: whenever the import stops again its list is written anew."""
    return await fetch_int(session, "SELECT min(id) FROM import_finding WHERE import_id = :id", id=row.id)


async def _to_confirm(desk: Desk, session: AsyncSession, row: ApplicationImport) -> list[tuple[int, FindingView]]:
    """The first of them; all are in the list of their own."""
    if not row.to_confirm_count:
        return []
    found = await session.exec(findings_of(row).order_by(col(ImportFinding.id)).limit(MOST_SHOWN))
    names = await names_of(session, desk.county)
    return [finding_view(names, each) for each in found]


def findings_of(row: ApplicationImport) -> SelectOfScalar[ImportFinding]:
    return select(ImportFinding).where(ImportFinding.import_id == row.id)


def finding_view(names: Names, each: ImportFinding) -> tuple[int, FindingView]:
    return each.id or 0, _finding(names, each)


def _finding(names: Names, each: ImportFinding) -> FindingView:
    """Row 0 is the file itself; number, stage and amount are of the application that is there already."""
    stage = ApplicationStage(each.stage) if each.stage else None
    return {
        "row": each.file_row,
        "column": each.file_column or None,
        "code": each.code,
        "message": each.message,
        "application_no": each.application_no,
        "stage": stage,
        "stage_label": stage.label if stage else None,
        "amount_fen": each.amount_fen,
        "item_code": each.item_code,
        "item": names.item(each.item_code) if each.item_code else None,
        "row_amount_fen": each.row_amount_fen,
        "is_new": each.is_new,
    }


def _view(row: ApplicationImport, batch_no: str | None) -> ImportView:
    return {
        **handed_in_view(row),
        "import_no": row.import_no,
        "fund_year": row.fund_year,
        "applicant_kind": ApplicantKind(row.applicant_kind),
        "stage": row.stage,
        "rows_imported": row.rows_imported,
        "total_fen": row.total_fen,
        "stage_label": row.stage.label,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        "batch_no": batch_no,
    }

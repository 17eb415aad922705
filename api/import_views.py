"""How an import is shown: progress, figures, faults and warnings."""

from collections.abc import Mapping, Sequence

import orjson
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.desk import Desk
from api.flow_words import APPLICANTS
from api.problems import not_found
from api.runs_view import run_of
from models.stages import ImportStage, label
from models.store.database import fetch_one
from models.store.vault import Field
from models.subsidy import RunKind
from models.tables import ApplicationImport

IMPORT_HEADERS: Mapping[str, str] = {
    "import_no": "导入编号",
    "fund_year": "资金年度",
    "kind_label": "申请类型",
    "stage_label": "状态",
    "rows_total": "总行数",
    "rows_checked": "已校对",
    "rows_imported": "已导入",
    "rows_refused": "被拒行数",
    "total_fen": "金额（元）",
    "problem": "未导入原因",
    "entered_by": "导入人",
    "created_at": "提交时间",
    "finished_at": "完成时间",
}
_FIELDS = {
    *("import_no", "fund_year", "applicant_kind", "stage", "rows_total", "rows_checked", "rows_imported"),
    *("rows_refused", "total_fen", "problem", "entered_by", "created_at", "finished_at"),
}


async def find_import(desk: Desk, session: AsyncSession, import_no: str) -> ApplicationImport:
    statement = select(ApplicationImport).where(
        ApplicationImport.import_no == import_no, ApplicationImport.county_code == desk.county
    )
    found = (await session.exec(statement)).first()
    if found is None:
        raise not_found("导入")
    return found


def import_views(imports: Sequence[ApplicationImport]) -> list[tuple[int, dict[str, object]]]:
    views = []
    for asked in imports:
        assert asked.id is not None
        views.append((asked.id, _view(asked)))
    return views


async def whole_import(desk: Desk, session: AsyncSession, asked: ApplicationImport) -> dict[str, object]:
    """With its faults (refused) or warnings (imported), by row and column; no value is repeated."""
    sealed = asked.faults
    listed = orjson.loads(desk.vault.open(Field.FAULTS, asked.import_no, sealed)) if sealed else []
    refused = asked.stage is ImportStage.REFUSED
    batch = await fetch_one(session, "SELECT batch_no FROM batch WHERE id = :id", id=asked.batch_id or 0)
    return {
        **_view(asked),
        "batch_no": batch.batch_no if batch else None,
        "faults": listed if refused else [],
        "warnings": [] if refused else listed,
        "refused_rows_url": f"/application-imports/{asked.import_no}/refused-rows" if asked.refused_file_id else None,
        "run": await run_of(session, desk.settings, RunKind.APPLICATION_IMPORT, asked.import_no),
    }


def _view(asked: ApplicationImport) -> dict[str, object]:
    words = {"stage_label": label(ImportStage(asked.stage)), "kind_label": APPLICANTS[asked.applicant_kind]}
    return asked.model_dump(include=_FIELDS) | words

"""How initialisation lists, their results and the province's queue are shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.views import LINE_COLUMNS, LINE_TABLES, LineRow, LineView
from api.counter.run_block import runs_of
from models.contracts import RunKind
from models.settings import Settings
from models.store.sql import loose
from models.tables.batches import BeneficiaryList
from models.words.flow_words import match_words
from models.words.stages import DatasetStage

LIST_HEADERS: Mapping[str, str] = {
    "list_no": "初始化名单",
    "fund_year": "资金年度",
    "line_count": "申请份数",
    "total_fen": "金额（元）",
    "held_count": "暂缓份数",
    "stage_label": "状态",
    "entered_by": "提交人",
    "created_at": "提交时间",
}
RESULT_HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "town": "乡镇",
    "village": "村",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "stage_label": "状态",
    "result": "初始化结果",
    "registered_note": "登记账号与所填不同",
}
RESULT_FIELDS = (
    *(field for field in RESULT_HEADERS if field != "result"),
    "stage",
    "applicant_kind",
    "list_no",
    "other_account",
)
# A line that was corrected has left the list; what the platform said of it stays in the pushed list.
RESULT_SOURCE = (
    f"SELECT {LINE_COLUMNS}, d.outcome FROM {LINE_TABLES} LEFT JOIN dataset_line d ON d.application_id = a.id"
    " AND d.dataset_id = (SELECT id FROM dataset WHERE reference = :reference)"
)


RESULT_MEMBERS = (
    "a.id IN (SELECT id FROM application WHERE list_id = :list UNION ALL SELECT l.application_id FROM dataset_line l"
    " JOIN dataset s ON s.id = l.dataset_id WHERE s.reference = :reference)"
)


def result_view(view: LineView, row: LineRow) -> dict[str, object]:
    whole = view.view(row)
    return {field: whole[field] for field in RESULT_FIELDS} | {
        "outcome": row.outcome,
        "result": view.matched(row, row.outcome),
    }


# A list that isn't prepared yet is shown as one that is.
STAGE_OF_LIST = (
    f"SELECT coalesce((SELECT stage FROM dataset WHERE reference = list_no), '{DatasetStage.PREPARED.value}')"
    " FROM beneficiary_list WHERE list_no = :number AND county_code = :county"
)


async def list_views(
    session: AsyncSession, settings: Settings, lists: Sequence[BeneficiaryList]
) -> list[tuple[int, dict[str, object]]]:
    """Lists with their counts per result, stage at the platform and run."""
    numbers = [listed.list_no for listed in lists]
    results = await _results(session, numbers)
    stages = await _stages(session, numbers)
    runs = await runs_of(session, settings, RunKind.BENEFICIARY_INIT, numbers)
    views = []
    for listed in lists:
        assert listed.id is not None
        number = listed.list_no
        stage = stages.get(number, {"stage": DatasetStage.PREPARED, "stage_label": DatasetStage.PREPARED.label})
        view = listed.model_dump(exclude={"id", "county_code"}) | stage
        views.append((listed.id, view | {"results": results[number], "run": runs.get(number)}))
    return views


async def _results(session: AsyncSession, numbers: Sequence[str]) -> Mapping[str, list[dict[str, object]]]:
    rows = await loose(
        session,
        "SELECT d.reference, l.outcome, count(*), sum(l.amount_fen)::bigint FROM dataset d"
        " JOIN dataset_line l ON l.dataset_id = d.id WHERE d.reference = ANY(:numbers) GROUP BY 1, 2 ORDER BY 1, 2",
        numbers=list(numbers),
    )
    found: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for number, outcome, count, total in rows:
        words = match_words(outcome, "XXX", "XXX银行") or "等待平台结果"
        found[number].append({"outcome": outcome, "label": words, "count": count, "total_fen": total})
    return found


async def _stages(session: AsyncSession, numbers: Sequence[str]) -> dict[str, dict[str, object]]:
    rows = await loose(
        session,
        "SELECT reference, stage, refusal_code, refusal_detail, committed_at, reviewed_at FROM dataset"
        " WHERE reference = ANY(:numbers)",
        numbers=list(numbers),
    )
    return {
        reference: {
            "stage": stage,
            "stage_label": DatasetStage(stage).label,
            "refusal_code": code,
            "refusal_detail": detail,
            "committed_at": committed,
            "reviewed_at": reviewed,
        }
        for reference, stage, code, detail, committed, reviewed in rows
    }

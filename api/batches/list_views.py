"""How initialisation lists, their results and the province's queue are shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.application_rows import LINE_COLUMNS, LINE_TABLES, ApplicationRow
from api.applications.views import ApplicationViews
from api.counter.desk import Desk
from api.counter.run_block import RunBlock, runs_of
from models.contracts import RunKind
from models.store.sql import TO_THE_END, fetch, looked_at
from models.tables.batches import BeneficiaryList
from models.wire.words import ApplicantKind, Outcome
from models.words.flow_words import match_words
from models.words.stages import ApplicationStage, DatasetStage

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
MATCH_HEADERS: Mapping[str, str] = {
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
# A line that was corrected has left the list; what the platform said of it stays in the pushed list.
RESULT_SOURCE = (
    f"SELECT {LINE_COLUMNS}, d.outcome FROM {LINE_TABLES} LEFT JOIN LATERAL (SELECT * FROM dataset_line n"
    " WHERE n.application_id = a.id AND (n.dataset_id = (SELECT id FROM dataset WHERE reference = :reference)) IS TRUE"
    " LIMIT 1) AS d ON true"
)
# Gathered first, along the list's own entries: what is joined may be looked for along all counties' rows.
_PUSHED = (
    "(SELECT l.application_id FROM dataset_line l WHERE l.dataset_id = ANY(ARRAY(SELECT id FROM dataset WHERE reference"
    f" = :reference)) AND {{}} ORDER BY l.dataset_id, l.position {TO_THE_END})"
)
RESULT_MEMBERS = (
    f"a.id = ANY(ARRAY(SELECT id FROM application WHERE list_id = :list UNION ALL {_PUSHED.format('true')}))"
)
RESULTS_OF = f"a.id = ANY(ARRAY{_PUSHED.format(looked_at('l.outcome = :outcome'))})"


class InitialisationResult(TypedDict):
    application_no: Annotated[str, Field(description="申请编号")]
    kind_label: Annotated[str, Field(description="申请类型")]
    name: Annotated[str, Field(description="姓名/组织名称，遮盖；姓名不同时操作员和审核人看到全名")]
    id_number: Annotated[str, Field(description="身份证号/统一社会信用代码，遮盖")]
    town: Annotated[str, Field(description="乡镇")]
    village: Annotated[str, Field(description="村")]
    bank: Annotated[str | None, Field(description="一卡通开户行")]
    account_no: Annotated[str, Field(description="一卡通账号，遮盖")]
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    stage_label: str
    registered_note: Annotated[str | None, Field(description="登记账号与所填不同时的说明")]
    stage: Annotated[ApplicationStage, Field(description="申请现在的状态")]
    applicant_kind: ApplicantKind
    list_no: Annotated[str | None, Field(description="申请现在所在的初始化名单")]
    other_account: bool
    outcome: Annotated[Outcome | None, Field(description="平台对本名单中这份申请的结果；等待时为空")]
    result: Annotated[str | None, Field(description="初始化结果的说明")]


def result_view(views: ApplicationViews, row: ApplicationRow) -> InitialisationResult:
    whole = views.view(row)
    return {
        "application_no": whole["application_no"],
        "kind_label": whole["kind_label"],
        "name": whole["name"],
        "id_number": whole["id_number"],
        "town": whole["town"],
        "village": whole["village"],
        "bank": whole["bank"],
        "account_no": whole["account_no"],
        "item": whole["item"],
        "amount_fen": whole["amount_fen"],
        "stage_label": whole["stage_label"],
        "registered_note": whole["registered_note"],
        "stage": whole["stage"],
        "applicant_kind": whole["applicant_kind"],
        "list_no": whole["list_no"],
        "other_account": whole["other_account"],
        "outcome": Outcome(row.outcome) if row.outcome else None,
        "result": views.matched(row, row.outcome),
    }


# A list that isn't prepared yet is shown as one that is.
STAGE_OF_LIST = (
    f"SELECT coalesce((SELECT stage FROM dataset WHERE reference = list_no), '{DatasetStage.PREPARED.value}')"
    " FROM beneficiary_list WHERE list_no = :number AND county_code = :county"
)


class _Asked(TypedDict):
    list_no: Annotated[str, Field(description="初始化名单")]
    fund_year: Annotated[int, Field(description="资金年度")]
    line_count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]
    held_count: Annotated[int, Field(description="因账号变更暂缓、未列入的份数")]
    entered_by: Annotated[str, Field(description="提交人")]
    created_at: datetime


class _Stage(TypedDict):
    """Of a list that isn't stored at the platform yet there is a stage only."""

    stage: Annotated[DatasetStage, Field(description="状态")]
    stage_label: str
    refusal_code: NotRequired[Annotated[str | None, Field(description="平台拒收的代码")]]
    refusal_detail: NotRequired[Annotated[str | None, Field(description="平台拒收的说明")]]
    committed_at: NotRequired[Annotated[datetime | None, Field(description="提交平台的时间")]]
    reviewed_at: NotRequired[Annotated[datetime | None, Field(description="平台反馈完的时间")]]


class OutcomeCount(TypedDict):
    outcome: Annotated[Outcome | None, Field(description="平台的结果；等待时为空")]
    label: str
    count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额（分）")]


class ListView(_Asked, _Stage):
    results: Annotated[list[OutcomeCount], Field(description="按结果的份数和金额")]
    run: RunBlock | None


async def list_views(desk: Desk, session: AsyncSession, lists: Sequence[BeneficiaryList]) -> list[tuple[int, ListView]]:
    """Lists with their counts per result, stage at the platform and run."""
    numbers = [listed.list_no for listed in lists]
    results = await _results(session, numbers)
    stages = await _stages(session, numbers)
    runs = await runs_of(desk, session, RunKind.BENEFICIARY_INIT, numbers)
    views: list[tuple[int, ListView]] = []
    for listed in lists:
        number = listed.list_no
        stage = stages.get(number) or _not_stored()
        view: ListView = {**_asked(listed), **stage, "results": results[number], "run": runs.get(number)}
        views.append((listed.id or 0, view))
    return views


def _asked(listed: BeneficiaryList) -> _Asked:
    return {
        "list_no": listed.list_no,
        "fund_year": listed.fund_year,
        "line_count": listed.line_count,
        "total_fen": listed.total_fen,
        "held_count": listed.held_count,
        "entered_by": listed.entered_by,
        "created_at": listed.created_at,
    }


def _not_stored() -> _Stage:
    return {"stage": DatasetStage.PREPARED, "stage_label": DatasetStage.PREPARED.label}


class _CountedOutcome(NamedTuple):
    reference: str
    outcome: str | None
    lines: int
    total_fen: int


async def _results(session: AsyncSession, numbers: Sequence[str]) -> Mapping[str, list[OutcomeCount]]:
    rows = await fetch(
        session,
        _CountedOutcome,
        "SELECT d.reference, nullif(t.outcome, '') AS outcome, sum(t.lines)::bigint AS lines,"
        " sum(t.fen)::bigint AS total_fen FROM dataset d JOIN dataset_tally t ON t.dataset_id = d.id"
        " WHERE d.reference = ANY(:numbers) AND t.lines > 0 GROUP BY 1, 2 ORDER BY 1, 2",
        numbers=list(numbers),
    )
    found: defaultdict[str, list[OutcomeCount]] = defaultdict(list)
    for row in rows:
        outcome = Outcome(row.outcome) if row.outcome else None
        words = match_words(outcome, "XXX", "XXX银行") or "等待平台结果"
        found[row.reference].append(
            {"outcome": outcome, "label": words, "count": row.lines, "total_fen": row.total_fen}
        )
    return found


class _Handed(NamedTuple):
    reference: str
    stage: str
    refusal_code: str | None
    refusal_detail: str | None
    committed_at: datetime | None
    reviewed_at: datetime | None


async def _stages(session: AsyncSession, numbers: Sequence[str]) -> dict[str, _Stage]:
    rows = await fetch(
        session,
        _Handed,
        "SELECT reference, stage, refusal_code, refusal_detail, committed_at, reviewed_at FROM dataset"
        " WHERE reference = ANY(:numbers)",
        numbers=list(numbers),
    )
    return {row.reference: _stage(row) for row in rows}


def _stage(row: _Handed) -> _Stage:
    stage = DatasetStage(row.stage)
    return {
        "stage": stage,
        "stage_label": stage.label,
        "refusal_code": row.refusal_code,
        "refusal_detail": row.refusal_detail,
        "committed_at": row.committed_at,
        "reviewed_at": row.reviewed_at,
    }

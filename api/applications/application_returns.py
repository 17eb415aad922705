"""审核退回 until the flow starts: by a reviewer from every stage before it, or by an applicant's edit (S1 2.7)."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import ActAnswer, act_once
from api.applications.application_acts import ActRequest, require_reason
from api.applications.chosen_lines import act_answer_of_lines, choose_lines, judged_lines, trail_of_lines
from api.applications.form_warnings import EntryWarning
from api.counter.desk import Desk, Reply
from api.counter.roles import Reviewers, one_line
from api.server.answers import refusals
from api.server.problems import conflict
from models.store.applications.acts import change_chosen, choose
from models.store.applications.rules import EDIT_RULES, RETURN
from models.store.sql import fetch
from models.store.texts import seal_text
from models.tables.applications import Application
from models.words.refusals import Refusal
from models.words.stages import ApplicationStage

router = APIRouter(tags=["申请办理"])

# Past the material review a correction is reviewed, publicised and initialised anew.
CORRECTABLE = frozenset(
    {
        ApplicationStage.DRAFT,
        ApplicationStage.PUBLICISED,
        ApplicationStage.UNMATCHED,
        ApplicationStage.MATCHED,
    }
)
EDITED = "申请人修改了申请，须重新提交审核"


class ReturnAnswer(ActAnswer):
    stages_after: Annotated[dict[str, int], Field(description="退回后的状态和份数")]
    batches_left: Annotated[list[str], Field(description="所退出的结算批次")]


def require_editable(line: Application) -> None:
    """For the county's operator; an applicant's edit past draft is a return, which has rules of its own."""
    if line.stage is ApplicationStage.IN_REVIEW:
        raise conflict(Refusal.IN_REVIEW, "申请正在资料审核", "请先由审核人退回，再修改")
    if line.stage not in CORRECTABLE:
        returnable = line.stage in (ApplicationStage.PENDING_SETTLEMENT, ApplicationStage.IN_BATCH)
        advice = "不能直接编辑；请先由审核人退回，再修改" if returnable else "不能再编辑"
        detail = f"申请的状态是“{line.stage.label}”，{advice}"
        raise conflict(Refusal.NOT_CORRECTABLE, "当前状态不能编辑", detail)
    if line.stage is ApplicationStage.PUBLICISED and line.list_id is not None:
        raise conflict(Refusal.IN_INITIALISATION, "申请正在数据初始化", "请等待平台反馈结果后再修改")


@router.post(
    "/application-returns", response_model=ReturnAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def return_to_draft(desk: Reviewers, request: ActRequest) -> Response:
    """审核退回; a line that a flow has paid or tried to pay leaves its batch as failed instead."""
    require_reason(request, RETURN)
    return await act_once(desk, request, lambda session: _return(desk, session, request))


async def _return(desk: Desk, session: AsyncSession, request: ActRequest) -> Reply:
    choice = await choose_lines(desk, session, request, RETURN.rules, RETURN.title)
    batches = await _batches(session)
    await change_chosen(session, RETURN.change, reason=seal_text(desk.vault, desk.county, request.reason))
    after = await _stages_after(session)
    answer: ReturnAnswer = {
        **act_answer_of_lines(RETURN.name, choice),
        "stages_after": after,
        "batches_left": batches,
    }
    await judged_lines(session, request, answer)
    await trail_of_lines(
        desk, session, RETURN.name, request.selection, choice, request.reason, stages=after, batches_left=batches
    )
    return Reply(200, answer)


async def return_for_edit(desk: Desk, session: AsyncSession, line: Application) -> EntryWarning:
    """Make the applicant's own line a draft again, or refuse; gives the warning that tells of it."""
    found = await choose(session, one_line(desk, line.application_no), EDIT_RULES, None)
    for group in found.left_out:
        raise conflict(group.code, "现在不能修改申请", group.title)
    batches = await _batches(session)
    await change_chosen(session, RETURN.change, reason=seal_text(desk.vault, desk.county, EDITED))
    detail = f"申请由“{line.stage.label}”退回草稿，请重新提交资料审核；审核、公示、数据初始化和大数据校验将重新办理"
    return {"code": Refusal.RETURNED_TO_DRAFT, "detail": detail, "batches_left": batches}


async def _batches(session: AsyncSession) -> list[str]:
    return await fetch(
        session,
        str,
        "SELECT DISTINCT b.batch_no FROM chosen c JOIN application a ON a.id = c.id JOIN batch b ON b.id = a.batch_id"
        " WHERE c.left_out IS NULL ORDER BY 1",
    )


class _StageLines(NamedTuple):
    stage: str
    lines: int


async def _stages_after(session: AsyncSession) -> dict[str, int]:
    rows = await fetch(
        session,
        _StageLines,
        "SELECT a.stage, count(*) AS lines FROM chosen c JOIN application a ON a.id = c.id"
        " WHERE c.left_out IS NULL GROUP BY 1 ORDER BY 1",
    )
    return {row.stage: row.lines for row in rows}

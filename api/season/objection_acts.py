"""What is done about a 公示异议: an operator enters it, a reviewer who isn't the enterer decides it."""

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.counter.roles import find_line, one_line, require_other, why_not_this_reviewer
from api.counter.uploads import usable_file
from api.season.objection_views import DecidedObjection, EnteredObjection, NewObjection, ObjectionDecision
from api.server.problems import Problem, conflict, not_found
from models.contracts import RunKind, Signal, workflow_id
from models.file_owners import FileOf
from models.store.applications.acts import change_chosen, choose
from models.store.applications.rules import CLOSE, WITHDRAW
from models.store.batches import objections
from models.store.flows.withdrawals import HeldLine, held_line, withdraw_held_line
from models.store.locking import lock_county
from models.store.policies.file_uses import use_files
from models.store.runs.runs import wake
from models.store.selection import among
from models.store.texts import seal_text
from models.tables.applications import Application
from models.tables.batches import Objection
from models.wire.words import MediaType
from models.words.makers import Act
from models.words.refusals import Refusal
from models.words.stages import ApplicationStage, ObjectionState

ATTACHMENTS = frozenset({MediaType.PDF, MediaType.PNG, MediaType.JPEG})
OWN = "这是针对本人申请的异议，须由他人裁定"


async def enter_objection(desk: Desk, session: AsyncSession, new: NewObjection) -> Reply:
    """The county is held, as by a start: the line is held in the flow, or the start came first and refuses this."""
    await lock_county(session, desk.county)
    await _require_public(desk, session, new.application_no)
    line = await find_line(desk, session, new.application_no)
    if new.file_id is not None:
        await usable_file(desk, session, new.file_id, ATTACHMENTS)
    objection = await objections.open_objection(session, desk.vault, line, new.reason, new.file_id, desk.person)
    number = objection.objection_no
    if new.file_id is not None:
        await use_files(session, FileOf.OBJECTION, [(new.file_id, number)])
    # not as `reason`: who objects is nobody's whom the application belongs to
    detail_of = {"application_no": line.application_no, "objection": new.reason, "file_id": new.file_id}
    await desk.trail(session, "objection.entered", number, detail_of, 1, line.amount_fen, _only(objection))
    return Reply(201, _entered(objection), f"/objections/{number}")


async def _require_public(desk: Desk, session: AsyncSession, application_no: str) -> None:
    choice = await choose(session, one_line(desk, application_no), objections.OBJECT_RULES, None)
    for left in choice.left_out:
        raise conflict(left.code, "不能录入异议", f"申请 {application_no} {left.title}")


def _entered(objection: Objection) -> EnteredObjection:
    return {
        "objection_no": objection.objection_no,
        "state": objection.state,
        "state_label": objection.state.label,
        "application_no": objection.application_no,
    }


def _only(objection: Objection) -> str:
    return f"SELECT CAST({objection.application_id} AS bigint)"


async def decide_objection(desk: Desk, session: AsyncSession, objection_no: str, decision: ObjectionDecision) -> Reply:
    """不成立 frees the line, unless something else holds it; 成立 withdraws it. Two at once take turns."""
    await lock_county(session, desk.county)
    objection = await objections.find_objection(session, desk.county, objection_no)
    if objection is None:
        raise not_found("公示异议")
    line = await session.get_one(Application, objection.application_id)
    await _require_open(desk, session, objection, line)
    held = await held_line(session, objection.application_id, changing=True)
    if decision.upheld:
        await _uphold(desk, session, objection_no, line, held, decision.opinion)
    state = ObjectionState.UPHELD if decision.upheld else ObjectionState.DISMISSED
    flow_id = held.flow_id if held else None
    objections.mark_objection(desk.vault, objection, state, decision.opinion, desk.person, flow_id)
    session.add(objection)
    await session.flush()
    if held is not None:
        await wake(session, workflow_id(RunKind.SUBSIDY_FLOW, held.flow_no), Signal.LINES_CHANGED, [objection_no])
    return await _decided(desk, session, objection, decision)


async def _uphold(
    desk: Desk, session: AsyncSession, objection_no: str, line: Application, held: HeldLine | None, opinion: str
) -> None:
    reason = seal_text(desk.vault, desk.county, f"公示异议成立（{objection_no}）：{opinion}")
    if held is None:
        await _withdraw(session, line, reason)
    else:
        await withdraw_held_line(session, held, reason)


async def _require_open(desk: Desk, session: AsyncSession, objection: Objection, line: Application) -> None:
    if objection.state is not ObjectionState.OPEN:
        by = await desk.called(session, objection.decided_by)
        detail = f"异议 {objection.objection_no} 已由{by}裁定为“{objection.state.label}”；请刷新后核对"
        raise conflict(Refusal.OBJECTION_DECIDED, "此异议已经裁定", detail)
    require_other(Act.OBJECTION_DECIDED, [Act.OBJECTION_ENTERED] if objection.entered_by == desk.person else [])
    if desk.person_index == line.person_index:
        raise Problem(403, Refusal.OWN_APPLICATION, "须换人办理", OWN)


async def _withdraw(session: AsyncSession, line: Application, reason_sealed: str) -> None:
    """By the rules of 撤回, of a failed payment by those of 关闭; what has gone already stays as it is."""
    act = CLOSE if line.stage is ApplicationStage.FAILED else WITHDRAW
    chosen = among(line.county_code).also("a.id = :id", id=line.id)
    choice = await choose(session, chosen, act.rules, None)
    for left in choice.left_out:
        if left.code != Refusal.ALREADY_WITHDRAWN and line.stage is not ApplicationStage.CLOSED:
            raise conflict(
                left.code, "现在不能裁定成立", f"申请 {line.application_no} 现在不能{act.title}：{left.title}"
            )
    await change_chosen(session, act.change, reason=reason_sealed)


async def _decided(desk: Desk, session: AsyncSession, objection: Objection, decision: ObjectionDecision) -> Reply:
    line = await session.get_one(Application, objection.application_id, populate_existing=True)
    act = "objection.upheld" if decision.upheld else "objection.dismissed"
    detail = {
        "application_no": line.application_no,
        "before": ObjectionState.OPEN.value,
        "after": objection.state.value,
        "reason": decision.opinion,
    }
    await desk.trail(session, act, objection.objection_no, detail, 1, line.amount_fen, _only(objection))
    body: DecidedObjection = {
        **_entered(objection),
        "opinion": decision.opinion,
        "decided_by": desk.person,
        "stage": line.stage,
        "stage_label": line.stage.label,
    }
    return Reply(200, body)


def why_no_decision(desk: Desk, objection: Objection, person_index: str) -> str | None:
    """Why this caller may not decide it now; None where it is open to the caller."""
    if objection.state is not ObjectionState.OPEN:
        return f"已裁定为“{objection.state.label}”"
    if objection.entered_by == desk.person:
        return "录入人不能裁定"
    return why_not_this_reviewer(desk, person_index, OWN)

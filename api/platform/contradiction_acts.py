"""裁定矛盾来件: one, or many by list or filter with one reason; noted here, carried out by the run."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import ActOnMany, act_once, judged
from api.counter.desk import Desk, Reply
from api.counter.roles import Reviewers, require_other
from api.platform.contradiction_views import (
    ContradictionsDecided,
    ContradictionView,
    LeftOutContradictions,
    contradiction_view,
)
from api.server.answers import refusals
from api.server.problems import Problem, conflict, not_found
from models.contracts import Signal
from models.free_text import FREE_TEXT
from models.store.applications.makers import acts_about
from models.store.applying.contradiction_choice import (
    HINDRANCES,
    Chosen,
    ContradictionSelection,
    Decider,
    choose_contradictions,
    note_decision,
)
from models.store.runs.runs import wake
from models.store.runs.targets import run_of_number, run_to_wake
from models.store.texts import seal_text
from models.tables.flows import Contradiction
from models.words.makers import Act
from models.words.refusals import Refusal

router = APIRouter(tags=["矛盾来件"])
_EXAMPLES = 20


class ContradictionDecision(BaseModel):
    """`applied`: what was applied first stays; `claimed`: the later claim replaces it."""

    model_config = ConfigDict(extra="forbid")

    take: Literal["applied", "claimed"]
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$"), FREE_TEXT
    ]


class Decisions(ContradictionDecision, ActOnMany):
    selection: ContradictionSelection


@router.post(
    "/contradictions/{contradiction_id}/decision",
    summary="裁定矛盾来件",
    response_model=ContradictionView,
    responses=refusals(
        NOT_FOUND=404,
        SAME_PERSON=403,
        OWN_ACCOUNT=403,
        CONTRADICTION_DECIDED=409,
        FIGURES_ARE_SUMS=409,
        NOTHING_CLAIMED=409,
    ),
)
async def decide_one(desk: Reviewers, contradiction_id: int, decision: ContradictionDecision) -> Response:
    """Carried out by the run: the flow's own, or the one for what comes after its end."""

    async def work(session: AsyncSession) -> Reply:
        if not 0 < contradiction_id < 2**63:
            raise not_found("矛盾来件")
        chosen = await _choose(desk, session, ContradictionSelection(ids=[contradiction_id]), decision)
        if Refusal.UNKNOWN_CONTRADICTION in chosen.left_out:
            raise not_found("矛盾来件")
        # decided by statements: as an object it is read once that is done
        await _carry_on(desk, session, chosen, decision)
        row = (await session.exec(select(Contradiction).where(Contradiction.id == contradiction_id))).one()
        if Refusal.SAME_PERSON in chosen.left_out:
            require_other(Act.CONTRADICTION_DECIDED, await acts_about(session, row.number, desk.person))
        for code in chosen.left_out:
            raise _refusal(Refusal(code), row, await desk.called(session, row.decided_by))
        return Reply(200, contradiction_view(desk.vault, row, whole=None))

    return await desk.once(work)


@router.post(
    "/contradiction-decisions",
    summary="批量裁定矛盾来件",
    response_model=ContradictionsDecided,
    responses=refusals(CONTRADICTIONS_UNFIT=409, SELECTION_CHANGED=409),
)
async def decide_many(desk: Reviewers, decisions: Decisions) -> Response:
    """One decision and one reason for all that are named, or all that a filter finds; the same rules hold for each."""

    async def work(session: AsyncSession) -> Reply:
        chosen = await _choose(desk, session, decisions.selection, decisions)
        if decisions.selection.ids is not None and chosen.left_out and not decisions.shown:
            raise _unfit(chosen)
        answer = _decided(chosen, decisions.take)
        judged(decisions, answer, [(each, 0) for ids in chosen.fit.values() for each in ids])
        await _carry_on(desk, session, chosen, decisions)
        return Reply(200, answer)

    return await act_once(desk, decisions, work)


async def _choose(
    desk: Desk, session: AsyncSession, selection: ContradictionSelection, decision: ContradictionDecision
) -> Chosen:
    return await choose_contradictions(
        session, desk.county, selection, decision.take, Decider(desk.person, desk.person_index)
    )


async def _carry_on(desk: Desk, session: AsyncSession, chosen: Chosen, decision: ContradictionDecision) -> None:
    reason = seal_text(desk.vault, desk.county, decision.reason)
    for number, ids in chosen.fit.items():
        await note_decision(session, ids, decision.take, reason, desk.person)
        run = await run_of_number(session, number)
        if run is not None:
            target = await run_to_wake(session, run)
            await wake(session, target, Signal.CONTRADICTION_DECIDED, [str(each) for each in ids])
    for number, ids in chosen.fit.items():
        detail = {"contradiction_ids": ids, "take": decision.take, "reason": decision.reason}
        await desk.trail(session, "contradiction_decided", number, detail, len(ids))


def _decided(chosen: Chosen, take: str) -> ContradictionsDecided:
    left_out: list[LeftOutContradictions] = [
        {"code": code, "title": HINDRANCES[code], "count": len(ids), "ids": ids[:_EXAMPLES]}
        for code, ids in chosen.left_out.items()
    ]
    return {"act": "contradiction_decided", "take": take, "count": chosen.count, "left_out": left_out}


def _refusal(code: Refusal, row: Contradiction, decider: str) -> Problem:
    if code == Refusal.OWN_ACCOUNT:
        return Problem(403, code, HINDRANCES[code], "请由本区县其他审核人办理此件")
    if code == Refusal.CONTRADICTION_DECIDED:
        detail = f"此件现为“{row.state.label}”，由 {decider} 裁定，不能再改"
        return conflict(code, "已经裁定", detail)
    if code == Refusal.FIGURES_ARE_SUMS:
        detail = f"{HINDRANCES[code]}；请与平台核对后保留现有结果，并在理由中说明差异"
        return conflict(code, "不能采信总数", detail)
    return conflict(code, "没有可采信的内容", f"{HINDRANCES[code]}；请与平台核对后保留现有结果")


def _unfit(chosen: Chosen) -> Problem:
    errors = [
        {"id": each, "code": code, "detail": HINDRANCES[code]} for code, ids in chosen.left_out.items() for each in ids
    ]
    detail = f"有 {len(errors)} 件不能裁定，没有作任何改动；请按 errors 所列移出后重新提交"
    return conflict(Refusal.CONTRADICTIONS_UNFIT, "不能裁定", detail, errors)

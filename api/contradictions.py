"""Contradicting answers of the platform, side by side; a reviewer takes one, with a reason."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.code_words import CONTRADICTIONS, TAKEN, called
from api.desk import READERS, Desk, Reply, for_roles
from api.export import respond
from api.flow_guard import require_other
from api.paging import Pages
from api.problems import Problem, conflict, not_found
from models.makers import Act
from models.stages import ContradictionState, Role, label
from models.store.contradictions import open_content
from models.store.database import fetch_one, lock
from models.store.flow_end import END_FIGURES
from models.store.makers import acts_about
from models.store.run_targets import run_of_number, run_to_wake
from models.store.runs import wake
from models.store.vault import Vault
from models.subsidy import Signal
from models.tables import Contradiction
from models.tables.base import now

router = APIRouter(tags=["矛盾来件"])
Readers = Annotated[Desk, Depends(for_roles(*READERS))]
Reviewers = Annotated[Desk, Depends(for_roles(Role.REVIEWER))]
_HEADERS = {
    "id": "序号",
    "number": "编号",
    "kind_label": "类别",
    "line_key": "明细",
    "state_label": "状态",
    "taken_label": "采信",
    "reason": "理由",
    "decided_by": "裁定人",
    "decided_at": "裁定时间",
    "created_at": "发现时间",
}


class Decision(BaseModel):
    """`applied`: what was applied first stays; `claimed`: the later claim replaces it."""

    model_config = ConfigDict(extra="forbid")

    take: Literal["applied", "claimed"]
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$")
    ]


@router.get("/contradictions", summary="矛盾来件列表")
async def list_contradictions(
    desk: Readers,
    page: Pages,
    state: Annotated[ContradictionState | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """A reviewer sees both contents, the others that there is one."""
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    if state is not None:
        statement = statement.where(Contradiction.state == state)
    if number is not None:
        statement = statement.where(Contradiction.number == number)
    async with desk.database.reading() as session:
        rows = (await session.exec(page.newest_first(statement, Contradiction.id))).all()
    vault = desk.vault if desk.role is Role.REVIEWER else None
    return await respond(page, _HEADERS, [(row.id or 0, _view(row, vault)) for row in rows])


@router.post("/contradictions/{contradiction_id}/decision", summary="裁定矛盾来件")
async def decide(desk: Reviewers, contradiction_id: int, decision: Decision) -> Response:
    """Noted here, carried out by the run: the flow's own, or the one for what comes after its end."""

    async def work(session: AsyncSession) -> Reply:
        row = await _find(session, desk.county, contradiction_id)
        if row.state is not ContradictionState.OPEN:
            detail = f"此件现为“{label(row.state)}”，由 {row.decided_by} 裁定，不能再改"
            raise conflict("CONTRADICTION_DECIDED", "已经裁定", detail)
        if row.kind == END_FIGURES and decision.take == "claimed":
            detail = "我方数字是逐笔结果之和，不能改成平台的总数；请与平台核对后保留现有结果，并在理由中说明差异"
            raise conflict("FIGURES_ARE_SUMS", "不能采信总数", detail)
        await _refuse_own(session, desk, row)
        require_other(Act.CONTRADICTION_DECIDED, await acts_about(session, row.number, desk.person))
        row.state = ContradictionState.DECIDED
        row.taken, row.reason, row.decided_by, row.decided_at = decision.take, decision.reason, desk.person, now()
        await session.flush()
        run = await run_of_number(session, row.number)
        if run is not None:
            target = await run_to_wake(session, run)
            await wake(session, target, Signal.CONTRADICTION_DECIDED, [str(row.id)])
        detail_kept = {"contradiction_id": row.id, "take": decision.take, "reason": decision.reason}
        await desk.trail(session, "contradiction_decided", row.number, detail_kept)
        return Reply(200, _view(row, None))

    return await desk.once(work)


async def _find(session: AsyncSession, county: str, contradiction_id: int) -> Contradiction:
    """With its subject's name held: a run that is just closing sees the decision, or is seen as closed."""
    statement = select(Contradiction).where(Contradiction.id == contradiction_id, Contradiction.county_code == county)
    row = (await session.exec(statement)).first() if 0 < contradiction_id < 2**63 else None
    if row is None:
        raise not_found("矛盾来件")
    await lock(session, row.number)
    await session.refresh(row, with_for_update=True)
    return row


async def _refuse_own(session: AsyncSession, desk: Desk, row: Contradiction) -> None:
    """What the platform said of a 上卡 or a 村社申报 is decided by somebody else than the person concerned."""
    concerned = await fetch_one(
        session,
        "SELECT person_index FROM card_change WHERE request_no = :number"
        " UNION ALL SELECT person_index FROM village_entry WHERE entry_no = :number",
        number=row.number,
    )
    if concerned is not None and concerned.person_index == desk.principal.person_index:
        raise Problem(403, "OWN_ACCOUNT", "本人账号的矛盾来件须由他人裁定", "请由本区县其他审核人办理此件")


def _view(row: Contradiction, vault: Vault | None) -> dict[str, object]:
    view: dict[str, object] = {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "kind_label": called(CONTRADICTIONS, row.kind),
        "line_key": row.line_key,
        "state": row.state,
        "state_label": label(row.state),
        "taken": row.taken,
        "taken_label": called(TAKEN, row.taken),
        "hindrance": row.hindrance,
        "reason": row.reason,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "asked_at": row.asked_at,
        "created_at": row.created_at,
    }
    if vault is not None:
        view["applied"] = open_content(vault, row, row.applied_sealed)
        view["claimed"] = open_content(vault, row, row.claimed_sealed)
        view["asked"] = open_content(vault, row, row.asked_sealed) if row.asked_sealed else None
    return view

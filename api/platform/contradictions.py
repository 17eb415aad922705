"""Contradicting answers of the platform, side by side; a reviewer takes one, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import Readers, Reviewers
from api.platform.contradiction_views import HEADERS, ContradictionDetail, ContradictionView, contradiction_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.store.applications.makers import acts_about
from models.store.applying.contradiction_choice import HINDRANCES, why_no_claim
from models.tables.flows import Contradiction
from models.words.code_words import APPLIED_FOLLOWS, CLAIM_FOLLOWS, NOTHING_FOLLOWS
from models.words.makers import Act, closed_by
from models.words.refusals import Refusal
from models.words.staff import Role
from models.words.stages import ContradictionState, DisclosedThing

router = APIRouter(tags=["矛盾来件"])


@router.get("/contradictions", summary="矛盾来件列表", response_model=Listed[ContradictionView])
async def list_contradictions(
    desk: Readers,
    page: Pages,
    state: Annotated[ContradictionState | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    kind: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """A reviewer sees both contents, masked, the others that there is one."""
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    if state is not None:
        statement = statement.where(Contradiction.state == state)
    if number is not None:
        statement = statement.where(Contradiction.number == number)
    if kind is not None:
        statement = statement.where(Contradiction.kind == kind)
    whole = False if desk.role is Role.REVIEWER else None

    def shown(row: Contradiction) -> tuple[int, ContradictionView]:
        return row.id or 0, contradiction_view(desk.shown, row, whole=whole)

    async with desk.database.snapshot() as session:
        return await listed(session, page, HEADERS, (statement, Contradiction.id), shown)


@router.get(
    "/contradictions/{contradiction_id}",
    summary="矛盾来件详情",
    response_model=ContradictionDetail,
    responses=refusals(NOT_FOUND=404),
)
async def show_contradiction(desk: Readers, contradiction_id: int) -> Response:
    """What follows from each of the two, and what stands in the way; both contents masked, to a reviewer only."""
    whole = False if desk.role is Role.REVIEWER else None
    return Reply(200, await _shown(desk, contradiction_id, whole=whole)).response()


@router.post(
    "/contradictions/{contradiction_id}/disclosures",
    summary="矛盾来件的完整内容",
    response_model=ContradictionDetail,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_contradiction(desk: Reviewers, contradiction_id: int, wanted: Disclosing) -> Response:
    """Both contents in clear, once; who asked is noted each time. No Idempotency-Key."""
    body = await _shown(desk, contradiction_id, whole=True)
    await note_whole(desk, DisclosedThing.CONTRADICTION, str(contradiction_id), wanted)
    return Reply(200, body).response()


async def _shown(desk: Desk, contradiction_id: int, *, whole: bool | None) -> ContradictionDetail:
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    async with desk.database.snapshot() as session:
        chosen = statement.where(Contradiction.id == contradiction_id)
        row = (await session.exec(chosen)).first() if 0 < contradiction_id < 2**63 else None
        if row is None:
            raise not_found("矛盾来件")
        closed = closed_by(Act.CONTRADICTION_DECIDED, await acts_about(session, row.number, desk.person))
        decider = await desk.called(session, row.decided_by) if row.decided_by else ""
    return {
        **contradiction_view(desk.shown, row, whole=whole),
        "applied_follows": APPLIED_FOLLOWS,
        "claimed_follows": CLAIM_FOLLOWS.get(row.kind, NOTHING_FOLLOWS),
        "why_no_decision": _why_no_decision(desk, row, decider, made=bool(closed)),
        "why_no_claim": why_no_claim(row.kind),
    }


def _why_no_decision(desk: Desk, row: Contradiction, decider: str, *, made: bool) -> str | None:
    if desk.role is not Role.REVIEWER:
        return f"由{Role.REVIEWER.label}裁定"
    if row.state is not ContradictionState.OPEN:
        return f"此件现为“{row.state.label}”，由 {decider} 裁定"
    return HINDRANCES[Refusal.SAME_PERSON] if made else None

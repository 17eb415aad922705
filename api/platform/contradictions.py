"""Contradicting answers of the platform, side by side; a reviewer takes one, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.counter.desk import Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import Readers, Reviewers
from api.platform.contradiction_views import HEADERS, ContradictionView, contradiction_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.tables.flows import Contradiction
from models.words.stages import ContradictionState, DisclosedThing, Role

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


@router.post(
    "/contradictions/{contradiction_id}/disclosures",
    summary="矛盾来件的完整内容",
    response_model=ContradictionView,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_contradiction(desk: Reviewers, contradiction_id: int, wanted: Disclosing) -> Response:
    """Both contents in clear, once; who asked is noted each time. No Idempotency-Key."""
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    async with desk.database.reading() as session:
        chosen = statement.where(Contradiction.id == contradiction_id)
        row = (await session.exec(chosen)).first() if 0 < contradiction_id < 2**63 else None
    if row is None:
        raise not_found("矛盾来件")
    await note_whole(desk, DisclosedThing.CONTRADICTION, str(contradiction_id), wanted)
    return Reply(200, contradiction_view(desk.shown, row, whole=True)).response()

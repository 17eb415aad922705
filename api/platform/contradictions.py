"""Contradicting answers of the platform, side by side; a reviewer takes one, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import Readers
from api.platform.contradiction_views import HEADERS, ContradictionView, contradiction_view
from api.server.answers import Listed
from models.tables.flows import Contradiction
from models.words.stages import ContradictionState, Role

router = APIRouter(tags=["矛盾来件"])


@router.get("/contradictions", summary="矛盾来件列表", response_model=Listed[ContradictionView])
async def list_contradictions(
    desk: Readers,
    page: Pages,
    state: Annotated[ContradictionState | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    kind: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """A reviewer sees both contents, the others that there is one."""
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    if state is not None:
        statement = statement.where(Contradiction.state == state)
    if number is not None:
        statement = statement.where(Contradiction.number == number)
    if kind is not None:
        statement = statement.where(Contradiction.kind == kind)
    whole = desk.role is Role.REVIEWER

    def shown(row: Contradiction) -> tuple[int, ContradictionView]:
        return row.id or 0, contradiction_view(desk.shown, row, whole=whole)

    async with desk.database.snapshot() as session:
        return await listed(session, page, HEADERS, (statement, Contradiction.id), shown)

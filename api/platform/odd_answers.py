"""Answers outside the contract: everybody sees that there is one, a reviewer of its county what it says.

None was taken for success; the step that got it is tried again under the same key.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import defer
from sqlmodel import col, select

from api.counter.disclosures import note_whole
from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import Readers, Reviewers
from api.platform.odd_answer_views import HEADERS, OddAnswerContent, OddAnswerView, odd_answer_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from api.server.rendering import content_of
from models.tables.records import OddAnswer
from models.wire.words import Operation
from models.words.stages import DisclosedThing, DisclosurePurpose

router = APIRouter(tags=["平台异常应答"])


@router.get("/odd-answers", summary="平台异常应答列表", response_model=Listed[OddAnswerView])
async def list_odd_answers(
    desk: Readers,
    page: Pages,
    operation: Annotated[Operation | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128, description="业务编号，即业务引用的开头")] = None,
) -> Response:
    """No content; what was asked for a whole province is listed for the province's code."""
    statement = select(OddAnswer).where(OddAnswer.county_code == desk.county).options(defer(OddAnswer.body))  # type: ignore[arg-type]
    if operation is not None:
        statement = statement.where(OddAnswer.operation == operation.value)
    if number is not None:
        statement = statement.where(col(OddAnswer.key).startswith(number, autoescape=True))
    async with desk.database.snapshot() as session:
        chosen = (statement, OddAnswer.id)
        return await listed(session, page, HEADERS, chosen, lambda row: (row.id or 0, odd_answer_view(row)))


@router.get(
    "/odd-answers/{answer_id}/content", summary="异常应答原文", responses=refusals(NOT_FOUND=404, CODE_NEEDED=403)
)
async def read_odd_answer(desk: Reviewers, answer_id: int) -> OddAnswerContent:
    """As it came, JSON or text; the first 256 KiB were kept. Whoever reads it is noted.

    It wants a recent code.
    """
    desk.require_code()
    statement = select(OddAnswer).where(OddAnswer.id == answer_id, OddAnswer.county_code == desk.county)
    async with desk.database.reading() as session:
        row = (await session.exec(statement)).first() if 0 < answer_id < 2**63 else None
    if row is None:
        raise not_found("异常应答")
    await note_whole(desk, DisclosedThing.ODD_ANSWER, str(answer_id), DisclosurePurpose.CONTENT)
    return {**odd_answer_view(row), "content": content_of(desk.shown.open_body(row.operation, row.body))}

"""公示异议: entered until the flow's start, decided by another person; an open one holds its line (S1 2.6)."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from api.counter.desk import Reply
from api.counter.export import listed_together
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders, Operators, Reviewers
from api.season.objection_acts import decide_objection, enter_objection, why_no_decision
from api.season.objection_views import (
    HEADERS,
    DecidedObjection,
    EnteredObjection,
    NewObjection,
    ObjectionDecision,
    ObjectionDetail,
    ObjectionView,
    objected_lines,
    objection_views,
)
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.store.batches.objections import find_objection
from models.store.selection import Word
from models.tables.applications import Application
from models.tables.batches import Batch, Objection
from models.words.stages import ObjectionState

router = APIRouter(tags=["公示异议"])


class ObjectionFilter(BaseModel):
    model_config = ConfigDict(extra="ignore")

    state: ObjectionState | None = None
    batch_no: Word | None = None
    application_no: Word | None = None


@router.post(
    "/objections",
    status_code=201,
    summary="录入公示异议",
    response_model=EnteredObjection,
    responses=refusals(NOT_FOUND=404, APPLICATION_IN_FLOW=409, NOT_PUBLICISED=409, FILE_UNKNOWN=422, FILE_KIND=422),
)
async def post_objection(desk: Operators, new: NewObjection) -> Response:
    """Until the flow's start; from then on the line is held in it until somebody else has decided."""
    return await desk.once(lambda session: enter_objection(desk, session, new))


@router.get("/objections", summary="公示异议", response_model=Listed[ObjectionView])
async def list_objections(desk: CountyReaders, page: Pages, criteria: Annotated[ObjectionFilter, Query()]) -> Response:
    """Newest first, masked; `batch_no` finds those whose application is in the batch now."""
    statement = select(Objection).where(Objection.county_code == desk.county)
    if criteria.state is not None:
        statement = statement.where(Objection.state == criteria.state)
    if criteria.application_no is not None:
        statement = statement.where(Objection.application_no == criteria.application_no)
    if criteria.batch_no is not None:
        in_batch = select(Application.id).join(Batch).where(Batch.batch_no == criteria.batch_no)
        statement = statement.where(col(Objection.application_id).in_(in_batch))
    async with desk.database.snapshot() as session:
        view = objection_views(desk.shown, await names_of(session, desk.county))

        async def shown(rows: list[Objection]) -> Iterable[tuple[int, ObjectionView]]:
            lines = await objected_lines(session, rows)
            return [(row.id or 0, view(row, lines[row.application_id])) for row in rows]

        return await listed_together(session, page, HEADERS, (statement, Objection.id), shown)


@router.get(
    "/objections/{objection_no}",
    summary="公示异议详情",
    response_model=ObjectionDetail,
    responses=refusals(NOT_FOUND=404),
)
async def show_objection(desk: CountyReaders, objection_no: str) -> Response:
    async with desk.database.snapshot() as session:
        objection = await find_objection(session, desk.county, objection_no)
        if objection is None:
            raise not_found("公示异议")
        line = (await objected_lines(session, [objection]))[objection.application_id]
        view = objection_views(desk.shown, await names_of(session, desk.county))(objection, line)
        body: ObjectionDetail = {**view, "why_no_decision": why_no_decision(desk, objection, line.person_index)}
    return Reply(200, body).response()


@router.post(
    "/objections/{objection_no}/decision",
    summary="裁定公示异议",
    response_model=DecidedObjection,
    responses=refusals(
        NOT_FOUND=404,
        OBJECTION_DECIDED=409,
        APPLICATION_IN_FLOW=409,
        PAST_FLOW=409,
        BATCH_FROZEN=409,
        FLOW_NOT_ENDED=409,
        SAME_PERSON=403,
        OWN_APPLICATION=403,
    ),
)
async def post_decision(desk: Reviewers, objection_no: str, decision: ObjectionDecision) -> Response:
    """成立 withdraws the application; 不成立 lets it go out with the next round by itself."""
    return await desk.once(lambda session: decide_objection(desk, session, objection_no, decision))

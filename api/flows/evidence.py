"""提交材料: which photos a county asks for, and which lines of a flow lack some, told before the order (S1 2.8)."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.catalogs import CatalogKind, items_of
from api.counter.chunks import list_lines
from api.counter.desk import Reply
from api.counter.export import respond
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import Admins, CountyReaders
from api.flows.evidence_views import (
    LACKING,
    MISSING_HEADERS,
    REQUIREMENT_HEADERS,
    MissingEvidenceView,
    MissingRow,
    RequirementView,
    missing_evidence_view,
    requirement_view,
)
from api.flows.guard import chosen_flow_lines, known_flow
from api.server.answers import Listed, refusals
from api.server.problems import field_problem, not_found
from models.store.flows.evidence import in_order, item_names, missing_of
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.orders.rules import FlowLineFilter
from models.tables.applications import EvidenceRequirement
from models.tables.base import now
from models.wire.words import DocumentKind
from models.words.calendar import china_today
from models.words.evidence import OF_PERSON

router = APIRouter(tags=["提交材料"])

EvidenceKind = Literal[DocumentKind.ID_CARD_FRONT, DocumentKind.PORTRAIT, DocumentKind.INVOICE]


class Requirement(BaseModel):
    """What is needed of a person for this item; the order doesn't matter."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[list[EvidenceKind], Field(min_length=1, max_length=len(OF_PERSON))]


class MissingQuery(FlowLineFilter):
    """`sent`: whether photos of the line were handed in before."""

    model_config = ConfigDict(extra="ignore")

    sent: bool | None = None


@router.get(
    "/evidence-requirements",
    summary="材料要求",
    response_model=Listed[RequirementView],
    responses=refusals(CATALOG_FETCHING=503),
)
async def list_requirements(desk: CountyReaders, page: Pages) -> Response:
    """Each subsidy item with the photos that a person's paid line needs; set by the county, or as the manual has it."""
    await items_of(desk, CatalogKind.SUBSIDY_ITEMS, china_today().year)
    async with desk.database.snapshot() as session:
        names = await item_names(session, desk.county)
        statement = select(EvidenceRequirement).where(EvidenceRequirement.county_code == desk.county)
        own = {each.item_code: each for each in await session.exec(statement)}
    rows = list(enumerate((requirement_view(code, names[code], own.get(code)) for code in sorted(names)), start=1))
    after = page.after or 0
    return await respond(page, REQUIREMENT_HEADERS, rows[after : after + page.rows])


@router.put(
    "/evidence-requirements/{item_code}",
    summary="设置材料要求",
    response_model=RequirementView,
    responses=refusals(NOT_FOUND=404),
)
async def setrequirement_view(desk: Admins, item_code: str, wanted: Requirement) -> Response:
    """Takes kinds off, or back on, for one subsidy item; orders entered from now on are judged by it."""
    kinds = in_order([kind.value for kind in wanted.kinds])
    if len(kinds) < len(wanted.kinds):
        raise field_problem({"/kinds": "同一种材料只列一次"})

    async def work(session: AsyncSession) -> Reply:
        await hold(session, Rank.DOOR, f"evidence-requirement/{desk.county}")
        name = (await item_names(session, desk.county)).get(item_code)
        if name is None:
            raise not_found("补贴项目")
        former = await session.get(EvidenceRequirement, (desk.county, item_code))
        before = list(former.kinds) if former else [kind.value for kind in OF_PERSON]
        row = EvidenceRequirement(
            county_code=desk.county, item_code=item_code, kinds=kinds, set_by=desk.person, set_at=now()
        )
        row = await session.merge(row)
        await session.flush()
        await desk.trail(session, "evidence_requirement_set", item_code, {"before": before, "after": kinds})
        return Reply(200, requirement_view(item_code, name, row))

    return await desk.change(work)


@router.get(
    "/flows/{flow_no}/missing-evidence",
    summary="缺少材料的申请",
    response_model=Listed[MissingEvidenceView],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_missing(
    desk: CountyReaders, flow_no: str, page: Pages, query: Annotated[MissingQuery, Query()]
) -> Response:
    """The paid lines that 提交材料 would leave out, each with the kinds that it lacks."""
    async with desk.database.snapshot() as session:
        chosen = chosen_flow_lines(await known_flow(session, desk, flow_no), _of_line(query))
        chosen = chosen.also(f"a.payment = 'paid' AND cardinality({missing_of('a')}) > 0")
        if query.sent is not None:
            chosen = chosen.also("(a.evidence_sent_at IS NOT NULL) = :sent", sent=query.sent)
        show = partial(missing_evidence_view, desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, chosen, show, MISSING_HEADERS, LACKING, MissingRow)


def _of_line(query: MissingQuery) -> FlowLineFilter:
    return FlowLineFilter.model_validate(query.model_dump(exclude={"sent"}, exclude_none=True))

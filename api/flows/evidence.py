"""提交材料: which photos a county asks for, and which lines of a flow lack some, told before the order (S1 2.8)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.views import LineRow
from api.counter.catalogs import CatalogKind, items_of
from api.counter.chunks import list_lines
from api.counter.desk import Reply
from api.counter.export import respond
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import Admins, CountyReaders
from api.flows.guard import chosen_flow_lines, known_flow
from api.server.problems import field_problem, not_found
from models.forms import identity
from models.store.flows.evidence import in_order, item_names, missing_of
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.orders.rules import FlowLineFilter
from models.store.vault import Field as Sealed
from models.tables.applications import EvidenceRequirement
from models.tables.base import now
from models.wire.words import DocumentKind
from models.words.calendar import china_today
from models.words.evidence import OF_PERSON, ORGANIZATION_RULE, PHOTOS, missing_words
from models.words.flow_words import APPLICANTS

router = APIRouter(tags=["提交材料"])

Kind = Literal[DocumentKind.ID_CARD_FRONT, DocumentKind.PORTRAIT, DocumentKind.INVOICE]
REQUIREMENT_HEADERS: Mapping[str, str] = {
    "item_code": "补贴项目代码",
    "item": "补贴项目",
    "kinds_label": "个人须提交的材料",
    "organization_label": "组织须提交的材料",
    "set_by": "设置人",
    "set_at": "设置时间",
}
MISSING_HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "kind_label": "申请类型",
    "name": "姓名/组织名称",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "missing_label": "缺少的材料",
    "evidence_sent_at": "上次提交材料时间",
}
LACKING = f"""
SELECT a.id, a.application_no, a.applicant_kind, a.name_sealed, a.item_code, a.amount_fen, a.evidence_sent_at,
  {missing_of("a")} AS missing
FROM flow_line a
"""


class Requirement(BaseModel):
    """What is needed of a person for this item; the order doesn't matter."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=len(OF_PERSON))]


class MissingQuery(FlowLineFilter):
    """`sent`: whether photos of the line were handed in before."""

    model_config = ConfigDict(extra="ignore")

    sent: bool | None = None


@router.get("/evidence-requirements", summary="材料要求")
async def list_requirements(desk: CountyReaders, page: Pages) -> Response:
    """Each subsidy item with the photos that a person's paid line needs; set by the county, or as the manual has it."""
    await items_of(desk, CatalogKind.SUBSIDY_ITEMS, china_today().year)
    async with desk.database.snapshot() as session:
        names = await item_names(session, desk.county)
        statement = select(EvidenceRequirement).where(EvidenceRequirement.county_code == desk.county)
        own = {each.item_code: each for each in await session.exec(statement)}
    rows = list(enumerate((_requirement(code, names[code], own.get(code)) for code in sorted(names)), start=1))
    after = page.after or 0
    return await respond(page, REQUIREMENT_HEADERS, rows[after : after + page.rows])


@router.put("/evidence-requirements/{item_code}", summary="设置材料要求")
async def set_requirement(desk: Admins, item_code: str, wanted: Requirement) -> Response:
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
        return Reply(200, _requirement(item_code, name, row))

    return await desk.change(work)


@router.get("/flows/{flow_no}/missing-evidence", summary="缺少材料的申请")
async def list_missing(
    desk: CountyReaders, flow_no: str, page: Pages, query: Annotated[MissingQuery, Query()]
) -> Response:
    """The paid lines that 提交材料 would leave out, each with the kinds that it lacks."""
    async with desk.database.snapshot() as session:
        chosen = chosen_flow_lines(await known_flow(session, desk, flow_no), _of_line(query))
        chosen = chosen.also(f"a.payment = 'paid' AND cardinality({missing_of('a')}) > 0")
        if query.sent is not None:
            chosen = chosen.also("(a.evidence_sent_at IS NOT NULL) = :sent", sent=query.sent)
        names = await names_of(session, desk.county)

        def view(row: LineRow) -> dict[str, object]:
            name = desk.shown.open(Sealed.NAME, row.application_no, row.name_sealed)
            return {
                "application_no": row.application_no,
                "applicant_kind": row.applicant_kind,
                "kind_label": APPLICANTS[row.applicant_kind],
                "name": identity.mask_name(name),
                "item_code": row.item_code,
                "item": names.item(row.item_code),
                "amount_fen": row.amount_fen,
                "missing": list(row.missing),
                "missing_label": missing_words(row.missing),
                "evidence_sent_at": row.evidence_sent_at,
            }

        return await list_lines(session, page, chosen, view, MISSING_HEADERS, LACKING)


def _of_line(query: MissingQuery) -> FlowLineFilter:
    return FlowLineFilter.model_validate(query.model_dump(exclude={"sent"}, exclude_none=True))


def _requirement(item_code: str, name: str, row: EvidenceRequirement | None) -> dict[str, object]:
    kinds: Sequence[str] = row.kinds if row else [kind.value for kind in OF_PERSON]
    return {
        "item_code": item_code,
        "item": name,
        "kinds": kinds,
        "kinds_label": "、".join(PHOTOS[kind] for kind in kinds),
        "organization_label": ORGANIZATION_RULE,
        "set_by": row.set_by if row else None,
        "set_at": row.set_at if row else None,
    }

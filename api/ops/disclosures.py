"""Who was given whose data in clear: the county's own list, by person, thing and time."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlmodel import col, select
from typing_extensions import TypedDict

from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import DisclosureReaders
from api.ops.time_range import Since, Until, between
from api.server.answers import Listed
from models.tables.records import Disclosure
from models.words.code_words import ROLES, called
from models.words.stages import DisclosedThing, DisclosurePurpose

router = APIRouter(tags=["留痕"])
HEADERS = {
    "id": "序号",
    "at": "时间",
    "actor": "查看人",
    "role_label": "身份",
    "purpose_label": "用途",
    "thing_label": "类别",
    "number": "编号",
    "within": "所在名单",
}


class DisclosureView(TypedDict):
    """一次完整信息的给出：谁、何时、看了什么、为何。"""

    id: Annotated[int, Field(description="序号")]
    at: datetime
    actor: Annotated[str, Field(description="查看人")]
    role: Annotated[str, Field(description="查看时的身份")]
    role_label: str
    purpose: Annotated[DisclosurePurpose, Field(description="用途")]
    purpose_label: str
    thing: Annotated[DisclosedThing, Field(description="类别")]
    thing_label: str
    number: Annotated[str, Field(description="所看事项的编号")]
    within: Annotated[str | None, Field(description="所在的名单、指令、流程，或照片种类")]


@router.get("/disclosures", summary="查看完整信息的记录", response_model=Listed[DisclosureView])
async def list_disclosures(
    desk: DisclosureReaders,
    page: Pages,
    actor: Annotated[str | None, Query(max_length=80)] = None,
    thing: Annotated[DisclosedThing | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    purpose: Annotated[DisclosurePurpose | None, Query()] = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Newest first; numbers only, nobody's data."""
    statement = select(Disclosure).where(Disclosure.county_code == desk.county)
    for field, value in {"actor": actor, "thing": thing, "number": number, "purpose": purpose}.items():
        if value is not None:
            statement = statement.where(col(getattr(Disclosure, field)) == value)
    statement = statement.where(*between(Disclosure.at, since, until))
    async with desk.database.snapshot() as session:
        return await listed(session, page, HEADERS, (statement, Disclosure.id), disclosure_view)


def disclosure_view(row: Disclosure) -> tuple[int, DisclosureView]:
    return row.id or 0, {
        "id": row.id or 0,
        "at": row.at,
        "actor": row.actor,
        "role": row.role,
        "role_label": called(ROLES, row.role),
        "purpose": row.purpose,
        "purpose_label": row.purpose.label,
        "thing": row.thing,
        "thing_label": row.thing.label,
        "number": row.number,
        "within": row.within,
    }

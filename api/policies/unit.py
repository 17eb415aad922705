"""政策单位: one per county; another may be chosen while nothing is open (S1 1.1.1)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.catalogs import CatalogKind, names_in
from api.counter.desk import Reply
from api.counter.roles import Admins, Readers
from api.server.answers import refusals
from api.server.problems import conflict, field_problem, not_found
from models.store.policies.unit import unit_to_change, what_is_open
from models.tables.base import now
from models.tables.policies import PolicyUnit
from models.words.calendar import china_today
from models.words.refusals import Refusal

router = APIRouter(tags=["政策"])


class UnitChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class UnitView(TypedDict):
    code: Annotated[str, Field(description="政策单位代码")]
    name: Annotated[str, Field(description="政策单位名称")]
    chosen_by: Annotated[str, Field(description="设置人")]
    chosen_at: datetime


class WholeUnit(UnitView):
    hindrances: Annotated[list[str], Field(description="现在不能更改的原因；空则可以更改")]


@router.get("/policy-unit", summary="政策单位", responses=refusals(NOT_FOUND=404))
async def read_policy_unit(desk: Readers) -> WholeUnit:
    """With what stands in the way of another choice; nothing: it may be made."""
    async with desk.database.snapshot() as session:
        unit = await session.get(PolicyUnit, desk.county)
        hindrances = await what_is_open(session, desk.county)
    if unit is None:
        raise not_found("政策单位，尚未选择；可选的政策单位")
    return {**_view(unit), "hindrances": list(hindrances.values())}


@router.put(
    "/policy-unit",
    summary="设置政策单位",
    response_model=UnitView,
    responses=refusals(POLICY_UNIT_IN_USE=409, CATALOG_FETCHING=503),
)
async def choose_policy_unit(desk: Admins, choice: UnitChoice) -> Response:
    names = await names_in(desk, CatalogKind.POLICY_UNITS, china_today().year)
    if choice.code not in names:
        raise field_problem(
            {"/code": "政策单位不在平台名单中，请从 /catalogs/policy-units 中选择"}, Refusal.UNKNOWN_CODE
        )

    async def work(session: AsyncSession) -> Reply:
        unit = await unit_to_change(session, desk.county)
        before = {"code": unit.code, "name": unit.name} if unit else None
        after = {"code": choice.code, "name": names[choice.code]}
        if before == after and unit is not None:
            return Reply(200, _view(unit))
        if unit is not None and unit.code != choice.code:
            await _check_nothing_open(session, desk.county)
        unit = await session.merge(PolicyUnit(county_code=desk.county, **after, chosen_by=desk.person, chosen_at=now()))
        await desk.trail(session, "policy_unit_chosen", desk.county, {"before": before, "after": after})
        return Reply(200, _view(unit))

    return await desk.change(work)


async def _check_nothing_open(session: AsyncSession, county_code: str) -> None:
    """What is under review or in a flow was told to the platform under the unit of before."""
    found = await what_is_open(session, county_code)
    if found:
        detail = f"{'、'.join(found.values())}；政策单位现在不能更改，请等政策审核有结果、补贴流程结束后再改"
        errors = [{"number": number, "code": Refusal.STILL_OPEN, "detail": words} for number, words in found.items()]
        raise conflict(Refusal.POLICY_UNIT_IN_USE, "政策单位正在使用", detail, errors)


def _view(unit: PolicyUnit) -> UnitView:
    return {"code": unit.code, "name": unit.name, "chosen_by": unit.chosen_by, "chosen_at": unit.chosen_at}

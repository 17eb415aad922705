"""政策单位: chosen once per county (S1 1.1.1)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.catalogs import CatalogKind, names_in
from api.desk import READERS, Desk, Reply, for_roles
from api.problems import conflict, field_problem, not_found
from models.identity import china_today
from models.stages import Role
from models.store.lock_order import Rank
from models.store.locking import hold
from models.tables import Policy, PolicyUnit

router = APIRouter(tags=["政策"])
Admins = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN))]
Readers = Annotated[Desk, Depends(for_roles(*READERS))]


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(min_length=1, max_length=128)]


@router.get("/policy-unit", summary="政策单位")
async def read_policy_unit(desk: Readers) -> dict[str, object]:
    async with desk.database.reading() as session:
        unit = await session.get(PolicyUnit, desk.county)
    if unit is None:
        raise not_found("政策单位，尚未选择；可选的政策单位")
    return _view(unit)


@router.put("/policy-unit", summary="设置政策单位")
async def choose_policy_unit(desk: Admins, choice: Choice) -> Response:
    names = await names_in(desk, CatalogKind.POLICY_UNITS, china_today().year)
    if choice.code not in names:
        raise field_problem({"/code": "政策单位不在平台名单中，请从 /catalogs/policy-units 中选择"}, "UNKNOWN_CODE")

    async def work(session: AsyncSession) -> Reply:
        await hold(session, Rank.DOOR, f"policy-unit/{desk.county}")
        unit = await session.get(PolicyUnit, desk.county)
        if unit is not None and unit.code == choice.code:
            return Reply(200, _view(unit))
        if unit is not None:
            await _check_unused(session, desk.county)
        before = unit.code if unit else None
        unit = await session.merge(
            PolicyUnit(county_code=desk.county, code=choice.code, name=names[choice.code], chosen_by=desk.person)
        )
        await desk.trail(session, "policy_unit_chosen", desk.county, {"before": before, "after": choice.code})
        return Reply(200, _view(unit))

    return await desk.change(work)


async def _check_unused(session: AsyncSession, county_code: str) -> None:
    used = select(Policy.policy_no).where(Policy.county_code == county_code).order_by(col(Policy.id)).limit(1)
    if (await session.exec(used)).first() is not None:
        detail = "本县已有政策用原政策单位报送平台，政策单位不能再改；确需更改请联系平台"
        raise conflict("POLICY_UNIT_IN_USE", "政策单位已在使用", detail)


def _view(unit: PolicyUnit) -> dict[str, object]:
    return {"code": unit.code, "name": unit.name, "chosen_by": unit.chosen_by, "chosen_at": unit.chosen_at}

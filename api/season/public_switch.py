"""开通公示网页: a county administrator's switch, and where people are to object."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply
from api.counter.roles import Admins, CountyReaders
from api.server.problems import field_problem
from models.free_text import FREE_TEXT
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.selection import NO_NUL
from models.store.texts import open_text, seal_text
from models.tables.base import now
from models.tables.batches import PublicListSwitch
from models.words.faults import FaultCode

router = APIRouter(tags=["公示网页"])


class PublicListChoice(BaseModel):
    """开通时须写明向哪里提出异议。"""

    model_config = ConfigDict(extra="forbid")

    shown: Annotated[bool, Field(strict=True)]
    contact: Annotated[
        str | None, StringConstraints(strip_whitespace=True, max_length=200, pattern=NO_NUL), FREE_TEXT
    ] = None


class PublicListState(TypedDict):
    shown: Annotated[bool, Field(description="是否已开通公示网页")]
    contact: Annotated[str | None, Field(description="向哪里提出异议")]
    set_by: Annotated[str | None, Field(description="设置人；从未设置的为空")]
    set_at: datetime | None


@router.get("/public-list-switch", summary="公示网页的开关")
async def read_switch(desk: CountyReaders) -> PublicListState:
    async with desk.database.snapshot() as session:
        return _state(desk, await session.get(PublicListSwitch, desk.county))


@router.put("/public-list-switch", summary="开通或关闭公示网页", response_model=PublicListState)
async def set_switch(desk: Admins, choice: PublicListChoice) -> Response:
    """Off at once in this process's memory after a few seconds at most, see `PUBLIC_LIST_KEPT_SECONDS`."""
    if choice.shown and not choice.contact:
        raise field_problem({"/contact": "请写明向哪里提出异议：部门、地址和电话"}, FaultCode.REQUIRED)
    return await desk.change(lambda session: _set(desk, session, choice))


async def _set(desk: Desk, session: AsyncSession, choice: PublicListChoice) -> Reply:
    await hold(session, Rank.DOOR, f"public-list/{desk.county}")
    before = _state(desk, await session.get(PublicListSwitch, desk.county))
    contact = choice.contact or None
    if (before["shown"], before["contact"]) != (choice.shown, contact):
        sealed = seal_text(desk.vault, desk.county, contact)
        await session.merge(
            PublicListSwitch(
                county_code=desk.county, shown=choice.shown, contact_sealed=sealed, set_by=desk.person, set_at=now()
            )
        )
        await session.flush()
        changed = {"before": {name: before[name] for name in ("shown", "contact")}, "after": choice.model_dump()}
        await desk.trail(session, "public_list.switched", desk.county, changed)
    return Reply(200, _state(desk, await session.get(PublicListSwitch, desk.county)))


def _state(desk: Desk, switch: PublicListSwitch | None) -> PublicListState:
    if switch is None:
        return {"shown": False, "contact": None, "set_by": None, "set_at": None}
    return {
        "shown": switch.shown,
        "contact": open_text(desk.shown, desk.county, switch.contact_sealed),
        "set_by": switch.set_by,
        "set_at": switch.set_at,
    }

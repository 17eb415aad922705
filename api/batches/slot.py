"""The province's one place for an initialisation under review: who holds it, who waits, where this county stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from sqlmodel import col, select
from typing_extensions import TypedDict

from api.counter.roles import Readers
from models.tables.batches import ProvinceSlot
from models.wire.answers import province_of
from models.words.counties import county_name

router = APIRouter(tags=["数据初始化"])


class AskedCounty(TypedDict):
    county_code: str
    county_name: Annotated[str, Field(description="区县")]
    asked_at: Annotated[datetime, Field(description="申请名额的时间")]
    list_no: Annotated[str | None, Field(description="初始化名单；其他区县的不显示")]


class SlotHolder(AskedCounty):
    since: Annotated[datetime, Field(description="占用名额的时间")]


class _Place(TypedDict):
    place: Annotated[int, Field(description="排队的位置，从 1 起")]


class QueuedCounty(_Place, AskedCounty):
    pass


class SlotView(TypedDict):
    province_code: str
    province_name: Annotated[str, Field(description="省（市）")]
    holder: Annotated[SlotHolder | None, Field(description="占用名额的区县")]
    outside_holder: Annotated[str | None, Field(description="占用名额的、不在本系统的区县")]
    outside_holder_name: str | None
    queue: Annotated[list[QueuedCounty], Field(description="排队的区县，按先后")]
    own_place: Annotated[int | None, Field(description="本区县的位置；没有排队时为空")]
    holds: Annotated[bool, Field(description="名额是否由本区县占用")]


@router.get("/province-slot", summary="全省数据初始化名额")
async def read_slot(desk: Readers) -> SlotView:
    """Counties are visible to each other here, their list numbers are not."""
    province = province_of(desk.county)
    statement = (
        select(ProvinceSlot)
        .where(ProvinceSlot.province_code == province, col(ProvinceSlot.released_at).is_(None))
        .order_by(col(ProvinceSlot.id))
    )
    async with desk.database.reading() as session:
        rows = (await session.exec(statement)).all()
    outside = next((row.outside_holder for row in rows if row.outside_holder), None)
    holder = next((row for row in rows if row.granted_at is not None), None)
    waiting = [row for row in rows if row.granted_at is None]
    return {
        "province_code": province,
        "province_name": county_name(province),
        "holder": _holder(holder, desk.county) if holder else None,
        "outside_holder": outside,
        "outside_holder_name": county_name(outside) if outside else None,
        "queue": [{"place": place, **_entry(row, desk.county)} for place, row in enumerate(waiting, start=1)],
        "own_place": _own_place(waiting, desk.county),
        "holds": holder is not None and holder.county_code == desk.county,
    }


def _own_place(waiting: Sequence[ProvinceSlot], county: str) -> int | None:
    return next((place for place, row in enumerate(waiting, start=1) if row.county_code == county), None)


def _holder(row: ProvinceSlot, county: str) -> SlotHolder:
    assert row.granted_at is not None
    return {**_entry(row, county), "since": row.granted_at}


def _entry(row: ProvinceSlot, county: str) -> AskedCounty:
    own = row.county_code == county
    return {
        "county_code": row.county_code,
        "county_name": county_name(row.county_code),
        "asked_at": row.asked_at,
        "list_no": row.list_no if own else None,
    }

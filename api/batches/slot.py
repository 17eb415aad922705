"""The province's one place for an initialisation under review: who holds it, who waits, where this county stands."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import col, select

from api.counter.desk import READERS, Desk, for_roles
from models.tables.batches import ProvinceSlot
from models.wire.answers import province_of
from models.words.counties import county_name

router = APIRouter(tags=["数据初始化"])
Readers = Annotated[Desk, Depends(for_roles(*READERS))]


@router.get("/province-slot", summary="全省数据初始化名额")
async def read_slot(desk: Readers) -> dict[str, object]:
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
        "holder": _entry(holder, desk.county) | {"since": holder.granted_at} if holder else None,
        "outside_holder": outside,
        "outside_holder_name": county_name(outside) if outside else None,
        "queue": [{"place": place, **_entry(row, desk.county)} for place, row in enumerate(waiting, start=1)],
        "own_place": _own_place(waiting, desk.county),
        "holds": holder is not None and holder.county_code == desk.county,
    }


def _own_place(waiting: Sequence[ProvinceSlot], county: str) -> int | None:
    return next((place for place, row in enumerate(waiting, start=1) if row.county_code == county), None)


def _entry(row: ProvinceSlot, county: str) -> dict[str, object]:
    own = row.county_code == county
    return {
        "county_code": row.county_code,
        "county_name": county_name(row.county_code),
        "asked_at": row.asked_at,
        "list_no": row.list_no if own else None,
    }

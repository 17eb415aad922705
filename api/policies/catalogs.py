"""The platform's lists as last fetched: units, projects, documents, items, towns, banks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.catalogs import CatalogKind, FundYear, Item, items_of, refresh_of
from api.counter.desk import COUNTY, EVERYONE, Desk, Reply, for_roles
from api.counter.export import respond
from api.counter.paging import Pages
from models.store.runs.runs import open_run

router = APIRouter(tags=["目录"])
AskedYear = Annotated[int, Query(ge=2000, le=2099, description="资金年度")]
Everyone = Annotated[Desk, Depends(for_roles(*EVERYONE))]
County = Annotated[Desk, Depends(for_roles(*COUNTY))]
_HEADERS = {"code": "代码", "name": "名称", "village_names": "村"}


class Refresh(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fund_year: FundYear


@router.get("/catalogs/{kind}", summary="平台目录")
async def read_catalog(
    desk: Everyone, page: Pages, kind: Annotated[CatalogKind, Path()], fund_year: AskedYear
) -> Response:
    items = await items_of(desk, kind, fund_year)
    after = 0 if page.after is None else page.after
    rows = list(enumerate(items, start=1))[after : after + page.rows]
    if page.export:
        rows = [(place, {**item, "village_names": _villages(item)}) for place, item in rows]
    headers = _HEADERS if kind is CatalogKind.TOWNS else {"code": "代码", "name": "名称"}
    return await respond(page, headers, rows)


@router.post("/catalog-refreshes", status_code=202, summary="更新平台目录")
async def refresh_catalogs(desk: County, refresh: Refresh) -> Response:
    async def work(session: AsyncSession) -> Reply:
        subject = refresh_of(desk, refresh.fund_year)
        # also while one is being fetched: that one may have passed what is wanted already
        await open_run(session, subject)
        await desk.trail(session, "catalog_refresh_asked", subject.number, {"fund_year": refresh.fund_year})
        return Reply(202, {"number": subject.number, "fund_year": refresh.fund_year})

    return await desk.once(work)


def _villages(item: Item) -> str:
    return "、".join(village["name"] for village in item.get("villages", ()))

"""The platform's lists as last fetched: units, projects, documents, items, towns, banks."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.catalogs import CatalogKind, CatalogRow, FundYear, items_of, refresh_of
from api.counter.desk import Reply
from api.counter.export import View, respond
from api.counter.paging import Pages
from api.counter.roles import CountyStaff, Everyone
from api.server.answers import Listed, refusals
from models.store.runs.runs import open_run

router = APIRouter(tags=["目录"])
AskedYear = Annotated[int, Query(ge=2000, le=2099, description="资金年度")]
_HEADERS = {"code": "代码", "name": "名称", "village_names": "村"}


class Refresh(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fund_year: FundYear


class RefreshAsked(TypedDict):
    number: Annotated[str, Field(description="更新的编号")]
    fund_year: Annotated[int, Field(description="资金年度")]


@router.get(
    "/catalogs/{kind}", summary="平台目录", response_model=Listed[CatalogRow], responses=refusals(CATALOG_FETCHING=503)
)
async def read_catalog(
    desk: Everyone,
    page: Pages,
    kind: Annotated[CatalogKind, Path()],
    fund_year: AskedYear,
    parent: Annotated[str | None, Query(max_length=80, description="乡镇的代码：只要它的村")] = None,
    like: Annotated[str | None, Query(max_length=80, description="名称或代码中的几个字")] = None,
) -> Response:
    """Villages are told with their towns, or by themselves: `/catalogs/villages?parent={town_code}`."""
    items = [item for item in await items_of(desk, kind, fund_year) if _is_meant(item, parent, like)]
    after = 0 if page.after is None else page.after
    found = list(enumerate(items, start=1))[after : after + page.rows]
    rows = [(place, _for_file(item) if page.export else item) for place, item in found]
    headers = _HEADERS if kind is CatalogKind.TOWNS else {"code": "代码", "name": "名称"}
    return await respond(page, headers, rows)


def _is_meant(item: CatalogRow, parent: str | None, like: str | None) -> bool:
    if parent is not None and item.get("parent") != parent:
        return False
    return like is None or any(like.casefold() in text.casefold() for text in (item["name"], item["code"]))


@router.post("/catalog-refreshes", status_code=202, summary="更新平台目录", response_model=RefreshAsked)
async def refresh_catalogs(desk: CountyStaff, refresh: Refresh) -> Response:
    async def work(session: AsyncSession) -> Reply:
        subject = refresh_of(desk, refresh.fund_year)
        # also while one is being fetched: that one may have passed what is wanted already
        await open_run(session, subject)
        await desk.trail(session, "catalog_refresh_asked", subject.number, {"fund_year": refresh.fund_year})
        answer: RefreshAsked = {"number": subject.number, "fund_year": refresh.fund_year}
        return Reply(202, answer)

    return await desk.once(work)


def _for_file(item: CatalogRow) -> View:
    return {**item, "village_names": "、".join(village["name"] for village in item.get("villages", ()))}

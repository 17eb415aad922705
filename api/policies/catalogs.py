"""The platform's lists as last fetched: units, projects, documents, items, towns, banks."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.catalogs import CatalogKind, CatalogRow, FundYear, items_of, refresh_of
from api.counter.desk import Reply
from api.counter.export import View, respond
from api.counter.paging import FilterYear, Pages
from api.counter.roles import CountyStaff, Everyone
from api.counter.run_block import RunBlock, run_of
from api.server.answers import Listed, refusals
from models.contracts import RunKind
from models.store.runs.runs import open_run
from models.store.sql import fetch
from models.words.calendar import china_today

router = APIRouter(tags=["目录"])
AskedYear = Annotated[int, Query(ge=2000, le=2099, description="资金年度")]
# What is fetched; villages come with their towns.
CATALOG_WORDS = {
    CatalogKind.POLICY_UNITS: "政策单位",
    CatalogKind.BUDGET_UNITS: "一体化预算单位",
    CatalogKind.BUDGET_PROJECTS: "预算项目",
    CatalogKind.INDICATOR_DOCUMENTS: "指标文号",
    CatalogKind.SUBSIDY_ITEMS: "补贴项目",
    CatalogKind.TOWNS: "乡镇和村",
    CatalogKind.BANKS: "开户行",
}
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


class CatalogState(TypedDict):
    """一份平台名单：多少条，何时取得。"""

    kind: CatalogKind
    label: Annotated[str, Field(description="哪一份名单")]
    fund_year: Annotated[int | None, Field(description="资金年度；不分年度的为空")]
    entries: Annotated[int, Field(description="条数")]
    fetched_at: Annotated[datetime | None, Field(description="何时取得；从未取得的为空")]


class CatalogStates(TypedDict):
    fund_year: int
    items: list[CatalogState]
    run: Annotated[RunBlock | None, Field(description="最近一次更新的运行")]


class _Kept(NamedTuple):
    kind: str
    fund_year: int
    entries: int
    fetched_at: datetime


@router.get("/catalogs", summary="平台目录的更新时间")
async def list_catalogs(desk: Everyone, fund_year: FilterYear = None) -> CatalogStates:
    """Every kind, with what is kept of it for a year (this one, if none is asked for)."""
    year = fund_year or china_today().year
    async with desk.database.snapshot() as session:
        rows = await fetch(
            session,
            _Kept,
            "SELECT DISTINCT ON (kind) kind, fund_year, jsonb_array_length(items) AS entries, fetched_at"
            " FROM catalog_list WHERE county_code = :county AND fund_year IN (0, :year) ORDER BY kind, fund_year DESC",
            county=desk.county,
            year=year,
        )
        run = await run_of(desk, session, RunKind.CATALOG_REFRESH, refresh_of(desk, year).number)
    kept = {row.kind: row for row in rows}
    return {"fund_year": year, "items": [_state(kind, kept.get(kind.value)) for kind in CATALOG_WORDS], "run": run}


def _state(kind: CatalogKind, kept: _Kept | None) -> CatalogState:
    return {
        "kind": kind,
        "label": CATALOG_WORDS[kind],
        "fund_year": kept.fund_year or None if kept else None,
        "entries": kept.entries if kept else 0,
        "fetched_at": kept.fetched_at if kept else None,
    }


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

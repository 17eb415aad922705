"""The platform's lists as last fetched, for whoever checks what somebody chose from them."""

from enum import StrEnum
from typing import Annotated, NoReturn, NotRequired, cast

from pydantic import Field as Bounded
from pydantic import StrictInt
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.server.problems import Problem
from models.contracts import RunKind, Subject
from models.forms.catalogs import Catalogs
from models.store.applications.catalogs import form_catalogs
from models.store.runs.runs import open_run
from models.tables.catalogs import CatalogList
from models.tables.records import Run
from models.words.refusals import Refusal

RETRY_SECONDS = 3
FundYear = Annotated[StrictInt, Bounded(ge=2000, le=2099)]


class CatalogName(TypedDict):
    code: Annotated[str, Bounded(description="平台代码")]
    name: str


class CatalogRow(CatalogName):
    villages: NotRequired[Annotated[list[CatalogName], Bounded(description="乡镇的村")]]
    parent: NotRequired[Annotated[str, Bounded(description="村所属乡镇的代码")]]


class CatalogKind(StrEnum):
    POLICY_UNITS = "policy-units"
    BUDGET_UNITS = "budget-units"
    BUDGET_PROJECTS = "budget-projects"
    INDICATOR_DOCUMENTS = "indicator-documents"
    SUBSIDY_ITEMS = "subsidy-items"
    TOWNS = "towns"
    BANKS = "banks"
    # those of the towns, each under its town
    VILLAGES = "villages"


async def items_of(desk: Desk, kind: CatalogKind, fund_year: int) -> list[CatalogRow]:
    """A list as last fetched; when it never was, 503 and the fetching is under way."""
    if kind is CatalogKind.VILLAGES:
        towns = await items_of(desk, CatalogKind.TOWNS, fund_year)
        return [
            {"code": village["code"], "name": village["name"], "parent": town["code"]}
            for town in towns
            for village in town.get("villages", ())
        ]
    async with desk.database.reading() as session:
        found = await _stored(session, desk.county, kind, fund_year)
    if found is None:
        await _fetching(desk, fund_year)
    return cast(list[CatalogRow], found.items)


async def names_in(desk: Desk, kind: CatalogKind, fund_year: int) -> dict[str, str]:
    return {item["code"]: item["name"] for item in await items_of(desk, kind, fund_year)}


async def catalogs_for(desk: Desk, fund_year: int) -> Catalogs:
    """The lists that a form is checked against, all of them or 503."""
    async with desk.database.reading() as session:
        found = await form_catalogs(session, desk.county, fund_year)
    return found or await _fetching(desk, fund_year)


async def _stored(session: AsyncSession, county: str, kind: CatalogKind, fund_year: int) -> CatalogList | None:
    statement = (
        select(CatalogList)
        .where(CatalogList.county_code == county, CatalogList.kind == kind.value)
        .where(col(CatalogList.fund_year).in_((0, fund_year)))
        .order_by(col(CatalogList.fund_year).desc())
    )
    return (await session.exec(statement)).first()


async def _fetching(desk: Desk, fund_year: int) -> NoReturn:
    async with desk.database.transaction() as session:
        await _fetch_unless_under_way(session, refresh_of(desk, fund_year))
    detail = f"{fund_year} 年度的名单正在向平台获取，请 {RETRY_SECONDS} 秒后重试"
    headers = {"Retry-After": str(RETRY_SECONDS)}
    raise Problem(503, Refusal.CATALOG_FETCHING, "正在向平台获取名单", detail, headers=headers)


async def _fetch_unless_under_way(session: AsyncSession, subject: Subject) -> None:
    """Who has no list at all is served by a fetching that has begun as well."""
    statement = select(Run).where(Run.workflow_id == subject.workflow_id, col(Run.closed_at).is_(None))
    if (await session.exec(statement)).first() is None:
        await open_run(session, subject)


def refresh_of(desk: Desk, fund_year: int) -> Subject:
    number = f"{desk.county}-M{fund_year}"
    return Subject(kind=RunKind.CATALOG_REFRESH, number=number, county_code=desk.county, fund_year=fund_year)

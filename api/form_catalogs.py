"""The lists that a form is checked against; fetched from the platform when the county never had them."""

from api.desk import Desk
from api.problems import Problem
from models.catalogs import Catalogs
from models.store.applications import form_catalogs
from models.store.database import fetch_int
from models.store.runs import open_run
from models.subsidy import RunKind, Subject

RETRY_SECONDS = 5


async def catalogs_for(desk: Desk, fund_year: int) -> Catalogs:
    """The county's catalogs, or 503 while they are being fetched; in a transaction of its own, so the asking stays."""
    async with desk.database.transaction() as session:
        found = await form_catalogs(session, desk.county, fund_year)
        if found is not None:
            return found
        number = f"{desk.county}-M{fund_year}"
        subject = Subject(kind=RunKind.CATALOG_REFRESH, number=number, county_code=desk.county, fund_year=fund_year)
        asked = await fetch_int(
            session,
            "SELECT count(*) FROM run WHERE workflow_id = :id AND closed_at IS NULL",
            id=subject.workflow_id,
        )
        if not asked:
            await open_run(session, subject)
    raise Problem(
        503,
        "CATALOG_FETCHING",
        "正在向平台获取名单",
        f"{fund_year} 年度的补贴项目、乡镇村和开户行名单正在向平台获取，请稍后重试",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )

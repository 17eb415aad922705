"""The lists that a form is checked against; 503 while the platform is still being asked for one."""

from api.catalogs import CatalogKind, items_of
from api.desk import Desk
from models.catalogs import Catalogs
from models.store.applications import catalogs_from


async def catalogs_for(desk: Desk, fund_year: int) -> Catalogs:
    banks = await items_of(desk, CatalogKind.BANKS, fund_year)
    items = await items_of(desk, CatalogKind.SUBSIDY_ITEMS, fund_year)
    towns = await items_of(desk, CatalogKind.TOWNS, fund_year)
    return catalogs_from(banks, items, towns)

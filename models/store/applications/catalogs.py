"""The lists that a county's forms choose from, as last fetched."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.catalogs import CatalogEntry, Catalogs, Town
from models.store.sql import fetch


class _List(NamedTuple):
    kind: str
    items: list[dict[str, Any]]


async def bank_catalog(session: AsyncSession, county_code: str) -> Catalogs | None:
    """The banks alone, for what chooses nothing else; None while they never were fetched."""
    found = await fetch(
        session,
        _List,
        "SELECT kind, items FROM catalog_list WHERE county_code = :county AND kind = 'banks'",
        county=county_code,
    )
    return catalogs_from(found[0].items, (), ()) if found else None


async def form_catalogs(session: AsyncSession, county_code: str, fund_year: int) -> Catalogs | None:
    """The lists that a county's forms choose from, as last fetched; None while one of them never was."""
    rows = await fetch(
        session,
        _List,
        "SELECT DISTINCT ON (kind) kind, items FROM catalog_list WHERE county_code = :county"
        " AND kind IN ('banks', 'subsidy-items', 'towns') AND fund_year IN (0, :year) ORDER BY kind, fund_year DESC",
        county=county_code,
        year=fund_year,
    )
    lists = dict(rows)
    if len(lists) < 3:
        return None
    return catalogs_from(lists["banks"], lists["subsidy-items"], lists["towns"])


def catalogs_from(
    banks: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]], towns: Sequence[Mapping[str, Any]]
) -> Catalogs:
    """The lists as the platform gave them."""
    places = tuple(Town(town["code"], town["name"], _entries(town["villages"])) for town in towns)
    return Catalogs(_entries(banks), _entries(items), places)


def _entries(items: Iterable[Mapping[str, Any]]) -> tuple[CatalogEntry, ...]:
    return tuple(CatalogEntry(item["code"], item["name"]) for item in items)

"""The names behind the codes of a county's lists, as last fetched from the platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, NotRequired, TypedDict, overload

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch


@dataclass(frozen=True)
class Names:
    """A code without a name is shown as the code."""

    banks: Mapping[str, str]
    items: Mapping[str, str]
    places: Mapping[str, str]

    @overload
    def bank(self, code: str) -> str: ...
    @overload
    def bank(self, code: None) -> None: ...
    def bank(self, code: str | None) -> str | None:
        return self.banks.get(code, code) if code is not None else None

    def item(self, code: str) -> str:
        return self.items.get(code, code)

    def place(self, code: str) -> str:
        return self.places.get(code, code)


class _Village(TypedDict):
    code: str
    name: str


class _Item(_Village):
    villages: NotRequired[list[_Village]]


class _Kept(NamedTuple):
    kind: str
    items: list[_Item]


async def names_of(session: AsyncSession, county_code: str) -> Names:
    rows = await fetch(
        session,
        _Kept,
        "SELECT kind, items FROM catalog_list WHERE county_code = :county"
        " AND kind IN ('banks', 'subsidy-items', 'towns') ORDER BY fund_year",
        county=county_code,
    )
    found: dict[str, dict[str, str]] = {"banks": {}, "subsidy-items": {}, "towns": {}}
    for kind, items in rows:
        for item in items:
            for place in (item, *item.get("villages", ())):
                found[kind][place["code"]] = place["name"]
    return Names(found["banks"], found["subsidy-items"], found["towns"])

"""The platform's lists: banks, items, towns, units, projects and indicator documents of any county and fund year."""

import json
from functools import cached_property, lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

Pair = tuple[str, str]

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class Catalog(BaseModel):
    model_config = ConfigDict(frozen=True)

    banks: list[Pair]
    items: list[Pair]
    towns: list[tuple[str, str, list[str]]]
    policy_units: list[Pair]
    budget_units: list[Pair]
    budget_units_of: dict[str, list[Pair]]
    projects: list[Pair]
    documents: dict[str, list[str]]
    counties: dict[str, str]
    first_fund_year: int
    last_fund_year: int

    def has_year(self, year: int) -> bool:
        return self.first_fund_year <= year <= self.last_fund_year

    def policy_units_in(self, county: str) -> list[Pair]:
        return [(f"{county}{code}", self._of(county, name)) for code, name in self.policy_units]

    def budget_units_in(self, county: str) -> list[Pair]:
        named = [(code, self._of(county, name)) for code, name in self.budget_units_of.get(county, [])]
        built = [(credit_code(county, body), self._of(county, name)) for body, name in self.budget_units]
        return named + [unit for unit in built if unit[1] not in {name for _, name in named}]

    def projects_in(self, county: str, year: int) -> list[Pair]:
        return [(f"{county}{year}{code}", name) for code, name in self.projects]

    def documents_in(self, county: str, year: int) -> list[Pair]:
        forms = self.documents.get(county[:2], self.documents["other"])
        names = dict.fromkeys(form.format(year=year, before=year - 1) for form in forms)
        return [(f"{county[:2]}{year}{place:03d}", name) for place, name in enumerate(names, start=1)]

    def towns_in(self, county: str) -> list[tuple[str, str, list[Pair]]]:
        return [
            (
                county + code,
                name,
                [(f"{county}{code}{place:03d}", village) for place, village in enumerate(villages, 1)],
            )
            for code, name, villages in self.towns
        ]

    def town_codes(self, county: str) -> dict[str, frozenset[str]]:
        return {code: frozenset(v for v, _ in villages) for code, _, villages in self.towns_in(county)}

    @cached_property
    def bank_names(self) -> dict[str, str]:
        return dict(self.banks)

    @cached_property
    def bank_codes(self) -> frozenset[str]:
        return frozenset(self.bank_names)

    @cached_property
    def item_codes(self) -> frozenset[str]:
        return frozenset(code for code, _ in self.items)

    def _of(self, county: str, unit: str) -> str:
        return self.counties.get(county, county) + unit


def credit_code(county: str, body: str) -> str:
    """A unified social credit code of a county organ (GB 32100): 11, the county, nine characters, the check one."""
    stem = f"11{county}{body}{_organ_check(body)}"
    total = sum(_USCC.index(c) * pow(3, place, 31) for place, c in enumerate(stem))
    return stem + _USCC[(31 - total % 31) % 31]


def _organ_check(body: str) -> str:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = (11 - sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11) % 11
    return "X" if rest == 10 else str(rest)


@lru_cache(maxsize=1)
def load_catalog() -> Catalog:
    return Catalog.model_validate(json.loads(Path(__file__).with_name("catalog.json").read_text("utf-8")))


@lru_cache(maxsize=256)
def towns_of(county: str) -> dict[str, frozenset[str]]:
    return load_catalog().town_codes(county)

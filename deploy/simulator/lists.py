"""The lists that the platform offers: units, projects, documents, items, towns, banks."""

from .problems import Problem
from .world import Answer, Call, World


def list_policy_units(world: World, call: Call) -> Answer:
    return _items(world.catalog.policy_units_in(_county(world, call)))


def list_budget_units(world: World, call: Call) -> Answer:
    return _items(world.catalog.budget_units_in(_county(world, call)))


def list_budget_projects(world: World, call: Call) -> Answer:
    return _items(world.catalog.projects_in(_county(world, call), _year(world, call)))


def list_indicator_documents(world: World, call: Call) -> Answer:
    return _items(world.catalog.documents_in(_county(world, call), _year(world, call)))


def list_subsidy_items(world: World, call: Call) -> Answer:
    _county(world, call)
    _year(world, call)
    return _items(world.catalog.items)


def list_towns(world: World, call: Call) -> Answer:
    towns = world.catalog.towns_in(_county(world, call))
    return Answer(200, {"items": [{"code": c, "name": n, "villages": _wire(villages)} for c, n, villages in towns]})


def list_banks(world: World, call: Call) -> Answer:
    return _items(world.catalog.banks)


def _county(world: World, call: Call) -> str:
    world.need_county(call.client, call.path["county_code"])
    return call.path["county_code"]


def _year(world: World, call: Call) -> int:
    text = call.query.get("fund_year", "")
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise Problem("VALIDATION_FAILED", "fund_year 应为四位年份")
    world.need_year(int(text))
    return int(text)


def _items(pairs: list[tuple[str, str]]) -> Answer:
    return Answer(200, {"items": _wire(pairs)})


def _wire(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"code": code, "name": name} for code, name in pairs]

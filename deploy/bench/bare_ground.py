"""What the bare script has before its clock starts: catalogs, an approved policy, an approved indicator."""

from dataclasses import dataclass

from deploy.bench.bare_platform import Callbacks, Json, Platform
from deploy.bench.lines import COUNTY
from deploy.demo.drawings import form_pdf
from models.words.calendar import china_today


@dataclass(frozen=True)
class Ground:
    """Catalogs by name, and the platform's ids of policy and indicator."""

    year: int
    towns: dict[str, Json]
    banks: dict[str, str]
    items: dict[str, str]
    unit: str
    policy: str
    indicator: str


async def prepare(platform: Platform, callbacks: Callbacks, number: int) -> Ground:
    year, lists = china_today().year, f"/counties/{COUNTY}"
    unit = (await _items(platform, f"{lists}/policy-units"))[0]["code"]
    items = {item["name"]: item["code"] for item in await _items(platform, f"{lists}/subsidy-items?fund_year={year}")}
    file_id = await platform.upload(form_pdf(f"bare policy {number}"), "application/pdf")
    policy = {"policy_unit_code": unit, "title": "测速政策", "file_id": file_id, "item_codes": list(items.values())}
    indicator = await _indicator(platform, lists, year)
    return Ground(
        year=year,
        towns={town["name"]: town for town in await _items(platform, f"{lists}/towns")},
        banks={bank["name"]: bank["code"] for bank in await _items(platform, "/banks")},
        items=items,
        unit=unit,
        policy=await _reviewed(platform, callbacks, "policy", policy | about("policy", number, year)),
        indicator=await _reviewed(platform, callbacks, "indicator", indicator | about("indicator", number, year)),
    )


def about(what: str, number: int, year: int) -> Json:
    return {"client_reference": f"bare-{what}-{number}", "county_code": COUNTY, "fund_year": year}


async def _items(platform: Platform, path: str) -> list[Json]:
    items: list[Json] = (await platform.get(path))["items"]
    return items


async def _indicator(platform: Platform, lists: str, year: int) -> Json:
    total = 10**12
    return {
        "budget_unit_code": (await _items(platform, f"{lists}/budget-units"))[0]["code"],
        "budget_project_code": (await _items(platform, f"{lists}/budget-projects?fund_year={year}"))[0]["code"],
        "document_no": (await _items(platform, f"{lists}/indicator-documents?fund_year={year}"))[0]["name"],
        "total_fen": total,
        "central_fen": total,
        "provincial_fen": 0,
        "municipal_fen": 0,
        "county_fen": 0,
    }


async def _reviewed(platform: Platform, callbacks: Callbacks, what: str, body: Json) -> str:
    path = {"policy": "/policies", "indicator": "/indicators"}[what]
    accepted = await platform.send("POST", path, body)
    data = await callbacks.next(f"{what}.reviewed")
    assert data["status"] == "approved"
    return str(accepted["submission_id"])

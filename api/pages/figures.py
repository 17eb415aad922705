"""看板: the fund year in sums and bars, the flows that are open, card changes, accounts out of use (G9)."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.window import Staff
from models.words.calendar import china_today

router = APIRouter(prefix="/console/figures", include_in_schema=False)
_YEARS_BACK = 5
# The days that a curve has room for; what came before is in the table of the export.
_MOST_DAYS = 60


@router.get("")
async def show_figures(window: Staff) -> Response:
    this_year = china_today().year
    asked = window.query("fund_year")
    figures = await window.ask.get("/figures", fund_year=asked)
    flows = await window.ask.get("/flows", ended="false")
    years = range(this_year, this_year - _YEARS_BACK, -1)
    return window.show("figures.html", figures=figures, flows=flows["items"], years=years, steps=steps(figures))


def steps(figures: Mapping[str, Any]) -> list[tuple[str, float, float, int]]:
    """Paid per day as steps: day, height of 100, height of what had been paid before it, fen so far."""
    days = figures["paid_days"][-_MOST_DAYS:]
    total = sum(day["fen"] for day in days)
    found, so_far = [], 0
    for day in days:
        before, so_far = so_far, so_far + day["fen"]
        found.append((day["day"], 100 * so_far / total, 100 * before / total, so_far))
    return found

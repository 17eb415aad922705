"""申请提交: batch, policies, indicators; what a start still lacks and where the money would go; then the start."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/flows/start", include_in_schema=False)
# In the order in which they are drawn on; one more than was chosen can always be added, up to what a start takes.
MOST_INDICATORS = 100


@router.get("")
async def start_page(window: Staff) -> Response:
    """Nothing changes by asking, so what is chosen stands in the address."""
    query = window.request.query_params
    chosen = {name: [value for value in query.getlist(name) if value] for name in ("policy_nos", "indicator_nos")}
    return await _page(window, window.query("batch_no"), chosen["policy_nos"], chosen["indicator_nos"])


@router.post("")
async def start(window: Staff) -> Response:
    batch, form = window.form.text("batch_no"), window.form
    policies, indicators = form.all("policy_nos"), form.all("indicator_nos")
    body = {"batch_no": batch, "policy_nos": policies, "indicator_nos": indicators}
    asked = window.ask.post("/flows", body)
    return await window.act(
        asked,
        "flow_started",
        lambda flow: f"/console/flows/{flow['flow_no']}",
        lambda: _page(window, batch, policies, indicators),
    )


async def _page(window: Window, batch_no: str, policies: Sequence[str], indicators: Sequence[str]) -> Response:
    shown: dict[str, Any] = {"batch_no": batch_no, "policies": list(policies), "indicators": list(indicators)}
    shown["batches"] = await window.ask.every("/batches", stage="verified")
    if not batch_no:
        return window.show("flow_start.html", **shown, batch=None)
    batch = await window.ask.get(f"/batches/{batch_no}")
    year = {"stage": "approved", "fund_year": batch["fund_year"]}
    shown["known_policies"] = await window.ask.every("/policies", **year)
    shown["known_indicators"] = await window.ask.every("/indicators", **year)
    if not window.is_act and not {"policy_nos", "indicator_nos"} & set(window.request.query_params):
        shown["policies"] = policies = _only(shown["known_policies"], "policy_no")
        shown["indicators"] = indicators = _only(shown["known_indicators"], "indicator_no")
    shown["slots"] = min(MOST_INDICATORS, len(shown["known_indicators"]), len(indicators) + 1)
    asked = {"batch_no": batch_no, "policy_nos": list(policies), "indicator_nos": list(dict.fromkeys(indicators))}
    readiness = await window.ask.get("/flow-readiness", **asked)
    return window.show("flow_start.html", **shown, batch=batch, readiness=readiness, places=PLACES)


def _only(known: Sequence[dict[str, Any]], number: str) -> list[str]:
    """Chosen from the beginning where there is nothing to choose."""
    return [str(known[0][number])] if len(known) == 1 else []


# The way to what a check lacks.
PLACES = {
    "county": "/console/flows?ended=false",
    "lines": "/console/verifications",
    "publicity": "/console/publicity",
    "policies": "/console/policies",
    "money": "/console/indicators",
}
